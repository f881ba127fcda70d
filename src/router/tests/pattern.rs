//! Which patterns match, in which order; against the plain definition, tried on every pattern there is.

use crate::router::pattern::Patterns;
use crate::wamp::Uri;
use crate::wamp::options::Match;

fn table<'a>(patterns: &[(Match, &'a str)]) -> Patterns<(Match, &'a str)> {
    let mut table = Patterns::default();
    for &(matching, pattern) in patterns {
        table.insert(matching, Uri::from(pattern), (matching, pattern));
    }
    table
}

/// What the spec says, one pattern at a time.
fn is_match((matching, pattern): (Match, &str), uri: &str) -> bool {
    match matching {
        Match::Exact => uri == pattern,
        Match::Prefix => uri.starts_with(pattern),
        Match::Wildcard => {
            let (pattern, uri): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), uri.split('.').collect());
            pattern.len() == uri.len() && pattern.iter().zip(&uri).all(|(want, have)| want.is_empty() || want == have)
        }
    }
}

#[test]
fn the_specs_own_examples_of_the_best_match() {
    let table = table(&[
        (Match::Exact, "a1.b2.c3.d4.e55"),
        // The spec writes it without the last dot, and forgets that it then begins a1.b2.c33 too.
        (Match::Prefix, "a1.b2.c3."),
        (Match::Prefix, "a1.b2.c3.d4"),
        (Match::Wildcard, "a1.b2..d4.e5"),
        (Match::Wildcard, "a1.b2.c33..e5"),
        (Match::Wildcard, "a1.b2..d4.e5..g7"),
        (Match::Wildcard, "a1.b2..d4..f6.g7"),
    ]);
    for (uri, best) in [
        ("a1.b2.c3.d4.e55", Some("a1.b2.c3.d4.e55")),
        ("a1.b2.c3.d98.e74", Some("a1.b2.c3.")),
        ("a1.b2.c3.d4.e325", Some("a1.b2.c3.d4")),
        ("a1.b2.c55.d4.e5", Some("a1.b2..d4.e5")),
        ("a1.b2.c33.d4.e5", Some("a1.b2.c33..e5")),
        ("a1.b2.c88.d4.e5.f6.g7", Some("a1.b2..d4.e5..g7")),
        ("a2.b2.c2.d2.e2", None),
    ] {
        assert_eq!(table.matches(uri).next().map(|(_, pattern)| pattern), best, "{uri}");
    }
}

#[test]
fn a_prefix_is_of_characters_not_of_components() {
    let table = table(&[(Match::Prefix, "com.myapp.topic.emergency")]);
    for (uri, matches) in [
        ("com.myapp.topic.emergency.11", true),
        ("com.myapp.topic.emergency-low", true),
        ("com.myapp.topic.emergency", true),
        ("com.myapp.topic.emerge", false),
    ] {
        assert_eq!(table.matches(uri).next().is_some(), matches, "{uri}");
    }
}

#[test]
fn every_match_is_found_once_and_the_best_first() {
    // Components of one or two letters, among them some that differ within a multi-byte character.
    let words = ["", "a", "ab", "ä", "ö", "aä"];
    let mut patterns = vec![(Match::Prefix, String::new())];
    for first in words {
        patterns.push((Match::Wildcard, first.to_owned()));
        for second in words {
            let two = format!("{first}.{second}");
            patterns.push((Match::Wildcard, two.clone()));
            if !first.is_empty() {
                patterns.push((Match::Prefix, two.clone()));
            }
            for third in words {
                patterns.push((Match::Wildcard, format!("{two}.{third}")));
                if !first.is_empty() && !second.is_empty() {
                    patterns.push((Match::Prefix, format!("{two}.{third}")));
                    patterns.push((Match::Exact, format!("{two}.{third}x")));
                }
            }
        }
    }
    let patterns: Vec<(Match, &str)> = patterns.iter().map(|(matching, text)| (*matching, text.as_str())).collect();
    let mut table = table(&patterns);
    // Take every third out again, so that removal is part of what is tried.
    for (matching, pattern) in patterns.iter().step_by(3) {
        table.remove(*matching, pattern);
    }
    let left: Vec<_> = patterns.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, pattern)| *pattern).collect();
    let mut hits = 0;
    for uri in
        patterns.iter().map(|(_, text)| format!("{text}x")).chain(patterns.iter().map(|(_, text)| (*text).into()))
    {
        let found: Vec<_> = table.matches(&uri).collect();
        let mut expected: Vec<_> = left.iter().copied().filter(|pattern| is_match(*pattern, &uri)).collect();
        expected.sort_by_key(|&(matching, pattern)| {
            let empty: Vec<bool> = pattern.split('.').map(str::is_empty).collect();
            match matching {
                Match::Exact => (0, 0, Vec::new()),
                Match::Prefix => (1, usize::MAX - pattern.len(), Vec::new()),
                Match::Wildcard => (2, 0, empty),
            }
        });
        hits += found.len();
        assert_eq!(found, expected, "{uri:?}");
    }
    assert!(hits > 100, "{hits}");
    for (matching, pattern) in left {
        assert_eq!(table.get(matching, pattern), Some((matching, pattern)));
        table.remove(matching, pattern);
    }
    assert!(table.is_empty());
}
