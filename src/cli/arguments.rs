//! The arguments of a call or an event as a command line gives them, and the payload that they make.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::failure::Failure;
use crate::transport::MAX_PAYLOAD;
use crate::wamp::codec::MAX_DEPTH;
use crate::wamp::codec::json::is_deeper_than;
use crate::wamp::{Payload, binary, typed};

/// The most bytes that are read from a file: in base64 four of a message carry three of them.
const MAX_BYTES: u64 = MAX_PAYLOAD as u64 / 4 * 3;

/// Levels of lists and dicts that an argument may have: the message and the list of arguments are two more.
const MAX_LEVELS: usize = MAX_DEPTH - 2;

/// What was given, in the order in which it was.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    positional: Vec<Argument>,
    /// Key and JSON text.
    keyword: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Argument {
    /// A JSON text.
    Json(String),
    /// The bytes of a file.
    File(PathBuf),
    /// The bytes of the standard input.
    StandardInput,
}

impl Arguments {
    /// An argument that is JSON if it can be, and else a string.
    ///
    /// # Errors
    /// When it begins like JSON and is none.
    pub fn push(&mut self, text: &str) -> Result<(), String> {
        self.positional.push(Argument::Json(json_or_string(text, "-s before a string")?));
        Ok(())
    }

    /// An argument that is a string.
    pub fn push_string(&mut self, text: &str) {
        self.positional.push(Argument::Json(typed::string(text)));
    }

    /// A file's bytes; `-` is the standard input.
    ///
    /// # Errors
    /// When the standard input, which has only one end, is given twice.
    pub fn push_file(&mut self, path: &OsStr) -> Result<(), String> {
        if path != "-" {
            self.positional.push(Argument::File(path.into()));
            return Ok(());
        }
        if self.positional.iter().any(|argument| matches!(argument, Argument::StandardInput)) {
            return Err("expected the standard input once, got it twice".to_owned());
        }
        self.positional.push(Argument::StandardInput);
        Ok(())
    }

    /// A keyword argument, JSON if it can be, and else a string.
    ///
    /// # Errors
    /// When the key was given before, or the text begins like JSON and is none.
    pub fn insert(&mut self, key: &str, text: &str) -> Result<(), String> {
        if self.keyword.iter().any(|(known, _)| known == key) {
            return Err(format!("expected every KEY once, got {key:?} twice"));
        }
        self.keyword.push((key.to_owned(), json_or_string(text, "a string in JSON's quotes")?));
        Ok(())
    }

    /// The payload. Reads the files.
    ///
    /// # Errors
    /// [`Failure::Input`] when a file cannot be read, or is too long for a message; [`Failure::Usage`] when all arguments
    /// together are, or one is nested deeper than a message may be.
    pub fn payload(&self) -> Result<Payload, Failure> {
        let args = self.positional.iter().map(Argument::json).collect::<Result<Vec<_>, _>>()?;
        if let Some(deep) = args.iter().chain(self.keyword.iter().map(|(_, json)| json)).find(|json| is_deep(json)) {
            let sentence = format!(
                "expected at most {MAX_LEVELS} levels of lists and dicts in an argument, got {}",
                excerpt(deep)
            );
            return Err(Failure::Usage(sentence));
        }
        let payload = typed::payload(&args, &self.keyword).map_err(Failure::Usage)?;
        let size = payload.size();
        if size > MAX_PAYLOAD {
            let what = "expected arguments of at most";
            let sentence = format!("{what} {MAX_PAYLOAD} bytes as JSON, which is what a message holds, got {size}");
            return Err(Failure::Usage(sentence));
        }
        Ok(payload)
    }
}

/// As [`typed::json_or_string`] has it, but a list, a dict or a quoted string that was begun must be whole: hardly anybody who
/// forgets a bracket means a string. `remedy` says what to write then.
fn json_or_string(text: &str, remedy: &str) -> Result<String, String> {
    let begins_like_json = text.trim_start().starts_with(['[', '{', '"']);
    match serde_json::from_str::<&RawValue>(text) {
        Err(error) if begins_like_json => {
            Err(format!("expected JSON, or {remedy} that begins like it, got {text:?}: {error}"))
        }
        _ => Ok(typed::json_or_string(text).into_owned()),
    }
}

fn is_deep(json: &str) -> bool {
    is_deeper_than(MAX_LEVELS, json)
}

/// The beginning of an argument, for an error message.
fn excerpt(json: &str) -> String {
    format!("{:.20}…", json)
}

impl Argument {
    fn json(&self) -> Result<String, Failure> {
        let (name, read) = match self {
            Self::Json(text) => return Ok(text.clone()),
            Self::File(path) => (path.display().to_string(), File::open(path).and_then(read)),
            Self::StandardInput => ("the standard input".to_owned(), read(io::stdin().lock())),
        };
        read.map(|bytes| binary::to_json(&bytes).to_string()).map_err(|error| Failure::Input { name, error })
    }
}

fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if length as u64 > MAX_BYTES {
        let sentence = format!("expected at most {MAX_BYTES} bytes, which is what a message holds in base64, got more");
        return Err(io::Error::new(io::ErrorKind::InvalidData, sentence));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(arguments: &Arguments) -> (Option<String>, Option<String>) {
        let payload = arguments.payload().unwrap();
        (payload.raw_args().map(|raw| raw.get().to_owned()), payload.raw_kwargs().map(|raw| raw.get().to_owned()))
    }

    #[test]
    fn json_stays_as_it_was_typed_and_all_else_is_a_string() {
        let mut arguments = Arguments::default();
        for text in ["1.0", "12345678901234567890123", "true", "null", r#"{"b":1,"a":2}"#, "-5", r#""quoted""#] {
            arguments.push(text).unwrap();
        }
        for text in ["hello", "", "01", "True", "nan", "1 2"] {
            arguments.push(text).unwrap();
        }
        arguments.push_string("[1,");
        let args = r#"[1.0,12345678901234567890123,true,null,{"b":1,"a":2},-5,"quoted","hello","","01","True","nan","1 2","[1,"]"#;
        assert_eq!(texts(&arguments), (Some(args.to_owned()), None));
    }

    #[test]
    fn what_begins_like_json_and_is_none_is_no_string_by_accident() {
        let mut arguments = Arguments::default();
        for text in ["[0", r#"{"a": 1,}"#, "{a: 1}", r#""quoted"#, " [1]]"] {
            let sentence = arguments.push(text).unwrap_err();
            assert!(
                sentence.starts_with("expected JSON, or -s before a string that begins like it, got "),
                "{sentence}"
            );
            assert!(
                arguments.insert("key", text).unwrap_err().starts_with("expected JSON, or a string in JSON's quotes")
            );
        }
        assert_eq!(texts(&arguments), (None, None));
    }

    #[test]
    fn keyword_arguments_stand_beside_none_and_come_once() {
        let mut arguments = Arguments::default();
        assert_eq!(texts(&arguments), (None, None));
        arguments.insert("relative", "false").unwrap();
        arguments.insert("na\"me", "x").unwrap();
        assert!(arguments.insert("relative", "true").is_err());
        assert_eq!(texts(&arguments), (None, Some(r#"{"relative":false,"na\"me":"x"}"#.to_owned())));
    }

    #[test]
    fn a_file_is_a_binary_value_in_its_place_and_a_missing_one_is_named() {
        let path = std::env::temp_dir().join(format!("wampproc-arguments-{}", std::process::id()));
        std::fs::write(&path, b"foo").unwrap();
        let mut arguments = Arguments::default();
        arguments.push("1").unwrap();
        arguments.push_file(path.as_os_str()).unwrap();
        arguments.push("2").unwrap();
        let args = texts(&arguments).0;
        std::fs::remove_file(&path).unwrap();
        assert_eq!(args.as_deref(), Some(r#"[1,"\u0000Zm9v",2]"#));
        let failure = arguments.payload().unwrap_err().to_string();
        assert!(failure.contains(&path.display().to_string()), "{failure}");
    }

    #[test]
    fn what_no_message_holds_is_not_read_to_its_end() {
        assert!(read(io::repeat(0)).is_err());
        assert_eq!(read(io::repeat(0).take(MAX_BYTES)).unwrap().len() as u64, MAX_BYTES);
    }

    #[test]
    fn what_no_message_holds_is_refused_with_the_limit() {
        let refusal = |arguments: &Arguments| match arguments.payload() {
            Err(Failure::Usage(sentence)) => sentence,
            other => panic!("{other:?}"),
        };
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let mut arguments = Arguments::default();
        arguments.push(&nested(MAX_LEVELS)).unwrap();
        arguments.insert("deep", &nested(MAX_LEVELS)).unwrap();
        let message = format!("[48,1,{{}},\"a.b\",{},{}]", texts(&arguments).0.unwrap(), texts(&arguments).1.unwrap());
        assert!(crate::wamp::codec::json::decode(&message).is_ok(), "the limit is what a message really holds");
        for (positional, keyword) in [(nested(MAX_LEVELS + 1), "1".to_owned()), ("1".to_owned(), nested(500))] {
            let mut arguments = Arguments::default();
            arguments.push(&positional).unwrap();
            arguments.insert("deep", &keyword).unwrap();
            assert!(
                refusal(&arguments).starts_with("expected at most 62 levels of lists and dicts in an argument, got [")
            );
        }
        let mut arguments = Arguments::default();
        arguments.push_string(&"x".repeat(MAX_PAYLOAD - 4));
        assert_eq!(arguments.payload().unwrap().size(), MAX_PAYLOAD);
        arguments.insert("k", "1").unwrap();
        assert!(refusal(&arguments).starts_with("expected arguments of at most 1044480 bytes as JSON"));
    }

    #[test]
    fn there_is_one_standard_input() {
        let mut arguments = Arguments::default();
        arguments.push_file(OsStr::new("-")).unwrap();
        assert!(arguments.push_file(OsStr::new("-")).is_err());
    }
}
