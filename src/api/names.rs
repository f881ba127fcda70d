//! Under which URIs the API stands.

use std::fmt;

use crate::wamp::Uri;
use crate::wamp::uri::{Form, InvalidUri, Rules, is_component};

/// What the process is in Crossbar.io's terms, which decides the default prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A worker of a node.
    #[default]
    Worker,
    /// A node's controller.
    Controller,
}

/// The ids of the process, and the prefixes that follow from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    prefixes: Vec<String>,
}

/// An id or a prefix that cannot stand in a URI. Its `Display` says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidName {}

impl From<String> for InvalidName {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

impl From<InvalidUri> for InvalidName {
    fn from(error: InvalidUri) -> Self {
        Self(error.to_string())
    }
}

impl Names {
    /// The names of a process. `templates` replace the default prefixes when there are any: `{node}` and `{worker}` in them
    /// stand for the ids, and they end without a dot.
    ///
    /// # Errors
    /// [`InvalidName`] when an id is not one component of a URI, or a prefix no URI.
    pub fn new(role: Role, node: &str, worker: &str, templates: &[String]) -> Result<Self, InvalidName> {
        for (what, id) in [("the node's id", node), ("the worker's id", worker)] {
            if !is_component(id) {
                let expected = "characters other than white space, '.' and '#', and at least one";
                return Err(InvalidName(format!("{what}: expected {expected}, got {id:?}")));
            }
        }
        let defaults: &[&str] = match role {
            Role::Worker => &["crossbar.worker.{worker}", "crossbar.node.{node}.worker.{worker}"],
            Role::Controller => &["crossbar.node.{node}.controller"],
        };
        let templates: Vec<&str> =
            if templates.is_empty() { defaults.to_vec() } else { templates.iter().map(String::as_str).collect() };
        let mut prefixes = Vec::with_capacity(templates.len());
        for template in templates {
            let prefix = template.replace("{node}", node).replace("{worker}", worker);
            if prefix.contains(['{', '}']) {
                return Err(InvalidName(format!(
                    "URI prefix: expected no braces but {{node}} and {{worker}}, got {template:?}"
                )));
            }
            Uri::from(prefix.as_str())
                .check(Rules::Loose, Form::Exact)
                .map_err(|error| InvalidName(format!("URI prefix: {error}")))?;
            if prefix == "wamp" || prefix.starts_with("wamp.") {
                return Err(InvalidName(format!("URI prefix: expected none below wamp, got {template:?}")));
            }
            if !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
        Ok(Self { prefixes })
    }

    /// The prefixes, without a dot at the end.
    #[must_use]
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    /// The URIs of a procedure or topic, one for each prefix.
    pub fn uris<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Uri> + 'a {
        self.prefixes.iter().map(move |prefix| Uri::from(format!("{prefix}.{name}")))
    }
}

/// The prefixes as people read them: `a.b. and c.d.`
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, prefix) in self.prefixes.iter().enumerate() {
            let before = if number == 0 { "" } else { " and " };
            write!(f, "{before}{prefix}.")?;
        }
        Ok(())
    }
}

/// An id made of a name: lower case, everything outside `[a-z0-9_]` made `_`; `fallback` when nothing is left.
#[must_use]
pub fn id_of(name: &str, fallback: &str) -> String {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '_') => c,
        _ => '_',
    };
    let id: String = name.chars().map(letter).collect();
    if id.is_empty() { fallback.to_owned() } else { id }
}

/// The id of a node by default: the host name's first label.
#[must_use]
pub fn node_of(host_name: &str) -> String {
    id_of(host_name.split('.').next().unwrap_or_default(), "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_prefixes_by_role() {
        let worker = Names::new(Role::Worker, "n1", "w1", &[]).unwrap();
        assert_eq!(worker.prefixes(), ["crossbar.worker.w1", "crossbar.node.n1.worker.w1"]);
        assert_eq!(worker.to_string(), "crossbar.worker.w1. and crossbar.node.n1.worker.w1.");
        let controller = Names::new(Role::Controller, "n1", "w1", &[]).unwrap();
        assert_eq!(controller.prefixes(), ["crossbar.node.n1.controller"]);
        let uris: Vec<_> = worker.uris("utcnow").map(|uri| uri.to_string()).collect();
        assert_eq!(uris, ["crossbar.worker.w1.utcnow", "crossbar.node.n1.worker.w1.utcnow"]);
    }

    #[test]
    fn templates_replace_the_defaults_and_double_ones_count_once() {
        let templates = ["com.{node}.{worker}".to_owned(), "com.n1.w1".to_owned(), "x".to_owned()];
        assert_eq!(Names::new(Role::Worker, "n1", "w1", &templates).unwrap().prefixes(), ["com.n1.w1", "x"]);
    }

    #[test]
    fn names_that_cannot_stand_in_a_uri_are_refused() {
        for (node, worker, template) in [
            ("", "w", "a"),
            ("n", "a.b", "a"),
            ("n", "a b", "a"),
            ("n", "w#", "a"),
            ("n", "w", "a."),
            ("n", "w", "a..b"),
            ("n", "w", "a.{pid}"),
            ("n", "w", "wamp.x"),
            ("n", "w", ""),
        ] {
            let error = Names::new(Role::Worker, node, worker, &[template.to_owned()]).unwrap_err().to_string();
            assert!(error.contains("expected"), "{error}");
        }
    }

    #[test]
    fn ids_are_made_readable() {
        assert_eq!(node_of("Board-7.example.org"), "board_7");
        assert_eq!(node_of(""), "localhost");
        assert_eq!(id_of("pump-controller", "x"), "pump_controller");
        assert_eq!(id_of("Größe 2", "x"), "gr__e_2");
    }
}
