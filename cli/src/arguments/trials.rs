//! The parser, fed with whatever may come: pieces of real options among garbage.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::arguments::parse::{distance, parse};
use crate::arguments::{Opt, VERBS, Verb, values};
use crate::message::shown;
use crate::name::Name;

struct Random(u64);

impl Random {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's generator for MMIX: any will do.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// A few bytes, mostly those that mean something.
    fn garbage(&mut self) -> Vec<u8> {
        const BYTES: &[u8] = b"--=. 019smhdnwc/'\n\0\x1b\xff\xc3\xa9";
        (0..self.roll(6)).map(|_| BYTES[self.roll(BYTES.len())]).collect()
    }

    /// An argument: an option whole or in part, with or without a value, a word, or garbage.
    fn argument(&mut self, verb: &Verb) -> Vec<u8> {
        let option = verb.options[self.roll(verb.options.len())];
        let name = option.names[self.roll(option.names.len())];
        match self.roll(8) {
            0 => format!("--{name}").into(),
            1 => format!("--{}", &name[..self.roll(name.len() + 1)]).into(),
            2 => [format!("--{name}=").into_bytes(), self.garbage()].concat(),
            3 => {
                let letters: Vec<u8> =
                    verb.options.iter().flat_map(|option| option.letters.bytes()).collect();
                let some = (0..self.roll(4)).map(|_| letters[self.roll(letters.len())]);
                [b"-".to_vec(), some.collect(), self.garbage()].concat()
            }
            4 => b"--".to_vec(),
            5 => [b"-".to_vec(), self.garbage()].concat(),
            6 => b"lock".to_vec(),
            _ => self.garbage(),
        }
    }
}

#[test]
fn whatever_is_given_it_is_read_or_refused_in_one_line() {
    let mut random = Random(1);
    for verb in VERBS {
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let arguments: Vec<OsString> =
                (0..random.roll(7)).map(|_| OsString::from_vec(random.argument(verb))).collect();
            match parse(verb, arguments.clone()) {
                Ok(parsed) => {
                    read += 1;
                    assert!(parsed.options.len() + parsed.operands.len() <= 8 * arguments.len());
                }
                Err(failure) => {
                    refused += 1;
                    let message = failure.message;
                    let is_line = message.starts_with(verb.name) && message.lines().count() == 1;
                    assert!(failure.status == 64 && is_line, "{arguments:?}: {message}");
                    assert!(!message.contains('\x1b'), "{arguments:?}: {message}");
                }
            }
        }
        assert!(read > 1000 && refused > 1000, "{}: {read}, {refused}", verb.name);
    }
}

#[test]
fn whatever_a_value_or_a_name_is_it_is_taken_or_refused() {
    let mut random = Random(2);
    for _ in 0..200_000 {
        let bytes = [random.garbage(), random.garbage()].concat();
        let text = OsStr::from_bytes(&bytes);
        let century = std::time::Duration::from_hours(100 * 365 * 24);
        for time in [values::time(text), values::seconds(text)].into_iter().flatten() {
            assert!(time <= century && bytes.iter().any(u8::is_ascii_digit), "{text:?}");
        }
        if let Some(number) = values::number(text, 3, 300) {
            assert!((3..=300).contains(&number), "{text:?}");
        }
        if let Err(refused) = Name::new(text.to_owned()) {
            assert!(refused.status == 64 && refused.message.lines().count() == 1, "{text:?}");
        }
        assert!(!shown(text).chars().any(char::is_control), "{text:?}");
    }
}

/// Says what to write, whatever the option.
fn is_told(verb: &'static Verb, argument: &str, hint: &str) {
    let failure = parse(verb, [OsString::from(argument)]).unwrap_err();
    assert!(
        failure.status == 64 && failure.message.contains(hint),
        "{} {argument}: {failure}, and not {hint}",
        verb.name
    );
}

#[test]
fn each_option_used_wrongly_is_told_how_it_is_written() {
    for verb in VERBS {
        for option in verb.options {
            let name = option.names[0];
            match option.value {
                None => is_told(verb, &format!("--{name}=1"), &format!("write --{name}")),
                // One whose value may be missing cannot lack it.
                Some(value) if value.starts_with('[') => {}
                Some(_) => {
                    let shown = format!("write {}", option.shown());
                    is_told(verb, &format!("--{name}"), &shown);
                    if let Some(letter) = option.letters.chars().next() {
                        is_told(verb, &format!("-{letter}"), &shown);
                    }
                }
            }
            for wrong in misspelt(verb, option) {
                is_told(verb, &wrong, &format!("; write --{name}"));
            }
        }
    }
}

/// Its name with one letter changed or one too many, where no other option's name is as near.
fn misspelt(verb: &Verb, option: &Opt) -> Vec<String> {
    let name = option.names[0];
    let mut doubled = name.to_owned();
    doubled.insert(1, '_');
    let changed = format!("_{}", &name[1..]);
    let others =
        || verb.options.iter().flat_map(|option| option.names).filter(|other| **other != name);
    [doubled, changed]
        .into_iter()
        .filter(|wrong| {
            others().all(|other| distance(other, wrong) > 1 && !other.starts_with(wrong))
        })
        .map(|wrong| format!("--{wrong}"))
        .collect()
}
