//! Whatever is written on the command line: it is done, or refused with a message. Nothing panics.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libc::SIGKILL;

use crate::random::Random;
use crate::support::{Place, is_alive, kill, until};

/// A verb's option, as its help has it.
#[derive(Debug)]
struct Opt {
    /// `-w`, or `--wait`.
    words: Vec<String>,
    value: Option<String>,
}

impl Opt {
    fn name(&self) -> &str {
        self.words.last().unwrap().trim_start_matches('-')
    }
}

fn verbs(place: &Place) -> Vec<String> {
    let (_, help, _) = place.outcome(&mut place.bakery(["--help"]));
    let mut verbs: Vec<String> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  bakery ")?.split(' ').next().map(str::to_owned))
        .collect();
    verbs.dedup();
    assert!(verbs.len() > 10, "{help}");
    verbs
}

fn options(place: &Place, verb: &str) -> Vec<Opt> {
    let (_, help, _) = place.outcome(&mut place.bakery([verb, "--help"]));
    let lines = help.lines().filter(|line| {
        line.trim_start().starts_with('-') && line.len() - line.trim_start().len() < 8
    });
    lines
        .map(|line| {
            // `  -w, --wait TIME         wait so long ...`
            let shown = line.trim_start().split("  ").next().unwrap();
            let mut option = Opt { words: Vec::new(), value: None };
            for word in shown.split([' ', ',']).filter(|word| !word.is_empty()) {
                match word.split_once('[') {
                    _ if !word.starts_with('-') => option.value = Some(word.to_owned()),
                    Some((word, value)) => {
                        option.words.push(word.to_owned());
                        option.value = Some(format!("[{value}"));
                    }
                    None => option.words.push(word.to_owned()),
                }
            }
            option
        })
        .collect()
}

/// Any text will do for these.
const TEXTS: [&str; 4] = ["why", "command", "on-owner-died", "report"];

#[test]
fn a_value_that_is_none_is_told_what_one_looks_like() {
    let place = Place::new();
    let mut asked = 0;
    for verb in verbs(&place) {
        for option in options(&place, &verb) {
            // One that may lack its value takes any text, too.
            let is_text = option.value.as_ref().is_none_or(|value| value.starts_with('['));
            if is_text || TEXTS.contains(&option.name()) {
                continue;
            }
            for value in [
                "",
                "?",
                "-1",
                "1e99x",
                "4294967295",
                "99999999999999999999999",
                "\u{2603}",
                "1.5.5",
            ] {
                // Any number of seconds is a time; as many, a century.
                let is_time = option.value.as_deref() == Some("TIME") || option.name() == "wait";
                let takes_all = (is_time || option.name() == "token") && value.len() > 9;
                // What is wrong with a directory is a finding.
                if verb == "doctor" && option.name() == "dir" {
                    continue;
                }
                // Whether a number is an open descriptor is found later; and files are long.
                let is_one = match option.name() {
                    "fd" => value == "-1",
                    "start" | "length" => value == "4294967295",
                    _ => false,
                };
                if is_one {
                    continue;
                }
                asked += 1;
                let given = format!("--{}={value}", option.name());
                let mut words = vec![&*verb, &given, "lock"];
                if verb == "pause" {
                    // A value that is good pauses it.
                    clear_away(&place);
                }
                if option.name() == "kill-after" {
                    words.insert(1, "--max-time=1");
                }
                if ["run", "flock"].contains(&&*verb) {
                    words.push("true");
                }
                let (status, out, said) = place.outcome(&mut place.bakery(&words));
                if takes_all {
                    assert!([0, 1, 2, 64].contains(&status), "{words:?}: {status} {out}{said}");
                    continue;
                }
                assert!(status == 64 && out.is_empty(), "{words:?}: {status} {out}{said}");
                let hints = ["write ", "number from", "process's number", "absolute", "goes with"];
                assert!(
                    said.lines().count() == 1 && hints.iter().any(|hint| said.contains(hint)),
                    "{words:?}: {said}"
                );
            }
        }
    }
    assert!(asked > 50, "{asked}");
}

/// Among them such as are right. None makes a verb wait for ever, or touches what is not this test's.
const VALUES: [&[u8]; 26] = [
    b"lock=1s:other=0",
    b"=:lock=99999999999999999999",
    b"",
    b"0",
    b"1",
    b".01",
    b"2",
    b"256",
    b"-1",
    b"1e3",
    b"99999999999999999999",
    b"soon",
    b"0s",
    b"1s",
    b"exit",
    b"closed",
    b"join",
    b"fail",
    b"ticket",
    b"FD:1",
    b"FD:99",
    b"report",
    b"\xff\xfe",
    b"two words",
    b"a\nb",
    b"\x1b[31m",
];

const OPERANDS: [&[u8]; 16] = [
    b"lock",
    b"other",
    b"./file",
    b"./dir/",
    b"./none/file",
    b"",
    b".",
    b"..",
    b"-",
    b"--",
    b"\xff",
    b"./\xff",
    b"two\nlines",
    b"0",
    b"9",
    b"true",
];

const VARIABLES: [&str; 7] =
    ["BAKERY_ENGINE", "BAKERY_HELD", "BAKERY_WAIT", "BAKERY_TOKEN", "NO_COLOR", "SHELL", "TERM"];

fn text(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// One of a verb's options, as often right as not.
fn option(options: &[Opt], random: &mut Random) -> Vec<OsString> {
    let option = random.pick(options);
    let word = random.pick(&option.words);
    // It goes on until it is interrupted.
    let is_fit = option.name() != "watch" && random.roll(6) > 0;
    let value = match option.name() {
        "pid" => {
            *random.pick(&[&b"0"[..], b"-1", b"x", b"", b"2147483647", b"99999999999", b"\xff"])
        }
        "dir" => *random.pick(&[&b""[..], b".", b"relative", b"/no/such/directory", b"\xff"]),
        _ => *random.pick::<&[u8]>(&VALUES),
    };
    match (&option.value, is_fit) {
        (Some(shown), true) if !shown.starts_with('[') => match random.roll(3) {
            0 if word.starts_with("--") => {
                vec![text(&[word.as_bytes(), b"=", value].concat())]
            }
            1 if !word.starts_with("--") => vec![text(&[word.as_bytes(), value].concat())],
            _ => vec![word.into(), text(value)],
        },
        (Some(_), true) => vec![text(&[word.as_bytes(), b"=", value].concat())],
        (None, true) => vec![word.into()],
        // Cut short, of no meaning, or with a value that it has not.
        (Some(_), false) if random.roll(2) == 0 => vec![word.into()],
        (_, false) if random.roll(2) == 0 => vec![text(&[b"--", value].concat())],
        (_, false) => vec![text(&[b"--help=", value].concat())],
    }
}

fn arguments(verb: &str, options: &[Opt], random: &mut Random) -> Vec<OsString> {
    let mut words = vec![OsString::from(verb)];
    for _ in 0..random.roll(4) {
        words.extend(option(options, random));
    }
    for _ in 0..random.roll(4) {
        words.push(text(random.pick::<&[u8]>(&OPERANDS)));
        if random.roll(3) == 0 {
            words.extend(option(options, random));
        }
    }
    if ["run", "flock"].contains(&verb) && random.roll(2) == 0 {
        words.extend(["--", "true"].map(OsString::from));
    }
    words
}

/// Ends what holds, pauses and places have left behind.
fn clear_away(place: &Place) {
    let variable = [b"BAKERY_LOCK_DIR=", place.segment("").as_os_str().as_bytes()].concat();
    let variable = variable.strip_suffix(b"/").unwrap_or(&variable);
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse().ok());
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        if let Some(pid) =
            pid.filter(|_| environment.split(|byte| *byte == 0).any(|one| one == variable))
        {
            kill(pid, SIGKILL);
            until(|| !is_alive(pid));
        }
    }
}

fn try_all(seed: u64, times: usize) {
    let verbs = verbs(&Place::new());
    let mut random = Random::new(seed);
    for verb in &verbs {
        let place = Place::new();
        fs::create_dir(place.path("dir")).unwrap();
        let options = options(&place, verb);
        let (mut refused, mut others) = (0, 0);
        for _ in 0..times {
            let words = arguments(verb, &options, &mut random);
            let mut command = place.bakery(&words);
            // Nothing waits for long.
            command.env("BAKERY_WAIT", ".01").env("SHELL", "/bin/sh");
            if random.roll(3) == 0 {
                let value = random.pick::<&[u8]>(&VALUES);
                command.env(random.pick(&VARIABLES), OsStr::from_bytes(value));
            }
            if ["run", "hold", "pause", "flock"].contains(&&**verb) {
                clear_away(&place);
            }
            let (status, out, said) = place.outcome(&mut command);
            let is_told =
                status < 64 || status == 75 || !said.is_empty() || out.starts_with("bakery ");
            let known = [0, 1, 2, 64, 65, 66, 69, 71, 73, 75, 76, 77, 124, 126, 127];
            assert!(
                !said.contains("panicked") && known.contains(&status) && is_told,
                "{words:?}: {status} {out}{said}"
            );
            *if status == 64 { &mut refused } else { &mut others } += 1;
            // A shell may say what it likes; `status` and `rm` take several names.
            let mut ours = said.lines().filter(|line| line.starts_with("bakery: "));
            let is_short = said.lines().count() <= words.len();
            assert!(
                ours.all(|line| !line.contains('\u{1b}')) && (status != 64 || is_short),
                "{words:?}: {said:?}"
            );
        }
        clear_away(&place);
        println!("{verb}: {refused} were wrong usage, {others} were not");
        assert!(refused > 0 && others > 0, "{verb}: {refused}, {others}");
    }
}

#[test]
fn no_combination_of_options_makes_a_verb_panic() {
    try_all(1, 60);
}

#[test]
#[ignore = "takes minutes"]
fn no_combination_of_many_makes_a_verb_panic() {
    for seed in 2..12 {
        try_all(seed, 300);
    }
}
