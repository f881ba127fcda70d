//! wip
pub mod editor;
pub mod keys;
pub mod line;
pub mod question;
pub mod shell;
