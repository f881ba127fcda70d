//! What stands on a terminal: text of others made harmless, and how wide characters are. Pure.

pub mod printable;
pub mod width;

pub use printable::{is_active, one_line, printable};
pub use width::{char_width, text_width};
