//! Those who wait: in what order they get in, and whether at all.

use std::thread;
use std::time::Duration;

use crate::Limits;
use crate::ground::{Ground, Running, until};
use crate::tools::Tool;

/// Pairs that got in in another order than they came in, of all: the mean of some rounds.
pub fn order(tool: &Tool, limits: Limits) -> String {
    let pairs = limits.line * (limits.line - 1) / 2;
    let all: Vec<usize> = (0..limits.rounds).map(|_| out_of_order(tool, limits)).collect();
    let worst = all.iter().max().copied().unwrap_or_default();
    format!("{} of {pairs}", if worst == 0 { "0".to_owned() } else { listed(&all) })
}

fn listed(all: &[usize]) -> String {
    all.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn out_of_order(tool: &Tool, limits: Limits) -> usize {
    let ground = Ground::new();
    let holds = "echo >up; until [ -e go ] || [ ! -d \"$PWD\" ]; do sleep .02; done";
    let mut holder = Running::start(tool.alone(&ground).args(ground.script("holds", holds)));
    ground.until_there("up");
    let adds = ground.script("adds", "echo $1 >>out");
    let mut waiting: Vec<Running> = (0..limits.line)
        .map(|number| {
            let mut command = tool.alone(&ground);
            let running = Running::start(command.args(&adds).arg(number.to_string()));
            // What it takes to be in line cannot be asked of all of them.
            thread::sleep(Duration::from_millis(limits.apart_ms));
            running
        })
        .collect();
    ground.write("go", "");
    holder.end();
    for running in &mut waiting {
        running.end();
    }
    let out: Vec<usize> = ground.read("out").lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(out.len(), limits.line, "{}: {out:?}", tool.name);
    (0..out.len()).map(|at| out[at..].iter().filter(|later| **later < out[at]).count()).sum()
}

/// Four that come again and again; ended by a file.
fn loops(ground: &Ground, mut each: impl FnMut() -> std::process::Command) -> Vec<Running> {
    let script = "until [ -e stop ] || [ ! -d \"$PWD\" ]; do \"$@\"; done";
    (0..4)
        .map(|_| {
            let wrapped = each();
            let mut command = ground.program("sh");
            command.args(["-c", script, "sh"]).arg(wrapped.get_program()).args(wrapped.get_args());
            Running::start(&mut command)
        })
        .collect()
}

fn stop(ground: &Ground, loops: Vec<Running>) {
    ground.write("stop", "");
    for mut running in loops {
        running.end();
    }
}

/// By how many readers a writer is passed, that come in four loops.
pub fn writer(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    let reads = ground.script("reads", "echo >>passed; sleep .05");
    if tool.shared(&ground).is_none() {
        return "-".to_owned();
    }
    let readers = loops(&ground, || {
        let mut command = tool.shared(&ground).unwrap();
        command.args(&reads);
        command
    });
    assert!(until(Duration::from_mins(1), || ground.lines("passed") >= 4));
    let mut passed = Vec::new();
    for round in 0..limits.rounds {
        let script = ground.script("writes", "wc -l <passed >$1");
        let before = ground.lines("passed");
        let at = format!("at.{round}");
        let mut writer = Running::start(tool.alone(&ground).args(script).arg(&at));
        if until(Duration::from_secs(limits.patience_s), || writer.has_ended()) {
            let at: usize = ground.read(&at).trim().parse().unwrap();
            passed.push(at.saturating_sub(before));
        } else {
            let by = ground.lines("passed") - before;
            stop(&ground, readers);
            return format!("not in within {} s, by {by}", limits.patience_s);
        }
    }
    stop(&ground, readers);
    format!("by {}", passed.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
}

/// How often one gets in that waits for 0.3 s at the most, again and again, among four that have it for 0.1 s
/// each.
pub fn retries(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    if tool.timed(&ground).is_none() {
        return "-".to_owned();
    }
    let holds = ground.script("holds", "echo >>passed; sleep .1");
    let others = loops(&ground, || {
        let mut command = tool.alone(&ground);
        command.args(&holds);
        command
    });
    assert!(until(Duration::from_mins(1), || ground.lines("passed") >= 4));
    let (mut tries, mut got) = (0, 0);
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_secs(limits.patience_s) {
        tries += 1;
        let mut timed = tool.timed(&ground).unwrap();
        got += usize::from(Running::start(timed.arg("true")).end().success());
    }
    stop(&ground, others);
    format!("{got} of {tries}")
}
