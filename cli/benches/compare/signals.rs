//! Who survives what, and who is told.

use std::time::Duration;

use libc::{SIGKILL, SIGTERM};

use crate::Limits;
use crate::ground::{Ground, Running, kill, until};
use crate::tools::Tool;

/// How long to look whether something happens.
fn look(limits: Limits) -> Duration {
    Duration::from_millis(limits.look_ms)
}

/// Holds until it is told to end. It says what it is, and when it is at its end.
const HOLDS: &str = "echo $$ >pid; mv pid up; until [ -e go ] || [ ! -d \"$PWD\" ]; do sleep .02; done; echo end >>log";

fn next(tool: &Tool, ground: &Ground) -> Running {
    let script = ground.script("next", "echo next >>log");
    Running::start(tool.alone(ground).args(script))
}

/// SIGKILL for the program while its command runs: when the next one gets in.
pub fn killed(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    let mut holder = Running::start(tool.alone(&ground).args(ground.script("holds", HOLDS)));
    let command: i32 = ground.until_there("up").trim().parse().unwrap();
    if command == holder.pid() {
        return "is the command".to_owned();
    }
    holder.signal(SIGKILL);
    holder.end();
    let mut next = next(tool, &ground);
    let is_before = until(look(limits), || ground.has("log"));
    ground.write("go", "");
    next.end();
    kill(command, SIGKILL);
    if is_before { "**beside it**" } else { "after it" }.to_owned()
}

/// Whether a daemon that the command has left behind keeps the lock.
pub fn daemon(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    let leaves = "sleep 600 </dev/null >/dev/null 2>&1 & echo $! >daemon";
    let mut first = Running::start(tool.alone(&ground).args(ground.script("leaves", leaves)));
    first.end();
    let daemon: i32 = ground.until_there("daemon").trim().parse().unwrap();
    let mut next = next(tool, &ground);
    let is_free = until(look(limits), || ground.has("log"));
    kill(daemon, SIGKILL);
    next.end();
    if is_free { "no" } else { "**yes**" }.to_owned()
}

/// TERM for the program: whether the command gets it; and if not, whether it is alone still.
pub fn term(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    let traps = format!("trap 'echo got >>got; exit 0' TERM; {HOLDS}");
    let mut holder = Running::start(tool.alone(&ground).args(ground.script("holds", &traps)));
    let command: i32 = ground.until_there("up").trim().parse().unwrap();
    holder.signal(SIGTERM);
    let is_told = until(look(limits), || ground.has("got"));
    // Waited for: some look whether the process is there that has the lock.
    until(look(limits), || holder.has_ended());
    let mut next = next(tool, &ground);
    let is_beside = !is_told && until(look(limits), || ground.has("log"));
    ground.write("go", "");
    next.end();
    kill(command, SIGKILL);
    match (is_told, is_beside) {
        (true, _) => "yes",
        (false, true) => "**no, next in beside it**",
        (false, false) => "**no**",
    }
    .to_owned()
}
