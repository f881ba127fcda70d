//! What an application sends: positional and keyword arguments. They stay what arrived, JSON or another serialization, until
//! somebody needs their values, so a router passes them on without looking inside, to however many receivers it has: clones
//! share them.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::encoded::Encoded;

/// Positional arguments (a list) and keyword arguments (a dict), either of which may be missing. A missing one and an
/// empty one mean the same to the application.
#[derive(Clone, Default)]
pub struct Payload {
    args: Option<Encoded>,
    kwargs: Option<Encoded>,
}

/// The first keyword arguments, each as its text, and how many there are.
pub type Named<'a> = (Vec<(String, &'a RawValue)>, usize);

impl Payload {
    /// One positional value: the shape of every result of the management API.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self { args: text_of(&[value]), kwargs: None }
    }

    /// From values.
    #[must_use]
    pub fn new(args: &[Value], kwargs: &Map<String, Value>) -> Self {
        if kwargs.is_empty() {
            let args = if args.is_empty() { None } else { text_of(args) };
            return Self { args, kwargs: None };
        }
        Self { args: text_of(args), kwargs: text_of(kwargs) }
    }

    /// From JSON texts as they arrived.
    ///
    /// # Errors
    /// What was expected, when `args` is no list or `kwargs` no dict.
    pub fn from_raw(args: Option<&RawValue>, kwargs: Option<&RawValue>) -> Result<Self, &'static str> {
        Self::from_encoded(args.map(Encoded::from), kwargs.map(Encoded::from))
    }

    /// From what arrived.
    pub(super) fn from_encoded(args: Option<Encoded>, kwargs: Option<Encoded>) -> Result<Self, &'static str> {
        if args.as_ref().is_some_and(|args| !args.is_list()) {
            return Err("a list of arguments");
        }
        if kwargs.as_ref().is_some_and(|kwargs| !kwargs.is_dict()) {
            return Err("a dict of keyword arguments");
        }
        Ok(Self { args, kwargs })
    }

    /// What arrived.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    pub(super) const fn parts(&self) -> (Option<&Encoded>, Option<&Encoded>) {
        (self.args.as_ref(), self.kwargs.as_ref())
    }

    /// The JSON text of the positional arguments, if there are any.
    #[must_use]
    pub fn raw_args(&self) -> Option<&RawValue> {
        self.args.as_ref().map(Encoded::json)
    }

    /// The JSON text of the keyword arguments, if there are any.
    #[must_use]
    pub fn raw_kwargs(&self) -> Option<&RawValue> {
        self.kwargs.as_ref().map(Encoded::json)
    }

    /// The positional arguments, each as its JSON text.
    ///
    /// # Errors
    /// When the text holds what JSON's grammar allows and no value can be (a lone surrogate).
    pub fn arg_texts(&self) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
        self.raw_args().map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw.get()))
    }

    /// The positional arguments as texts, at most `most` of them, and how many there are: so that what nobody asked for is
    /// never made into values.
    ///
    /// # Errors
    /// When the text is no list after all.
    pub fn positional(&self, most: usize) -> Result<(Vec<&RawValue>, usize), serde_json::Error> {
        match self.raw_args() {
            Some(args) => serde_json::Deserializer::from_str(args.get()).deserialize_seq(Items { most }),
            None => Ok((Vec::new(), 0)),
        }
    }

    /// The keyword arguments as texts, at most `most` of them, and how many there are.
    ///
    /// # Errors
    /// When a name cannot be (a lone surrogate).
    pub fn named(&self, most: usize) -> Result<Named<'_>, serde_json::Error> {
        match self.raw_kwargs() {
            Some(kwargs) => serde_json::Deserializer::from_str(kwargs.get()).deserialize_map(Entries { most }),
            None => Ok((Vec::new(), 0)),
        }
    }

    /// The first positional argument when it is a string: the sentence of an error.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(self.positional(1).ok()?.0.first()?.get()).ok()
    }

    /// Bytes of arguments it holds, as they arrived.
    #[must_use]
    pub fn size(&self) -> usize {
        [&self.args, &self.kwargs].into_iter().flatten().map(Encoded::size).sum()
    }
}

/// Reads a list: the first items as texts, the number of all.
struct Items {
    most: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = (Vec<&'de RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut count) = (Vec::new(), 0);
        while items.len() < self.most {
            let Some(item) = seq.next_element()? else { return Ok((items, count)) };
            items.push(item);
            count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((items, count))
    }
}

/// Reads a dict: the first entries as texts, the number of all.
struct Entries {
    most: usize,
}

impl<'de> Visitor<'de> for Entries {
    type Value = Named<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dict")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut entries, mut count) = (Vec::new(), 0);
        while entries.len() < self.most {
            let Some(entry) = map.next_entry()? else { return Ok((entries, count)) };
            entries.push(entry);
            count += 1;
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((entries, count))
    }
}

/// The JSON text of a value, if it has one.
fn text_of<T: Serialize + ?Sized>(value: &T) -> Option<Encoded> {
    to_raw_value(value).ok().map(|text| Encoded::Json(text.into()))
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |raw: Option<&RawValue>| raw.map_or("-".to_owned(), |raw| raw.get().to_owned());
        write!(f, "Payload({}, {})", text(self.raw_args()), text(self.raw_kwargs()))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        let texts =
            |payload: &Self| [payload.raw_args(), payload.raw_kwargs()].map(|raw| raw.map(|raw| raw.get().to_owned()));
        texts(self) == texts(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn only_a_list_and_a_dict_are_a_payload() {
        assert!(Payload::from_raw(Some(&raw("[1]")), Some(&raw("{}"))).is_ok());
        assert_eq!(Payload::from_raw(Some(&raw("{}")), None), Err("a list of arguments"));
        assert_eq!(Payload::from_raw(Some(&raw("[]")), Some(&raw("[]"))), Err("a dict of keyword arguments"));
    }

    #[test]
    fn only_what_is_asked_for_is_taken_and_all_is_counted() {
        let payload = Payload::from_raw(Some(&raw(r#"[1,{"a":[2]},"x"]"#)), Some(&raw(r#"{"k":1,"l":[]}"#))).unwrap();
        let (items, count) = payload.positional(2).unwrap();
        assert_eq!((items.iter().map(|item| item.get()).collect::<Vec<_>>(), count), (vec!["1", r#"{"a":[2]}"#], 3));
        assert_eq!(payload.positional(9).unwrap().1, 3);
        assert_eq!(payload.positional(0).unwrap().1, 3);
        let (entries, count) = payload.named(1).unwrap();
        assert_eq!((entries[0].0.as_str(), entries[0].1.get(), entries.len(), count), ("k", "1", 1, 2));
        assert_eq!(Payload::default().named(5).unwrap().1, 0);
    }

    #[test]
    fn a_name_that_cannot_be_is_an_error_not_a_panic() {
        assert!(Payload::from_raw(None, Some(&raw(r#"{"\ud800":1}"#))).unwrap().named(1).is_err());
    }

    #[test]
    fn the_text_is_the_first_argument_if_it_is_one() {
        assert_eq!(Payload::of(&"no").text().as_deref(), Some("no"));
        assert_eq!(Payload::of(&5).text(), None);
        assert_eq!(Payload::default().text(), None);
    }
}
