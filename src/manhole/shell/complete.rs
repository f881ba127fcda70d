//! What a line can go on with: commands, procedures, names of arguments. Pure.

use super::Setting;
use super::table::{COMMANDS, Completes};
use crate::manhole::editor::Completion;

/// How what stands left of the cursor can go on.
pub(super) fn complete(setting: &Setting, before: &str) -> Completion {
    let start = before.rfind(' ').map_or(0, |blank| blank + 1);
    let typed = before.get(start..).unwrap_or_default();
    let words: Vec<&str> = before.get(..start).unwrap_or_default().split_whitespace().collect();
    let mut candidates = match words.split_first() {
        None => command_names(setting),
        Some((command, rest)) => {
            match COMMANDS.iter().find(|known| known.name == *command).map(|known| known.completes) {
                Some(Completes::Commands) if rest.is_empty() => command_names(setting),
                Some(Completes::Procedures) => arguments_of_call(setting, rest),
                Some(Completes::Words(words)) => words(rest).iter().map(|word| format!("{word} ")).collect(),
                _ => Vec::new(),
            }
        }
    };
    if typed.starts_with('-') && !words.is_empty() {
        candidates = vec!["--json ".to_owned()];
    }
    candidates.retain(|candidate| candidate.starts_with(typed));
    candidates.sort_unstable();
    Completion { start, candidates }
}

fn command_names(setting: &Setting) -> Vec<String> {
    let builtin = COMMANDS.iter().map(|command| command.name);
    builtin.chain(setting.custom.iter().map(|custom| custom.name.as_str())).map(|name| format!("{name} ")).collect()
}

fn arguments_of_call(setting: &Setting, words: &[&str]) -> Vec<String> {
    match words.split_first() {
        None => setting.procedures.iter().map(|procedure| format!("{} ", procedure.name)).collect(),
        Some((name, given)) => {
            let params = setting.procedures.iter().filter(|known| known.name == *name).flat_map(|known| &known.params);
            let params = params.map(|param| format!("{param}="));
            params.filter(|param| !given.iter().any(|word| word.starts_with(param))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::setting;
    use super::*;

    fn candidates(before: &str) -> Vec<String> {
        complete(&setting(), before).candidates
    }

    #[test]
    fn commands_procedures_arguments_and_levels() {
        assert_eq!(candidates("st"), ["stats "]);
        assert_eq!(candidates("help mon"), ["monitor "]);
        assert_eq!(candidates("call get_"), ["get_cpus "]);
        assert_eq!(candidates("call set_cpu_affinity "), ["cpus=", "relative="]);
        assert_eq!(candidates("call set_cpu_affinity cpus=[0] "), ["relative="]);
        assert_eq!(candidates("log d"), ["debug "]);
        assert_eq!(candidates("log follow d"), ["debug "]);
        assert_eq!(candidates("log follow debug "), [""; 0]);
        assert_eq!(candidates("pu"), ["pump "], "a command of the program");
        assert_eq!(candidates("stats --"), ["--json "]);
        assert_eq!(candidates("stats x"), [""; 0]);
        assert_eq!(complete(&setting(), "call get_").start, 5);
        assert!(candidates("").len() > COMMANDS.len());
    }
}
