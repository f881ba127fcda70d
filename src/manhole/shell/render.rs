//! How values look to people: numbers with units, tables, pairs. Pure.
//!
//! Whatever comes from elsewhere (names of threads, paths, what a procedure answers) goes through [`printable`]: it cannot
//! move the cursor of the terminal that it is shown on.

use serde_json::Value;

use crate::terminal::{char_width, one_line, printable, text_width};

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    Plain,
    /// With ANSI's colours.
    Ansi,
}

/// For what an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The width of the terminal; `None` where there is none, and lines may be of any length.
    pub columns: Option<usize>,
    /// Its height, where it is known.
    pub rows: Option<usize>,
    /// Whether colours are wanted.
    pub colour: Colour,
}

impl Style {
    /// Text that nobody looks at on a terminal.
    pub const PLAIN: Self = Self { columns: None, rows: None, colour: Colour::Plain };

    /// A heading.
    #[must_use]
    pub fn heading(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What stands out.
    #[must_use]
    pub fn strong(&self, text: &str) -> String {
        self.paint("1;32", text)
    }

    /// An error.
    #[must_use]
    pub fn alarm(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.colour {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// Which way a column leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table. The last column is cut where the terminal ends.
#[must_use]
pub fn table(columns: &[(&str, Align)], rows: &[Vec<String>], style: &Style) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| text_width(cell));
        cells.chain(columns.get(column).map(|(name, _)| name.len())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for (((cell, (_, align)), width), number) in cells.iter().zip(columns).zip(&widths).zip(0..) {
            if number > 0 {
                line.push_str("  ");
            }
            let pad = " ".repeat(width.saturating_sub(text_width(cell)));
            match align {
                Align::Right => line.extend([&pad, *cell]),
                Align::Left => line.extend([*cell, &pad]),
            }
        }
        cut(line.trim_end(), style.columns).to_owned()
    };
    let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = style.heading(&line(&head));
    text.push('\n');
    for row in rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        text.push('\n');
    }
    text
}

/// Names and what belongs to them, a line each.
#[must_use]
pub fn pairs(pairs: &[(&str, String)], style: &Style) -> String {
    let width = pairs.iter().map(|(name, _)| text_width(name)).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in pairs {
        let pad = " ".repeat(width - text_width(name));
        let room = style.columns.map(|columns| columns.saturating_sub(width + 2));
        text.push_str(&style.heading(name));
        text.extend([&pad, "  ", cut(value, room), "\n"]);
    }
    text
}

/// The start of a text, as much as fits.
#[must_use]
pub fn cut(text: &str, columns: Option<usize>) -> &str {
    let Some(columns) = columns else { return text };
    let mut width = 0;
    for (at, c) in text.char_indices() {
        width += char_width(c);
        if width > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// A member of a dict, as text: strings without quotes, `-` for null and for what is missing.
#[must_use]
pub fn cell(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => printable(text).into_owned(),
        Some(other) => printable(&other.to_string()).into_owned(),
    }
}

/// A number of bytes, in the unit that leaves one to four digits before the point.
#[must_use]
pub fn bytes(count: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut count = count;
    let mut unit = 0;
    while count >= 1024.0 && unit + 1 < units.len() {
        count /= 1024.0;
        unit += 1;
    }
    let unit = (unit, units.get(unit).copied().unwrap_or_default());
    if unit.0 == 0 { format!("{count} {}", unit.1) } else { format!("{count:.1} {}", unit.1) }
}

/// A member of a dict that is a number of bytes.
#[must_use]
pub fn bytes_cell(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_f64).map_or_else(|| "-".to_owned(), bytes)
}

/// A member of a dict that is a number, with so many decimals.
#[must_use]
pub fn number_cell(value: &Value, key: &str, decimals: usize) -> String {
    value.get(key).and_then(Value::as_f64).map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}

/// A time span like `2d 3h 4m` or `12.3 s`.
#[must_use]
pub fn span(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    // As whole minutes; a negative or endless span has none.
    let minutes = seconds as u64 / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, hours) => format!("{hours}h {minutes}m"),
        (days, hours) => format!("{days}d {hours}h {minutes}m"),
    }
}

/// Any value, for a command that has no form of its own: a list of dicts as a table, a dict as pairs, a string as it is.
#[must_use]
pub fn any(value: &Value, style: &Style) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let mut lines = String::with_capacity(text.len() + 1);
            for line in text.lines() {
                lines.push_str(&printable(line));
                lines.push('\n');
            }
            if lines.is_empty() { "\n".to_owned() } else { lines }
        }
        Value::Object(members) => {
            let members: Vec<_> = members.keys().map(|key| (printable(key), cell(value, key))).collect();
            pairs(&members.iter().map(|(key, text)| (key.as_ref(), text.clone())).collect::<Vec<_>>(), style)
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            let keys: Vec<&String> =
                items.first().and_then(Value::as_object).into_iter().flat_map(|row| row.keys()).collect();
            let names: Vec<_> = keys.iter().map(|key| printable(key)).collect();
            let columns: Vec<_> = names.iter().map(|name| (name.as_ref(), Align::Left)).collect();
            let rows: Vec<Vec<String>> =
                items.iter().map(|item| keys.iter().map(|key| cell(item, key)).collect()).collect();
            table(&columns, &rows, style)
        }
        other => printable(&other.to_string()).into_owned() + "\n",
    }
}

/// A JSON text with a line for each value, as it was written otherwise: the order of keys, the digits of numbers.
#[must_use]
pub fn indented(json: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let compact = one_line(json);
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' if matches!(chars.peek(), Some('}' | ']')) => text.extend([c, chars.next().unwrap_or_default()]),
            '{' | '[' => {
                depth += 1;
                text.push(c);
                new_line(&mut text, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c => {
                in_string = c == '"';
                text.push(c);
            }
        }
    }
    text.push('\n');
    text
}

/// Deeper than this nothing moves further to the right: what a procedure answers decides how deep it is.
const DEEPEST: usize = 32;

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_indented_as_it_was_written() {
        let json = r#"{"b":1.0,"a":[1,{}],"s":"x,\"{\u009b","e":[]}"#;
        let text = indented(json);
        let expected =
            "{\n  \"b\": 1.0,\n  \"a\": [\n    1,\n    {}\n  ],\n  \"s\": \"x,\\\"{\\u009b\",\n  \"e\": []\n}\n";
        assert_eq!(text, expected);
        assert_eq!(one_line(&text), json);
        assert_eq!(indented("5"), "5\n");
        assert!(indented(&"[".repeat(60_000)).len() < 8_000_000);
    }

    #[test]
    fn numbers_with_units() {
        assert_eq!([0.0, 1023.0, 1024.0, 5_452_595.0, 1e300].map(bytes)[..4], ["0 B", "1023 B", "1.0 KiB", "5.2 MiB"]);
        assert_eq!([0.04, 59.0, 60.0, 3660.0, 90_000.0].map(span), ["0.0 s", "59.0 s", "1m", "1h 1m", "1d 1h 0m"]);
    }

    #[test]
    fn tables_line_up_and_end_where_the_terminal_does() {
        let columns = [("name", Align::Left), ("n", Align::Right)];
        let rows = [vec!["日本".to_owned(), "5".to_owned()], vec!["a".to_owned(), "100".to_owned()]];
        assert_eq!(table(&columns, &rows, &Style::PLAIN), "name    n\n日本    5\na     100\n");
        let narrow = Style { columns: Some(3), ..Style::PLAIN };
        assert_eq!(table(&columns, &rows, &narrow), "nam\n日\na  \n");
    }

    #[test]
    fn what_comes_from_elsewhere_is_harmless() {
        let sly = json!({"na\u{1b}me": "\u{1b}[2J"});
        for text in
            [any(&sly, &Style::PLAIN), any(&json!([sly]), &Style::PLAIN), any(&json!("\u{1b}c\n"), &Style::PLAIN)]
        {
            assert!(!text.contains('\x1b'), "{text:?}");
        }
        assert_eq!(any(&json!([1, 2]), &Style::PLAIN), "[1,2]\n");
        assert_eq!(any(&Value::Null, &Style::PLAIN), "");
    }
}
