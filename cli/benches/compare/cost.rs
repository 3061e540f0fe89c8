//! What a whole command costs, beside the same under flock(1), one after the other.

use std::time::Instant;

use crate::Limits;
use crate::ground::Ground;
use crate::tools::Tool;

/// The ratio of the medians.
pub fn cost(tool: &Tool, limits: Limits) -> String {
    let ground = Ground::new();
    let flock = || {
        let mut command = ground.program("flock");
        command.arg("./other");
        command
    };
    let time = |mut command: std::process::Command| {
        command.arg("/bin/true");
        let begin = Instant::now();
        assert!(command.status().unwrap().success(), "{command:?}");
        begin.elapsed().as_secs_f64()
    };
    // What is slow takes a tenth of the time.
    let (mut ours, mut theirs) = (vec![time(tool.alone(&ground))], vec![time(flock())]);
    let pairs = if ours[0] > 0.1 { limits.pairs.div_ceil(10) } else { limits.pairs };
    for pair in 0..pairs {
        // Neither has the other always before it.
        if pair % 2 == 0 {
            ours.push(time(tool.alone(&ground)));
            theirs.push(time(flock()));
        } else {
            theirs.push(time(flock()));
            ours.push(time(tool.alone(&ground)));
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    format!("{:.2} ({:.1} ms)", ours / theirs, ours * 1e3)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
