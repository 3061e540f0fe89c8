//! `bakery completions` and `bakery man`, as shells and `man` read them.

use std::process::{Command, Output};

use crate::support::Place;
use crate::terminal::Terminal;

/// What bash completes these words to. The last one is begun.
fn completed(place: &Place, words: &[&str]) -> Vec<String> {
    let bakery = std::path::Path::new(env!("CARGO_BIN_EXE_bakery"));
    let script = "source <(bakery completions bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                  _bakery; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let path = format!("{}:{}", bakery.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", "bakery"]).args(words);
    command.env("PATH", path).env("BAKERY_LOCK_DIR", place.locks());
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_names() {
    let place = Place::new();
    place.text(["run", "deploy", "--", "true"]);
    place.text(["run", "two words", "--", "true"]);
    assert_eq!(completed(&place, &["sta"]), ["status"]);
    assert_eq!(completed(&place, &["run", "--no"]), ["--nonblock", "--nonblocking", "--no-fork"]);
    assert_eq!(completed(&place, &["status", ""]), ["deploy"]);
    assert_eq!(completed(&place, &["run", "dep"]), ["deploy"]);
    assert_eq!(completed(&place, &["completions", "f"]), ["fish"]);
    assert_eq!(completed(&place, &["help", "doc"]), ["doctor"]);
    // A value, and a command's own options.
    assert_eq!(completed(&place, &["run", "-w", ""]), Vec::<String>::new());
    assert_eq!(completed(&place, &["run", "x", "--", "make", "--no"]), Vec::<String>::new());
}

/// Has a program read what `bakery` prints; `None` if there is no such program.
fn read(program: &str, arguments: &[&str], text: &str) -> Option<Output> {
    let place = Place::new();
    let file = place.path("text");
    std::fs::write(&file, text).unwrap();
    let output = Command::new(program).args(arguments).arg(&file).output();
    match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(output.unwrap()),
    }
}

#[test]
fn each_shell_takes_its_own() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let text = place.text(["completions", shell]);
        let Some(output) = read(shell, &["-n"], &text) else {
            eprintln!("{shell} is not here, and was not asked");
            continue;
        };
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    assert_eq!(place.output(["completions", "csh"]).status.code(), Some(64));
}

/// Every page, as two readers of manuals take it.
#[test]
fn pages_are_sound() {
    let place = Place::new();
    let mut pages = vec![place.text(["man"])];
    for verb in verbs(&place) {
        let page = place.text(["man", &verb]);
        assert!(page.contains(&format!(".B bakery {verb}")), "{page}");
        pages.push(page);
    }
    for page in pages {
        assert!(page.starts_with(".TH BAKERY"));
        match read("groff", &["-man", "-Tutf8", "-ww"], &page) {
            None => eprintln!("groff is not here, and was not asked"),
            Some(output) => {
                assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            }
        }
        let Some(output) = read("mandoc", &["-T", "lint", "-W", "warning"], &page) else {
            eprintln!("mandoc is not here, and was not asked");
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        // They are of a version, and of no day.
        assert!(said.lines().all(|line| line.contains("missing date")), "{said}");
    }
    assert_eq!(place.output(["man", "frob"]).status.code(), Some(64));
}

/// All of them, as `--help` lists them.
fn verbs(place: &Place) -> Vec<String> {
    let text = place.text(["--help"]);
    let lines = text.lines().filter_map(|line| line.strip_prefix("  bakery "));
    let mut verbs: Vec<String> =
        lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    verbs.dedup();
    assert!(verbs.len() > 10, "{text}");
    verbs
}

/// An interactive shell that has sourced what `bakery` prints completes words as they are typed.
fn completes(shell: &str, arguments: &[&str], prepare: &str) {
    if Command::new(shell).args(["-c", "exit"]).output().is_err() {
        eprintln!("{shell} is not here, and was not asked");
        return;
    }
    let place = Place::new();
    place.text(["run", "deployment", "--", "true"]);
    let bakery = std::path::Path::new(env!("CARGO_BIN_EXE_bakery"));
    let path = format!("{}:{}", bakery.parent().unwrap().display(), std::env::var("PATH").unwrap());
    // The terminal is to be its own.
    let mut command = Command::new("setsid");
    command
        .args(["-c", shell])
        .args(arguments)
        .env("PATH", path)
        .env("BAKERY_LOCK_DIR", place.locks());
    command.env("HOME", place.path("")).current_dir(place.path("")).env_remove("ENV");
    let mut terminal = Terminal::with(&mut command);
    terminal.press(format!("{prepare}; echo rea''dy\r").as_bytes());
    terminal.until_line(|line| line == "ready");
    for (typed, completed) in [
        ("bakery statu", "bakery status"),
        ("bakery run --colla", "bakery run --collapse"),
        ("bakery hold --deta", "bakery hold --detach"),
        ("bakery status deplo", "bakery status deployment"),
        ("bakery completions zs", "bakery completions zsh"),
    ] {
        terminal.press(format!("{typed}\t").as_bytes());
        terminal.until_line(|line| line.ends_with(completed));
        // Away with the line.
        terminal.press(b"\x15");
        terminal.until_line(|line| !line.contains("bakery"));
    }
}

#[test]
fn bash_completes_what_is_typed() {
    let source = "PS1='> '; source <(bakery completions bash); complete -p bakery";
    completes("bash", &["--norc", "--noprofile", "-i"], source);
}

#[test]
fn zsh_completes_what_is_typed() {
    let source = "PS1='> '; autoload -U compinit; compinit -u -D; source <(bakery completions zsh)";
    completes("zsh", &["-f", "-i"], source);
}

#[test]
fn fish_completes_what_is_typed() {
    let source = "function fish_prompt; echo -n '> '; end; bakery completions fish | source";
    completes("fish", &["--no-config", "-i"], source);
}
