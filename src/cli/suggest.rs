//! What somebody meant who mistyped a name. Pure.

/// The one of `known` that is nearest to `typed`, if it is near enough to be meant: at most a third of its letters differ.
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, name)| *distance <= name.chars().count().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance: how many letters must be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, a) in a.chars().enumerate() {
        let mut left = above + 1;
        let mut next = vec![left];
        for (diagonal, (b, up)) in row.iter().zip(b.iter().zip(row.iter().skip(1))) {
            left = (diagonal + usize::from(a != *b)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("timout", "timeout", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["serve", "join", "call", "subscribe", "publish", "procedures"];
        for (typed, expected) in
            [("sreve", Some("serve")), ("subcribe", Some("subscribe")), ("frobnicate", None), ("", None)]
        {
            assert_eq!(nearest(typed, known.into_iter()), expected, "{typed}");
        }
    }
}
