//! What of a peer's text may stand in a sentence.

/// Characters of it.
const LONGEST: usize = 80;

/// The beginning of a text that came from a peer, or that repeats some of it: enough to find it by, and never as long as the
/// peer would like.
#[must_use]
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
