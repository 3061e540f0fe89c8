//! What a whole command costs, beside the same under flock(1), one after the other.

use std::time::Instant;

use crate::Limits;
use crate::ground::Ground;
use crate::tools::Tool;

/// The median of the pairs' ratios, and of the times.
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
    let pairs =
        if time(tool.alone(&ground)) > 0.1 { limits.pairs.div_ceil(10) } else { limits.pairs };
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Neither has the other always before it.
        let (ours, theirs) = if pair % 2 == 0 {
            let ours = time(tool.alone(&ground));
            (ours, time(flock()))
        } else {
            let theirs = time(flock());
            (time(tool.alone(&ground)), theirs)
        };
        times.push(ours);
        ratios.push(ours / theirs);
    }
    format!("{:.2} ({:.1} ms)", median(ratios), median(times) * 1e3)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
