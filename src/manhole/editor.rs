//! The line editor of a terminal at the other end of a connection: bytes in, lines and what to draw out. Pure.
//!
//! It draws in a single row, and scrolls in it when the line is wider than the terminal: so a resize needs no knowledge of
//! how the terminal wrapped what stood there before.

use std::fmt::Write;

use super::keys::{Key, Keys};
use super::line::{History, Line};
use crate::terminal::{char_width, text_width};

/// What a byte led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// Nothing but perhaps something to draw.
    Nothing,
    /// A line is complete.
    Line(String),
    /// Ctrl-C: the line is dropped.
    Interrupt,
    /// Ctrl-D on an empty line.
    EndOfInput,
}

/// How what stands left of the cursor can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word that is being completed begins, in bytes.
    pub start: usize,
    /// What it can be, each beginning with what is there already, with the blank that may follow it.
    pub candidates: Vec<String>,
}

/// A line that is being edited.
#[derive(Debug)]
pub struct Editor {
    keys: Keys,
    line: Line,
    history: History,
    prompt: String,
    prompt_width: usize,
    columns: usize,
    drawn: String,
}

/// The width of a terminal that does not say.
const USUAL_COLUMNS: usize = 80;

/// The narrowest that is drawn for.
const LEAST_COLUMNS: usize = 10;

impl Editor {
    /// An editor for a terminal of so many columns (0: unknown). `prompt` may hold colours; `prompt_width` is without them.
    #[must_use]
    pub fn new(prompt: String, prompt_width: usize, columns: u32) -> Self {
        let mut editor = Self {
            keys: Keys::default(),
            line: Line::default(),
            history: History::default(),
            prompt,
            prompt_width,
            columns: USUAL_COLUMNS,
            drawn: String::new(),
        };
        editor.set_columns(columns);
        editor
    }

    fn set_columns(&mut self, columns: u32) {
        self.columns = match usize::try_from(columns).unwrap_or(usize::MAX) {
            0 => USUAL_COLUMNS,
            columns => columns.max(LEAST_COLUMNS),
        };
    }

    /// The terminal has another width.
    pub fn resize(&mut self, columns: u32) {
        self.set_columns(columns);
        self.draw();
    }

    /// Begins a line, behind whatever was printed.
    pub fn prompt(&mut self) {
        self.draw();
    }

    /// What is to be written to the terminal, as it is.
    pub fn take_drawn(&mut self) -> String {
        std::mem::take(&mut self.drawn)
    }

    /// Takes a byte. `complete` is asked with what stands left of the cursor.
    pub fn feed(&mut self, byte: u8, complete: &dyn Fn(&str) -> Completion) -> Fed {
        let Some(key) = self.keys.feed(byte) else { return Fed::Nothing };
        let line = &mut self.line;
        match key {
            Key::Char(c) => {
                self.insert(c);
                return Fed::Nothing;
            }
            Key::Enter => {
                self.drawn.push_str("\r\n");
                let text = std::mem::take(&mut self.line).text().to_owned();
                self.history.push(&text);
                return Fed::Line(text);
            }
            Key::Interrupt => {
                self.drawn.push_str("^C\r\n");
                self.line = Line::default();
                self.history.push("");
                return Fed::Interrupt;
            }
            Key::EndOfInput if line.text().is_empty() => {
                self.drawn.push_str("\r\n");
                return Fed::EndOfInput;
            }
            Key::EndOfInput | Key::Delete => line.delete(),
            Key::Complete => {
                self.complete(&complete(self.line.before()));
                return Fed::Nothing;
            }
            Key::Backspace => line.backspace(),
            Key::Left => line.left(),
            Key::Right => line.right(),
            Key::WordLeft => line.word_left(),
            Key::WordRight => line.word_right(),
            Key::Home => line.home(),
            Key::End => line.end(),
            Key::KillToStart => line.kill_to_start(),
            Key::KillToEnd => line.kill_to_end(),
            Key::KillWord => line.kill_word(),
            Key::Previous => match self.history.previous(line.text()) {
                Some(text) => self.line = Line::new(text),
                None => return self.ring(),
            },
            Key::Next => match self.history.next() {
                Some(text) => self.line = Line::new(text),
                None => return self.ring(),
            },
            Key::ClearScreen => self.drawn.push_str("\x1b[H\x1b[2J"),
        }
        self.draw();
        Fed::Nothing
    }

    fn ring(&mut self) -> Fed {
        self.drawn.push('\x07');
        Fed::Nothing
    }

    fn insert(&mut self, c: char) {
        let mut bytes = [0; 4];
        if !self.line.insert(c.encode_utf8(&mut bytes)) {
            self.ring();
            return;
        }
        // The usual case needs no redraw: typing at the end of a line that fits.
        let at_end = self.line.after().is_empty();
        if at_end && self.prompt_width + text_width(self.line.text()) < self.columns {
            self.drawn.push(c);
        } else {
            self.draw();
        }
    }

    fn complete(&mut self, completion: &Completion) {
        let Completion { start, candidates } = completion;
        let typed = self.line.before().get(*start..).unwrap_or_default().to_owned();
        let common = common_start(candidates);
        if common.len() > typed.len() {
            if !self.line.replace_before(*start, common) {
                self.ring();
            }
        } else if candidates.len() > 1 {
            self.drawn.push_str("\r\n");
            let listed = columns_of(candidates, self.columns);
            self.drawn.push_str(&listed);
        } else {
            self.ring();
        }
        self.draw();
    }

    /// Draws prompt and line anew in the row where the cursor is.
    fn draw(&mut self) {
        let room = self.columns.saturating_sub(self.prompt_width + 1).max(LEAST_COLUMNS / 2);
        let before = self.line.before();
        // As much of what stands left of the cursor as fits, and then of the rest.
        let mut start = 0;
        let mut width = text_width(before);
        for (at, c) in before.char_indices() {
            if width < room {
                break;
            }
            width -= char_width(c);
            start = at + c.len_utf8();
        }
        let cursor = self.prompt_width + width;
        let mut visible = before.get(start..).unwrap_or_default().to_owned();
        for c in self.line.after().chars() {
            width += char_width(c);
            if width > room {
                break;
            }
            visible.push(c);
        }
        // Writing to a string cannot fail.
        let _ = write!(self.drawn, "\r{}{visible}\x1b[J\r\x1b[{cursor}C", self.prompt);
        if cursor == 0 {
            // `CUF 0` moves by one.
            self.drawn.truncate(self.drawn.len() - "\x1b[0C".len());
        }
    }
}

/// What all candidates begin with.
fn common_start(candidates: &[String]) -> &str {
    let Some((first, rest)) = candidates.split_first() else { return "" };
    let mut end = first.len();
    for other in rest {
        let same = first.char_indices().zip(other.chars()).find(|((_, a), b)| a != b);
        end = end.min(same.map_or(first.len().min(other.len()), |((at, _), _)| at));
    }
    first.get(..end).unwrap_or_default()
}

/// Candidates in columns, row by row.
fn columns_of(candidates: &[String], columns: usize) -> String {
    let width = candidates.iter().map(|candidate| text_width(candidate.trim_end())).max().unwrap_or_default() + 2;
    let per_row = (columns / width).max(1);
    let mut rows = String::new();
    for row in candidates.chunks(per_row) {
        let mut line = String::new();
        for candidate in row {
            let candidate = candidate.trim_end();
            line.push_str(candidate);
            line.extend(std::iter::repeat_n(' ', width - text_width(candidate)));
        }
        rows.push_str(line.trim_end());
        rows.push_str("\r\n");
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal as simple as the editor needs it: one row, and how many lines were ended.
    fn shown(drawn: &str, columns: usize) -> (String, usize) {
        let (mut row, mut at) = (vec![' '; columns], 0);
        let mut chars = drawn.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => at = 0,
                '\n' => row = vec![' '; columns],
                '\x07' => {}
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let mut sequence = String::new();
                    while !sequence.ends_with(|c: char| c.is_ascii_alphabetic()) {
                        sequence.push(chars.next().unwrap());
                    }
                    match sequence.as_str() {
                        "J" => row[at..].fill(' '),
                        "2J" => row.fill(' '),
                        "H" => at = 0,
                        other => at += other.strip_suffix('C').unwrap().parse::<usize>().unwrap(),
                    }
                }
                c => {
                    row[at] = c;
                    at += 1;
                }
            }
        }
        (row.into_iter().collect::<String>().trim_end().to_owned(), at)
    }

    fn none(_: &str) -> Completion {
        Completion::default()
    }

    fn feed(editor: &mut Editor, bytes: &[u8]) -> Vec<Fed> {
        let fed = bytes.iter().map(|byte| editor.feed(*byte, &none));
        fed.filter(|fed| *fed != Fed::Nothing).collect()
    }

    #[test]
    fn lines_interrupts_and_the_end() {
        let mut editor = Editor::new("> ".to_owned(), 2, 80);
        let fed = feed(&mut editor, b"stats\rgarb\x03x\x04\x01\x04\x04");
        assert_eq!(fed, [Fed::Line("stats".to_owned()), Fed::Interrupt, Fed::EndOfInput]);
        assert_eq!(feed(&mut editor, b"\x1b[A\r"), [Fed::Line("stats".to_owned())]);
    }

    #[test]
    fn what_is_drawn_is_what_is_there() {
        let mut editor = Editor::new("\x1b[1m>\x1b[0m ".to_owned(), 2, 20);
        editor.prompt = "> ".to_owned();
        editor.prompt();
        feed(&mut editor, b"hallo welt");
        let mut drawn = editor.take_drawn();
        assert_eq!(shown(&drawn, 20), ("> hallo welt".to_owned(), 12));
        feed(&mut editor, b"\x01\x1b[C\x08e\x04\x04");
        drawn += &editor.take_drawn();
        assert_eq!(shown(&drawn, 20), ("> ello welt".replace("ell", "el"), 3));
        feed(&mut editor, b"\x15\x0b");
        drawn += &editor.take_drawn();
        assert_eq!(shown(&drawn, 20), (">".to_owned(), 2));
    }

    #[test]
    fn a_long_line_scrolls_in_its_row_at_every_width() {
        for columns in [0, 1, 10, 11, 20, 79, 4000] {
            let mut editor = Editor::new("> ".to_owned(), 2, columns);
            let width = if columns == 0 { 80 } else { columns.max(10) as usize };
            let mut drawn = String::new();
            for byte in (b'a'..=b'z').cycle().take(300).chain(*b"\x01\x05\x02\x02\x08x\x17") {
                editor.feed(byte, &none);
                drawn += &editor.take_drawn();
                let (_, at) = shown(&drawn, width);
                assert!(at < width);
            }
            editor.resize(30);
            let (row, at) = shown(&editor.take_drawn(), 30);
            assert!(row.starts_with("> ") && at < 30, "{row}");
        }
    }

    #[test]
    fn wide_characters_are_never_cut_by_the_edge() {
        let mut editor = Editor::new("> ".to_owned(), 2, 12);
        feed(&mut editor, "日本日本日本日本x".as_bytes());
        let drawn = editor.take_drawn();
        let last = drawn.rsplit('\r').nth(1).unwrap();
        assert!(text_width(&last.replace("\x1b[J", "")) < 12, "{last:?}");
    }

    #[test]
    fn tab_completes_as_far_as_it_is_clear_and_lists_the_rest() {
        let words = |before: &str| {
            let candidates = ["affinity ", "stats ", "status "].into_iter().filter(|word| word.starts_with(before));
            Completion { start: 0, candidates: candidates.map(str::to_owned).collect() }
        };
        let mut editor = Editor::new("> ".to_owned(), 2, 80);
        let mut type_in = |bytes: &[u8]| {
            for byte in bytes {
                assert_eq!(editor.feed(*byte, &words), Fed::Nothing);
            }
            editor.take_drawn()
        };
        assert!(shown(&type_in(b"s\t"), 80).0.ends_with("> stat"));
        let listed = type_in(b"\t");
        assert!(listed.contains("\r\nstats   status\r\n"), "{listed:?}");
        type_in(b"s\t");
        assert!(type_in(b"\t").contains('\x07'));
        type_in(b"\x15a\t");
        assert_eq!(editor.feed(b'\r', &words), Fed::Line("affinity ".to_owned()));
    }

    #[test]
    fn candidates_have_a_common_start_in_characters() {
        let common = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            common_start(&words).to_owned()
        };
        assert_eq!(common(&["größe", "grün"]), "gr");
        assert_eq!(common(&["abc", "ab"]), "ab");
        assert_eq!(common(&["a"]), "a");
        assert_eq!(common(&[]), "");
    }

    #[test]
    fn a_line_that_is_full_rings() {
        let mut editor = Editor::new(String::new(), 0, 80);
        feed(&mut editor, &[b'x'; super::super::line::MAX_LINE]);
        editor.take_drawn();
        feed(&mut editor, b"y");
        assert_eq!(editor.take_drawn(), "\x07");
    }
}
