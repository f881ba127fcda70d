//! Integration tests: what can only be seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tidy;
