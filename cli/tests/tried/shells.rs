//! The idioms of scripts, in each shell: all say the same.

use std::fs;
use std::process::Command;

use crate::support::{Place, Running, until};

/// Where a script's `flock` is `bakery flock`, by an alias as the documentation has it.
const HEAD: &str = "#!SHELL\nif [ -n \"$BASH_VERSION\" ]; then shopt -s expand_aliases; fi\nalias flock='\"$BAKERY\" flock'\nalias bakery='\"$BAKERY\"'\n";

/// What each script is about, itself, and what it says.
const IDIOMS: [(&str, &str, &str); 17] = [
    (
        "a part of a script",
        "exec 9>l\nflock 9\necho in\nflock -n l true\necho $?\nflock -u 9\nflock -n l echo free",
        "in\n1\nfree\n",
    ),
    (
        "a subshell",
        "(\n flock -n 9 || exit 1\n echo in\n flock -n l true || echo busy\n) 9>l\nflock -n l echo free",
        "in\nbusy\nfree\n",
    ),
    (
        "a group",
        "{ flock 9; echo in; flock -n l true || echo busy; } 9>l\nflock -n l echo free",
        "in\nbusy\nfree\n",
    ),
    (
        "say that it waits",
        "exec 8>l 9>l\nflock 8\n(sleep .2; flock -u 8) &\nflock -n 9 || { echo waits; flock 9; }\necho in\nwait",
        "waits\nin\n",
    ),
    (
        "readers and a writer",
        "exec 7<>l 8<>l 9<>l\nflock -s 7\nflock -sn 8 && echo two\nflock -xn 9 || echo busy\nflock -u 7; flock -u 8\nflock -xn 9 && echo alone",
        "two\nbusy\nalone\n",
    ),
    (
        "a script that locks itself, by its file",
        "[ \"$L\" = \"$0\" ] || exec env L=\"$0\" \"$BAKERY\" flock -en \"$0\" \"$0\" \"$@\"\necho \"in: $# $2\"\nenv -u L \"$0\" again; echo $?",
        "in: 2 two words\n1\n",
    ),
    (
        "a script that locks itself, by a name",
        "[ \"$BAKERY_LOCK\" = me ] || exec \"$BAKERY\" run me -n -- \"$0\" \"$@\"\necho \"in: $# $2\"\nbakery run me -n --nested refuse -- true 2>/dev/null; echo $?",
        "in: 2 two words\n77\n",
    ),
    (
        "skipped is not failed",
        "exec 9>l\nflock 9\nflock -n -E 0 l false && echo skipped\nflock -n -E 99 l true; echo $?\nflock -u 9\nflock -n -E 99 l sh -c 'exit 7'; echo $?",
        "skipped\n99\n7\n",
    ),
    (
        "skipped, by a name",
        "bakery run x -- \"$BAKERY\" run x --skip --nested refuse -- echo in 2>/dev/null; echo $?\nbakery run x --skip -- echo in",
        "77\nin\n",
    ),
    (
        "-c",
        "bakery run x -c 'echo a && echo \"$0\" | grep -c /'\nflock l -c 'echo b; exit 3'; echo $?",
        "a\n1\nb\n3\n",
    ),
    (
        "statuses",
        "bakery run x -- sh -c 'exit 7'; echo $?\nbakery run x -- sh -c 'kill -9 $$'; echo $?\nif bakery run x -- false; then echo then; else echo else; fi",
        "7\n137\nelse\n",
    ),
    (
        "set -e",
        "set -e\nbakery run x -- true\necho a\nbakery run x -- false || echo failed\n(bakery run x -- false; echo not) || echo left",
        "a\nfailed\nnot\n",
    ),
    (
        "input and output",
        "echo in | bakery run x -- cat | flock l cat\nV=$(bakery run x -- echo \"two  words\"); echo \"$V\"\nbakery run x -- cat <<E\nhere\nE",
        "in\ntwo  words\nhere\n",
    ),
    (
        "a hold over several commands",
        "mkfifo f t\nbakery hold x <f >t &\nexec 8>f\nread token <t\nbakery run x -n -- true; echo $?\nexec 8>&-\nwait\nbakery run x -n -- echo free",
        "75\nfree\n",
    ),
    (
        "held, and released by its token",
        "T=$(bakery hold x --detach)\nbakery run x -n -- true; echo $?\nbakery release x --token \"$T\"\nbakery run x -n -- echo free",
        "75\nfree\n",
    ),
    (
        "three at a time",
        "for i in 1 2 3 4 5 6; do bakery run gpu -j 3 -- sh -c 'echo in >>log; sleep .05' & done\nwait\nwc -l <log | tr -d ' '",
        "6\n",
    ),
    (
        "a trap, and what comes after it",
        "trap 'echo trapped; exit 4' TERM\nbakery run x -- sh -c \"kill $$; sleep .1; exit 5\"\necho not",
        "trapped\n",
    ),
];

/// A shell that is here.
fn is_here(shell: &str) -> bool {
    let is_here =
        Command::new(shell).args(["-c", ":"]).status().is_ok_and(|status| status.success());
    if !is_here {
        eprintln!("SKIPPED: {shell} is not here");
    }
    is_here
}

fn path_of(shell: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let found = path.split(':').map(|directory| format!("{directory}/{shell}"));
    found.into_iter().find(|file| fs::metadata(file).is_ok()).unwrap()
}

#[test]
fn the_idioms_say_the_same_in_each_shell() {
    for shell in ["dash", "bash", "zsh"].into_iter().filter(|shell| is_here(shell)) {
        let path = path_of(shell);
        for (about, script, expected) in IDIOMS {
            let place = Place::new();
            // Written by another process: one that is forked here meanwhile would have it open for writing, and
            // what is open for writing is not executed.
            let text = HEAD.replace("SHELL", &path) + script + "\n";
            let write = "printf %s \"$1\" >script && chmod 755 script";
            let mut command = place.program("sh");
            assert_eq!(place.status(command.args(["-c", write, "sh", &text])), 0);
            let mut command = place.program(place.path("script"));
            command.args(["one", "two words"]).env("SHELL", &path).env_remove("L");
            let (_, out, said) = place.outcome(&mut command);
            assert_eq!((&*out, &*said), (expected, ""), "{about}, in {shell}");
        }
    }
}

/// An interactive shell's jobs: in the background, and waited for.
#[test]
fn jobs_in_the_background_are_waited_for() {
    for shell in ["dash", "bash", "zsh"].into_iter().filter(|shell| is_here(shell)) {
        let place = Place::new();
        let held = place.inside("lock", &[], "held");
        let script = "\"$BAKERY\" run lock -- sh -c 'exit 6' & pid=$!; echo $pid >started; wait $pid; echo $? >status";
        let jobs = Running::start(place.program(shell).args(["-c", script]));
        until(|| place.in_line("lock") == 1);
        let status = place.look("lock").unwrap();
        assert_eq!(status.queue[0].pid.to_string(), place.read("started").trim(), "{shell}");
        place.make("go.held");
        assert_eq!((jobs.code(), held.code()), (0, 0));
        assert_eq!(place.read("status"), "6\n", "{shell}");
    }
}
