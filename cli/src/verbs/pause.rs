//! `bakery pause`: nobody goes in; `bakery resume`: they do again.
//!
//! A pause is a hold like any other: it takes its place in line, is there when those before it have left,
//! and those behind it keep their places.

use crate::arguments::options::{CONFLICT_EXIT_CODE, DIR, HELP, NONBLOCK, WAIT, WHY};
use crate::arguments::{Parsed, Verb};
use crate::exit::Outcome;
use crate::looking;
use crate::looking::names::use_directory;
use crate::message::{self, shown};
use crate::verbs::hold::{Until, detached};
use crate::verbs::path::one_name;
use crate::verbs::release;

pub static PAUSE: Verb = Verb {
    name: "pause",
    forms: &["NAME [options]"],
    about: "let nobody in after those in line; comes back when nobody is inside",
    options: &[&NONBLOCK, &WAIT, &CONFLICT_EXIT_CODE, &WHY, &DIR, &HELP],
    options_end_at: usize::MAX,
    run: pause,
};

pub static RESUME: Verb = Verb {
    name: "resume",
    forms: &["NAME"],
    about: "end a pause",
    options: &[&DIR, &HELP],
    options_end_at: usize::MAX,
    run: resume,
};

fn pause(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let name = one_name(verb, parsed)?;
    use_directory(parsed);
    if let Ok(Some(look)) = looking::at_one(&name)
        && look.is_paused()
    {
        message::say(format!("{} is paused already", shown(&name)));
        return Ok(0);
    }
    detached(verb, parsed, Until::Signal)
}

fn resume(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let name = one_name(verb, parsed)?;
    use_directory(parsed);
    release::end(&name, "pause", |holder| holder.is_pause, "in effect")
}
