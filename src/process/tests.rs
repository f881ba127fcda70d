//! The real kernel, on ourselves and on children.
