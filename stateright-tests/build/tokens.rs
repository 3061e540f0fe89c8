//! Every token that has a plausible other: one mutant for each.

use crate::Mutant;

/// What is written, what could be written instead. With the spaces that rustfmt puts around
/// operators: generics, references and closures have none. Orderings are the business of the models
/// with loom, which see more of them.
const OTHERS: &[(&str, &str)] = &[
    (" == ", " != "),
    (" != ", " == "),
    (" < ", " <= "),
    (" < ", " > "),
    (" <= ", " < "),
    (" > ", " >= "),
    (" >= ", " > "),
    (" >= ", " < "),
    (" && ", " || "),
    (" || ", " && "),
    (" + ", " - "),
    (" - ", " + "),
    (" / ", " * "),
    (" % ", " / "),
    (" & ", " | "),
    (" | ", " & "),
    (" << ", " >> "),
    (" >> ", " << "),
    ("..=", ".."),
    (".rev()", ""),
    ("::max", "::min"),
    (".max(", ".min("),
    (".min(", ".max("),
    (".is_some()", ".is_none()"),
    (".is_none()", ".is_some()"),
    (".is_ok()", ".is_err()"),
    (".is_some_and(", ".is_none_or("),
    ("if !", "if "),
    ("true", "false"),
    ("false", "true"),
    ("break;", "continue;"),
    ("continue;", "break;"),
    ("IDLE", "CHOOSING"),
    ("CHOOSING", "IDLE"),
    ("CHOOSING", "ALONE"),
    ("ALONE", "CHOOSING"),
    ("ALONE", "IDLE"),
    ("DOWN", "RAISED"),
    ("RAISED", "DOWN"),
    ("OUTSIDE", "CONTENDING"),
    ("OUTSIDE", "INSIDE"),
    ("CONTENDING", "OUTSIDE"),
    ("CONTENDING", "INSIDE"),
    ("INSIDE", "OUTSIDE"),
    ("INSIDE", "CONTENDING"),
    ("OUTSIDE", "CHOOSING"),
    ("CHOOSING", "OUTSIDE"),
    ("CHOOSING", "ORPHANED"),
    ("ORPHANED", "OUTSIDE"),
    ("ORPHANED", "CHOOSING"),
    ("self.x.", "self.y."),
    ("self.y.", "self.x."),
    ("NOBODY", "my_name"),
    ("fetch_add", "fetch_sub"),
    ("fetch_sub", "fetch_add"),
    ("wrapping_add", "wrapping_sub"),
    ("wrapping_sub", "wrapping_add"),
];

/// Lines whose tokens are none of an algorithm's steps: types, declarations, and what concerns those
/// who sleep, which these models do not have (the models with loom do). If an algorithm has a new
/// line of which some mutant is no Rust, so that this crate no longer compiles, it belongs here.
const NOT_CODE: &[&str] = &[
    "use ",
    "pub use ",
    "fn ",
    "struct ",
    "pub(crate) struct ",
    "pub struct ",
    "pub type ",
    "#[",
    "#!",
    "//",
    "impl<",
    "impl ",
    "unsafe impl",
    "pub trait ",
    "fn wake",
    "assert!",
    "align(",
    "array!",
    "wake.",
    "W::wake",
    "const FIRST",
    "const GIVEN_UP",
    "const HANDS_ON_LAST",
    "const HAS_GATE",
    "PhantomData",
    "expect(",
    "[Register32; 2]",
    "place: Place",
    "channel",
];

pub(crate) fn of(name: &str, source: &str) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let lines: Vec<_> = source.lines().collect();
    let mut within_use = false;
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        within_use |= code.starts_with("use ");
        let skip = within_use
            || NOT_CODE
                .iter()
                .any(|not| code.starts_with(not) || (not.len() > 3 && code.contains(not)));
        within_use &= !code.ends_with(';');
        if skip {
            continue;
        }
        for (change, changed) in changes(name, line) {
            let mut text = lines.clone();
            text[index] = &changed;
            mutants.push(Mutant { line: index + 1, change, text: text.join("\n") });
        }
    }
    mutants
}

/// The mutants of a line: what is changed, and what it is then.
fn changes(name: &str, line: &str) -> Vec<(String, String)> {
    let instead = |at: usize, old: &str, new: &str| {
        let what = format!("`{}` -> `{}`", old.trim(), new.trim());
        (what, format!("{}{new}{}", &line[..at], &line[at + old.len()..]))
    };
    let mut found = Vec::new();
    for (token, other) in OTHERS {
        let places = line.match_indices(token).filter(|(at, _)| is_whole(line, *at, token));
        if compiles(name, line, token, other) {
            found.extend(places.map(|(at, _)| instead(at, token, other)));
        }
    }
    for (at, digits) in integers(line) {
        let value: u64 = digits.parse().expect("digits");
        found.push(instead(at, digits, &(value + 1).to_string()));
        if let Some(less) = value.checked_sub(1) {
            found.push(instead(at, digits, &less.to_string()));
        }
    }
    if let Some((before, closure)) = line.split_once(".filter(|")
        && let Some((parameters, condition)) = closure.split_once("| ")
    {
        let text = format!("{before}.filter(|{parameters}| true || {condition}");
        found.push(("`filter` lets all through".to_owned(), text));
    }
    let code = line.trim();
    let is_call = code.starts_with(|c: char| c.is_ascii_lowercase()) && code.ends_with(");");
    let has_value = ["let ", "return "].iter().any(|word| code.starts_with(word));
    if is_call && !has_value && !code.contains(" = ") {
        found.push((format!("`{code}` left out"), String::new()));
    }
    found
}

/// Whether a token that is a word is not a part of a longer one.
fn is_whole(line: &str, at: usize, token: &str) -> bool {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let joined = line[..at].ends_with(of_a_word) || line[at + token.len()..].starts_with(of_a_word);
    !(joined && token.chars().all(of_a_word))
}

/// The decimal numbers of a line that are no part of a name, of a tuple's field or of a type.
fn integers(line: &str) -> Vec<(usize, &str)> {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_number = |(at, digits): &(usize, &str)| {
        let (before, after) = (&line[..*at], &line[at + digits.len()..]);
        let is_field = before.ends_with('.') && !before.ends_with("..");
        !is_field && !before.ends_with(of_a_word) && !after.starts_with(of_a_word)
    };
    let starts = line.char_indices().filter(|&(at, c)| {
        c.is_ascii_digit() && !line[..at].ends_with(|before: char| before.is_ascii_digit())
    });
    starts
        .map(|(at, _)| {
            let digits = line[at..].find(|c: char| !c.is_ascii_digit());
            (at, &line[at..digits.map_or(line.len(), |length| at + length)])
        })
        .filter(is_number)
        .collect()
}

/// Whether the other one is Rust there, and a name's other is known.
fn compiles(name: &str, line: &str, token: &str, other: &str) -> bool {
    let is_name = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
    let defined = line.contains("const ");
    match (token, other) {
        // A closure.
        (" || ", _) => !line.contains(", || ") && !line.contains("= || "),
        // In a pattern.
        (" | ", _) => !line.trim_start().starts_with(|c: char| c.is_ascii_uppercase()),
        ("NOBODY", _) => line.contains("let next = "),
        _ if !is_name(token) => true,
        _ if defined => false,
        ("IDLE" | "CHOOSING" | "ALONE", "IDLE" | "CHOOSING" | "ALONE") => {
            matches!(name, "bakery" | "black_white")
        }
        ("OUTSIDE" | "CHOOSING" | "ORPHANED", "OUTSIDE" | "CHOOSING" | "ORPHANED") => {
            name == "ticket"
        }
        _ => name == "fast",
    }
}
