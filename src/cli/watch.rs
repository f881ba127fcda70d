//! From the text of `--watch` to a rule. Pure. Every error is a sentence: what was expected, what was got.

use super::{size, values};
use crate::sampler::{MOST_WATCHES, Rule, Threshold, WatchError, watch_name};

/// What stands behind `--watch`.
const FORM: &str = "NAME=METRIC,above=VALUE or NAME=METRIC,below=VALUE, and if wanted ,for=TIME and ,clear=VALUE";

/// Adds a watch.
///
/// # Errors
/// What was expected.
pub fn add(watches: &mut Vec<(String, Rule)>, text: &str) -> Result<(), String> {
    let (name, rule) = parse(text)?;
    let refused = if watches.iter().any(|(known, _)| *known == name) {
        Some(WatchError::Twice(name.clone()))
    } else {
        (watches.len() >= MOST_WATCHES).then_some(WatchError::TooMany)
    };
    if let Some(error) = refused {
        return Err(error.to_string());
    }
    watches.push((name, rule));
    Ok(())
}

fn parse(text: &str) -> Result<(String, Rule), String> {
    let form = || format!("expected {FORM}, got {text:?}");
    let (name, rule) = text.split_once('=').ok_or_else(form)?;
    let name = watch_name(name).map_err(|error| error.to_string())?;
    let mut parts = rule.split(',');
    let metric = parts.next().ok_or_else(form)?;
    let (mut threshold, mut hold, mut clear) = (None, None, None);
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(form)?;
        let of_key = |sentence: String| format!("{key}: {sentence}");
        let is_first = match key {
            "above" => threshold.replace(Threshold::Above(quantity(value).map_err(of_key)?)).is_none(),
            "below" => threshold.replace(Threshold::Below(quantity(value).map_err(of_key)?)).is_none(),
            "for" => hold.replace(values::duration(value).map_err(of_key)?).is_none(),
            "clear" => clear.replace(quantity(value).map_err(of_key)?).is_none(),
            _ => false,
        };
        if !is_first {
            return Err(form());
        }
    }
    let mut rule = Rule::new(metric, threshold.ok_or_else(form)?).map_err(|error| error.to_string())?;
    if let Some(hold) = hold {
        rule = rule.hold_for(hold).map_err(|error| error.to_string())?;
    }
    if let Some(clear) = clear {
        rule = rule.clear_at(clear).map_err(|error| error.to_string())?;
    }
    Ok((name.to_owned(), rule))
}

fn quantity(text: &str) -> Result<f64, String> {
    let scaled =
        size::split(text).and_then(|(number, unit)| Some(number.trim_end().parse::<f64>().ok()? * unit as f64));
    scaled
        .filter(|value| value.is_finite())
        .ok_or_else(|| format!("expected a number like 90, 0.5 or 200M, got {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_rule_as_set_watch_has_it() {
        let cpu = Rule::new("cpu_percent", Threshold::Above(90.0)).unwrap();
        let full = cpu.hold_for(Duration::from_secs(10)).unwrap().clear_at(70.0).unwrap();
        let memory = Rule::new("resident", Threshold::Above(209_715_200.0)).unwrap();
        let uptime = Rule::new("uptime", Threshold::Below(60.5)).unwrap();
        for (text, name, rule) in [
            ("busy=cpu_percent,above=90", "busy", cpu),
            ("busy=cpu_percent,above=90,for=10s,clear=70", "busy", full),
            ("busy=cpu_percent,clear=70,for=10,above=9e1", "busy", full),
            ("a.b-c_1=resident,above=200MiB", "a.b-c_1", memory),
            ("big=resident,above=200M", "big", memory),
            ("new=uptime,below=60.5", "new", uptime),
        ] {
            assert_eq!(parse(text), Ok((name.to_owned(), rule)), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_says_what_was_expected() {
        for (text, sentence) in [
            ("", "expected NAME=METRIC,above=VALUE or "),
            ("busy", "expected NAME=METRIC,above=VALUE or "),
            ("busy=cpu_percent", "expected NAME=METRIC,above=VALUE or "),
            ("busy=cpu_percent,90", "expected NAME=METRIC,above=VALUE or "),
            ("busy=cpu_percent,over=90", "expected NAME=METRIC,above=VALUE or "),
            ("busy=cpu_percent,above=90,below=5", "expected NAME=METRIC,above=VALUE or "),
            ("busy=cpu_percent,above=90,for=1,for=2", "expected NAME=METRIC,above=VALUE or "),
            ("so busy=cpu_percent,above=90", "name: expected 1 to 64 letters"),
            ("=cpu_percent,above=90", "name: expected 1 to 64 letters"),
            ("busy=load,above=90", "metric: expected one of cpu_percent, "),
            ("busy=cpu_percent,above=much", "above: expected a number like 90, 0.5 or 200M, got \"much\""),
            ("busy=cpu_percent,above=inf", "above: expected a number like "),
            ("busy=cpu_percent,above=MiB", "above: expected a number like "),
            ("busy=cpu_percent,above=90,for=soon", "for: expected a time like 10s"),
            ("busy=cpu_percent,above=90,for=2d", "for: expected 0 to 86400 seconds, got 172800"),
            ("busy=cpu_percent,above=90,clear=91", "clear: expected at most the threshold, 90, got 91"),
            ("stall=psi.io.some,below=9", "below: expected above"),
        ] {
            let got = parse(text).unwrap_err();
            assert!(got.starts_with(sentence), "{text}: {got}");
        }
    }

    #[test]
    fn no_two_of_a_name_and_no_more_than_there_can_be() {
        let mut watches = Vec::new();
        for number in 0..MOST_WATCHES {
            add(&mut watches, &format!("w{number}=threads,above=1")).unwrap();
        }
        let twice = add(&mut watches, "w0=threads,above=2").unwrap_err();
        assert_eq!(twice, "name: expected watches of different names, got \"w0\" twice");
        let many = add(&mut watches, "more=threads,above=2").unwrap_err();
        assert!(many.starts_with("name: expected that of one of the 64 watches"), "{many}");
        assert_eq!(watches.len(), MOST_WATCHES);
    }
}
