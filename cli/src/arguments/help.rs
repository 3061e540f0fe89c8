//! What `--help` says, from the tables.

use std::fmt::Write as _;

use crate::arguments::{VERBS, Verb};

/// The width of the column of options, and of a line.
const COLUMN: usize = 26;
const WIDTH: usize = 80;

/// What `bakery --help` says.
pub fn all() -> String {
    let mut text = "bakery: locks for scripts; first come, first served\n\n".to_owned();
    for verb in VERBS {
        for form in verb.forms {
            let _ = writeln!(text, "{}", format!("  bakery {} {form}", verb.name).trim_end());
        }
        let _ = writeln!(text, "      {}", verb.about);
    }
    text + "\n`bakery VERB --help` has each verb's options.\n"
}

/// What `bakery VERB --help` says.
pub fn of(verb: &Verb) -> String {
    let mut text = String::new();
    for form in verb.forms {
        let _ = writeln!(text, "{}", format!("bakery {} {form}", verb.name).trim_end());
    }
    let _ = writeln!(text, "\n{}\n", verb.about);
    for option in verb.options {
        let left = if option.letters.is_empty() {
            format!("      {}", option.shown())
        } else {
            format!("  {}", option.shown())
        };
        let mut line = format!("{left:COLUMN$}");
        if left.len() + 2 > COLUMN {
            let _ = writeln!(text, "{left}");
            line = " ".repeat(COLUMN);
        }
        let mut is_empty = true;
        for word in option.help.split(' ') {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(text, "{line}");
                line = " ".repeat(COLUMN);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal_and_name_every_option() {
        for verb in VERBS {
            let text = of(verb);
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            for option in verb.options {
                assert!(text.contains(&option.shown()), "{}", option.shown());
            }
        }
        assert!(all().lines().all(|line| line.chars().count() <= WIDTH), "{}", all());
    }

    #[test]
    fn no_letter_or_name_is_given_twice() {
        for verb in VERBS {
            let mut seen = std::collections::HashSet::new();
            for option in verb.options {
                let letters = option.letters.chars().map(String::from);
                let names = option.names.iter().map(|name| (*name).to_owned());
                for word in letters.chain(names) {
                    assert!(seen.insert(word.clone()), "{} has {word} twice", verb.name);
                }
            }
        }
    }
}
