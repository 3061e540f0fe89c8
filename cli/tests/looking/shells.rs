//! `bakery completions` and `bakery man`, as shells and `man` read them.

use std::process::{Command, Output};

use crate::support::Place;

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

#[test]
fn pages_are_sound() {
    let place = Place::new();
    for arguments in [&["man"][..], &["man", "run"], &["man", "doctor"]] {
        let page = place.text(arguments);
        assert!(page.starts_with(".TH BAKERY"));
        let Some(output) = read("groff", &["-man", "-Tutf8", "-ww"], &page) else {
            eprintln!("groff is not here, and was not asked");
            continue;
        };
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    assert_eq!(place.output(["man", "frob"]).status.code(), Some(64));
}

#[test]
fn fish_completes_options() {
    let place = Place::new();
    let text = place.text(["completions", "fish"]);
    let script = text + "\ncomplete -C 'bakery run --nonbl'\ncomplete -C 'bakery stat'\n";
    let Some(output) = read("fish", &["--no-config"], &script) else {
        eprintln!("fish is not here, and was not asked");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("--nonblock\t") && said.contains("status\t"), "{output:?}");
}

#[test]
fn zsh_has_a_function_for_it() {
    let place = Place::new();
    let text = place.text(["completions", "zsh"]);
    let script =
        "autoload -U compinit; compinit -u -D\n".to_owned() + &text + "\nprint ${_comps[bakery]}\n";
    let Some(output) = read("zsh", &["-f"], &script) else {
        eprintln!("zsh is not here, and was not asked");
        return;
    };
    assert!(output.status.success() && output.stdout == b"_bakery\n", "{output:?}");
}
