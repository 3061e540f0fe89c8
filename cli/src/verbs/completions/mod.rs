//! `bakery completions`: what shells complete, from the tables of verbs and options.

mod bash;
mod fish;
mod zsh;

use crate::arguments::options::{DIR, HELP};
use crate::arguments::{Opt, Parsed, Verb, parse};
use crate::exit::Outcome;
use crate::looking::names::{self, use_directory};
use crate::looking::refused;
use crate::message::shown;
use crate::screen;

pub static VERB: Verb = Verb {
    name: "completions",
    forms: &["bash|zsh|fish"],
    about: "print what a shell has to source to complete bakery's words",
    options: &[&DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// What they ask for, to complete a lock's name.
const NAMES: &str = "names";

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    use_directory(parsed);
    screen::end_when_closed();
    let text = match parsed.operands.as_slice() {
        [shell] if shell == "bash" => bash::text(),
        [shell] if shell == "zsh" => zsh::text(),
        [shell] if shell == "fish" => fish::text(),
        [names] if names == NAMES => names_of_locks()?,
        [other] => {
            let what = format!("{} is none of them; write bash, zsh or fish", shown(other));
            return Err(parse::wrong(verb, what));
        }
        _ => return Err(parse::wrong(verb, "for which shell? write bash, zsh or fish")),
    };
    screen::answer(&text, 0)
}

/// Those that need no quotes, a line each.
fn names_of_locks() -> Result<String, crate::exit::Failure> {
    let directory = names::directory().map_err(refused)?;
    let names = names::in_directory(&directory).into_iter();
    Ok(names.filter(|name| shown(name) == *name).map(|name| name + "\n").collect())
}

/// Whether a verb's operands are names of locks.
fn takes_names(verb: &Verb) -> bool {
    verb.forms.iter().any(|form| form.contains("NAME"))
}

/// `-w`, `--wait`, `--timeout`.
fn words(option: &Opt) -> Vec<String> {
    let letters = option.letters.chars().map(|letter| format!("-{letter}"));
    letters.chain(option.names.iter().map(|name| format!("--{name}"))).collect()
}

/// In single quotes, for a shell like sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::VERBS;

    #[test]
    fn every_verb_and_every_option_is_in_each() {
        let (bash, zsh, fish) = (bash::text(), zsh::text(), fish::text());
        for verb in VERBS {
            let line = |text: &str, begin: &str| {
                let line = text.lines().find(|line| line.starts_with(begin)).map(str::to_owned);
                line.unwrap_or_else(|| panic!("no {begin:?} in {text}"))
            };
            let of_bash = line(&bash, &format!("    {}) ", verb.name));
            let of_zsh = line(&zsh, &format!("    {}) ", verb.name));
            for option in verb.options {
                for word in words(option) {
                    assert!(of_bash.contains(&format!(" {word} ")), "{word}: {of_bash}");
                    let is_in = [
                        format!("'{word}["),
                        format!("'{word}=["),
                        format!("'{word}+["),
                        format!("'{word}=-["),
                    ];
                    assert!(is_in.iter().any(|part| of_zsh.contains(part)), "{word}: {of_zsh}");
                }
                let begin =
                    format!("complete -c bakery -n '__fish_seen_subcommand_from {}'", verb.name);
                let lines: String = fish.lines().filter(|line| line.starts_with(&begin)).collect();
                for letter in option.letters.chars() {
                    assert!(lines.contains(&format!(" -s {letter} ")), "{letter}: {lines}");
                }
                for name in option.names {
                    assert!(lines.contains(&format!(" -l {name} ")), "{name}: {lines}");
                }
            }
        }
    }
}
