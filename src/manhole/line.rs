//! The line that is being typed, and the lines before it. Pure.

use std::collections::VecDeque;

use crate::terminal::char_width;

/// The longest line in bytes; what is typed beyond it is refused.
pub const MAX_LINE: usize = 4096;

/// How many lines are remembered.
pub const MAX_HISTORY: usize = 200;

/// A text and a place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// In bytes, at the start of a character.
    cursor: usize,
}

impl Line {
    /// A line with the cursor at its end.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self { cursor: text.len(), text }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands left of the cursor.
    #[must_use]
    pub fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// What stands right of it.
    #[must_use]
    pub fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Inserts a text at the cursor; false when it does not fit.
    #[must_use]
    pub fn insert(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() <= MAX_LINE;
        if fits {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
        }
        fits
    }

    /// Puts another text in the place of what stands left of the cursor from byte `start` on; false when it does not fit.
    #[must_use]
    pub fn replace_before(&mut self, start: usize, text: &str) -> bool {
        let Some(replaced) = self.before().get(start..) else { return false };
        let fits = self.text.len() - replaced.len() + text.len() <= MAX_LINE;
        if fits {
            self.text.replace_range(start..self.cursor, text);
            self.cursor = start + text.len();
        }
        fits
    }

    /// One character to the left, with the marks on it.
    pub fn left(&mut self) {
        self.cursor = self.character_before();
    }

    /// One character to the right, with the marks on it.
    pub fn right(&mut self) {
        self.cursor = self.character_after();
    }

    /// To the start.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// To the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// To the start of the word.
    pub fn word_left(&mut self) {
        self.cursor = self.word_before();
    }

    /// Behind the end of the word.
    pub fn word_right(&mut self) {
        let after = self.after();
        let blanks = after.len() - after.trim_start_matches(' ').len();
        let word = after.get(blanks..).and_then(|rest| rest.find(' '));
        self.cursor = word.map_or(self.text.len(), |length| self.cursor + blanks + length);
    }

    /// Deletes left of the cursor.
    pub fn backspace(&mut self) {
        // A mark goes by itself, as it was typed.
        let start = self.before().char_indices().next_back().map_or(0, |(start, _)| start);
        self.delete_from(start);
    }

    /// Deletes the character at the cursor.
    pub fn delete(&mut self) {
        let end = self.character_after();
        self.text.replace_range(self.cursor..end, "");
    }

    /// Deletes everything left of the cursor.
    pub fn kill_to_start(&mut self) {
        self.delete_from(0);
    }

    /// Deletes everything right of it.
    pub fn kill_to_end(&mut self) {
        self.text.truncate(self.cursor);
    }

    /// Deletes the word left of it.
    pub fn kill_word(&mut self) {
        self.delete_from(self.word_before());
    }

    fn delete_from(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    fn character_before(&self) -> usize {
        let visible = self.before().char_indices().rfind(|(_, c)| char_width(*c) > 0);
        visible.map_or(0, |(start, _)| start)
    }

    fn character_after(&self) -> usize {
        let next = self.after().char_indices().skip(1).find(|(_, c)| char_width(*c) > 0);
        next.map_or(self.text.len(), |(start, _)| self.cursor + start)
    }

    fn word_before(&self) -> usize {
        self.before().trim_end_matches(' ').rfind(' ').map_or(0, |blank| blank + 1)
    }
}

/// The lines before, and the place in them where one looks.
#[derive(Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    /// Which line is shown, counted from the oldest, and the line that was being typed.
    shown: Option<(usize, String)>,
}

impl History {
    /// Remembers a line, unless it is empty or the last one again. The oldest goes when there are too many.
    pub fn push(&mut self, line: &str) {
        self.shown = None;
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() >= MAX_HISTORY {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The line before the one that is shown. `typed` is what to come back to.
    pub fn previous(&mut self, typed: &str) -> Option<String> {
        let (at, typed) = match self.shown.take() {
            Some((at, typed)) => (at.saturating_sub(1), typed),
            None => (self.lines.len().checked_sub(1)?, typed.to_owned()),
        };
        self.shown = Some((at, typed));
        self.lines.get(at).cloned()
    }

    /// The line after the one that is shown, and last what was being typed.
    pub fn next(&mut self) -> Option<String> {
        let (at, typed) = self.shown.take()?;
        match self.lines.get(at + 1) {
            Some(line) => {
                let line = line.clone();
                self.shown = Some((at + 1, typed));
                Some(line)
            }
            None => Some(typed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_at_the_cursor_in_characters() {
        let mut line = Line::new("Größe 日本".to_owned());
        line.left();
        line.backspace();
        assert_eq!((line.before(), line.after()), ("Größe ", "本"));
        line.delete();
        line.delete();
        line.home();
        line.right();
        line.right();
        line.delete();
        assert_eq!((line.before(), line.after()), ("Gr", "ße "));
        line.kill_to_start();
        line.right();
        line.kill_to_end();
        assert_eq!((line.before(), line.after()), ("ß", ""));
    }

    #[test]
    fn marks_are_passed_with_their_letter_and_deleted_one_by_one() {
        let mut line = Line::new("ae\u{301}\u{302}b".to_owned());
        line.left();
        line.left();
        assert_eq!(line.before(), "a");
        line.right();
        line.backspace();
        assert_eq!(line.text(), "ae\u{301}b");
        line.left();
        line.delete();
        assert_eq!(line.text(), "ab");
    }

    #[test]
    fn words_end_at_blanks() {
        let mut line = Line::new("call  get_process_stats  x".to_owned());
        line.word_left();
        line.word_left();
        assert_eq!(line.before(), "call  ");
        line.kill_word();
        assert_eq!(line.text(), "get_process_stats  x");
        line.word_right();
        assert_eq!(line.after(), "  x");
        line.word_right();
        line.word_right();
        assert_eq!(line.after(), "");
        line.home();
        line.word_left();
        line.left();
        line.backspace();
        line.kill_word();
        assert_eq!(line.before(), "");
    }

    #[test]
    fn a_line_has_an_end() {
        let mut line = Line::default();
        assert!(line.insert(&"x".repeat(MAX_LINE)));
        assert!(!line.insert("y"));
        assert!(!line.replace_before(0, &"z".repeat(MAX_LINE + 1)));
        assert!(line.replace_before(MAX_LINE - 1, "y"));
        assert!(line.text().ends_with("xy"));
        assert!(!line.replace_before(MAX_LINE + 1, "y"), "a place that is none");
    }

    #[test]
    fn history_goes_up_and_down_and_back_to_what_was_typed() {
        let mut history = History::default();
        assert_eq!(history.previous("new"), None);
        for line in ["a", "b", "b", " ", "c"] {
            history.push(line);
        }
        let up: Vec<_> = (0..4).map(|_| history.previous("new").unwrap()).collect();
        assert_eq!(up, ["c", "b", "a", "a"]);
        let down: Vec<_> = (0..3).map(|_| history.next().unwrap()).collect();
        assert_eq!(down, ["b", "c", "new"]);
        assert_eq!(history.next(), None);
        for number in 0..=MAX_HISTORY {
            history.push(&number.to_string());
        }
        let oldest = (0..MAX_HISTORY).map(|_| history.previous("").unwrap()).last();
        assert_eq!(oldest.as_deref(), Some("1"));
    }
}
