//! For fish.

use std::fmt::Write as _;

use super::takes_names;
use crate::arguments::VERBS;

pub fn text() -> String {
    let mut text = "# fish completion for bakery: bakery completions fish | source\n".to_owned();
    for verb in VERBS {
        let _ = writeln!(
            text,
            "complete -c bakery -n __fish_use_subcommand -f -a {} -d {}",
            verb.name,
            quoted(verb.about)
        );
    }
    for verb in VERBS {
        let begin = format!("complete -c bakery -n '__fish_seen_subcommand_from {}'", verb.name);
        for option in verb.options {
            let letters = option.letters.chars().map(|letter| format!("-s {letter} "));
            let names = option.names.iter().map(|name| format!("-l {name} "));
            let words: String = letters.chain(names).collect();
            let value = if option.takes_next() { "-r " } else { "" };
            let _ = writeln!(text, "{begin} {words}{value}-d {}", quoted(option.help));
        }
        if verb.name == "completions" {
            let _ = writeln!(text, "{begin} -f -a 'bash zsh fish'");
        } else if takes_names(verb) {
            let _ = writeln!(text, "{begin} -a '(bakery completions names 2>/dev/null)'");
        }
    }
    text
}

/// fish has a backslash before a quote in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
