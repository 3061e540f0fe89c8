//! `bakery man`: the manual's pages, from the tables of verbs and options: `bakery.1`, `bakery-run.1`, ...

use std::fmt::Write as _;

use crate::arguments::options::HELP;
use crate::arguments::{Parsed, VERBS, Verb, parse};
use crate::exit::Outcome;
use crate::message::shown;
use crate::screen;

pub static VERB: Verb = Verb {
    name: "man",
    forms: &["[VERB]"],
    about: "print a page of the manual, of a verb's if it is named (| man -l -)",
    options: &[&HELP],
    options_end_at: usize::MAX,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    screen::end_when_closed();
    let text = match parsed.operands.as_slice() {
        [] => all(),
        [name] => name.to_str().and_then(crate::arguments::verb).map(of).ok_or_else(|| {
            let what = format!("there is no verb {}; bakery --help has all", shown(name));
            parse::wrong(verb, what)
        })?,
        _ => return Err(parse::wrong(verb, "it takes one verb, or none")),
    };
    screen::answer(&text, 0)
}

const STATUSES: [(&str, &str); 15] = [
    ("0", "done; of status: the lock is free"),
    (
        "1",
        "of status: held; of doctor: something is wrong; of flock: somebody else has it; of release and resume: there is no such hold",
    ),
    ("2", "there is no such lock"),
    ("64", "wrong usage"),
    ("65", "the descriptor is bad"),
    ("66", "the file or the lock cannot be opened"),
    ("69", "with --engine: its servers do not answer, or refuse"),
    ("71", "the operating system would not"),
    ("73", "the file or the lock cannot be made"),
    ("74", "with --engine: the lock was lost, or was about to be, and the command was told to end"),
    ("75", "somebody else has the lock, or the time was over"),
    ("76, 77", "the last one died inside, and that was to be told; a lock within itself"),
    ("124", "of run: --max-time was over"),
    ("126, 127", "of run: the command cannot be executed; there is none"),
    ("128+n", "of run: the command was ended by the signal n; else its own status"),
];

const ENVIRONMENT: [(&str, &str); 6] = [
    ("BAKERY_LOCK_DIR", "where names are kept, instead of /run/lock or /dev/shm"),
    ("BAKERY_ENGINE", "as --engine, for run, hold, status and wait"),
    ("BAKERY_WAIT", "as --wait, for run"),
    ("NO_COLOR", "if set, there are no colours"),
    (
        "BAKERY_LOCK, BAKERY_TOKEN, BAKERY_WAITED, BAKERY_OWNER_DIED",
        "set for the command that run starts",
    ),
    ("BAKERY_HELD", "the locks that the command runs under"),
];

fn all() -> String {
    let mut text = head("bakery", "locks for scripts; first come, first served");
    let forms: Vec<String> = VERBS.iter().flat_map(|verb| forms(verb)).collect();
    let _ = writeln!(text, ".SH SYNOPSIS\n{}", forms.join("\n.br\n"));
    text.push_str(
        ".SH DESCRIPTION\nA NAME without a slash is a lock of this user, which needs no file of yours. \
         With a slash it is a file, locked by\n.BR flock (2).\n.SH VERBS\n",
    );
    for verb in VERBS {
        let _ = writeln!(text, ".TP\n.BR bakery\\-{} (1)\n{}", verb.name, sentence(verb.about));
    }
    text + &tail()
}

fn of(verb: &Verb) -> String {
    let mut text = head(&format!("bakery-{}", verb.name), verb.about);
    let _ = writeln!(text, ".SH SYNOPSIS\n{}", forms(verb).join("\n.br\n"));
    let _ = writeln!(text, ".SH DESCRIPTION\n{}\n.SH OPTIONS", sentence(verb.about));
    for option in verb.options {
        let letters = option.letters.chars().map(|letter| format!("-{letter}"));
        let names = option.names.iter().map(|name| format!("--{name}"));
        let words: Vec<_> = letters.chain(names).map(|word| escape(&word)).collect();
        let gap = if option.may_lack_value() { "" } else { " " };
        let value = option.value.map(|value| format!("{gap}\\fI{}\\fR", escape(value)));
        let value = value.unwrap_or_default();
        let _ =
            writeln!(text, ".TP\n\\fB{}\\fR{value}\n{}", words.join(", "), sentence(option.help));
    }
    text + &tail() + ".SH SEE ALSO\n.BR bakery (1)\n"
}

fn forms(verb: &Verb) -> Vec<String> {
    let rest =
        |form: &&str| if form.is_empty() { String::new() } else { format!("\n{}", escape(form)) };
    verb.forms.iter().map(|form| format!(".B bakery {}{}", verb.name, rest(form))).collect()
}

fn head(name: &str, about: &str) -> String {
    let (upper, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    format!(
        ".TH {} 1 \"\" \"bakery {version}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
        escape(&upper),
        escape(name),
        escape(about)
    )
}

fn tail() -> String {
    let mut text = String::new();
    for (title, lines) in [("EXIT STATUS", &STATUSES[..]), ("ENVIRONMENT", &ENVIRONMENT[..])] {
        let _ = writeln!(text, ".SH {title}");
        for (word, what) in lines {
            let _ = writeln!(text, ".TP\n.B {}\n{}", escape(word), sentence(what));
        }
    }
    text
}

/// With a capital, unless it begins with a program's name, and a full stop.
fn sentence(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('(')) {
        return escape(&format!("{text}."));
    }
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    escape(&(first + letters.as_str() + "."))
}

/// As roff has it.
fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_every_option_has_its_place() {
        let page = all();
        for verb in VERBS {
            assert!(page.contains(&format!(".BR bakery\\-{} (1)", verb.name)));
            let page = of(verb);
            for option in verb.options {
                let letters = option.letters.chars().map(|letter| format!("\\-{letter}"));
                let names = option.names.iter().map(|name| escape(&format!("--{name}")));
                let words: Vec<_> = letters.chain(names).collect();
                let line = format!("\\fB{}\\fR", words.join(", "));
                assert!(page.lines().any(|found| found.starts_with(&line)), "{line}: {page}");
                assert!(page.contains(&sentence(option.help)));
            }
        }
    }

    #[test]
    fn nothing_is_taken_for_a_request() {
        assert_eq!(escape(".x -y \\"), "\\&.x \\-y \\e");
    }
}
