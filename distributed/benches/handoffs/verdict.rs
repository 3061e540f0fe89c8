//! What is aimed at, and what has been measured.

use crate::contest::{Contest, FIVE, Kind};
use crate::report::ratios;

const MET: &str = "met";
const MISSED: &str = "**missed**";

pub struct Verdict {
    what: String,
    target: &'static str,
    measured: String,
    word: &'static str,
}

pub fn of(contest: &Contest) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let (target, least) = match contest.engine {
        "etcd" => ("3.00 x", 3.0),
        "zookeeper" => ("0.95 x", 0.95),
        "consul" => ("1.20 x", 1.2),
        // Bare locks may be 1.3 times as fast.
        "postgres" => ("0.77 x", 1.0 / 1.3),
        _ => ("", 0.0),
    };
    let rows = || contest.rows.iter();
    if let Some(row) = rows().find(|row| row.kind == Kind::ReadyMade)
        && let Some(column) = contest.limits.clients.iter().position(|&clients| clients == FIVE)
        && let Some([_, ours, _]) = ratios(contest, Kind::Ours, row, column)
        && let Some([_, unrecorded, _]) = ratios(contest, Kind::Unrecorded, row, column)
    {
        verdicts.push(Verdict {
            what: format!(
                "{}: hand-offs of {FIVE} clients, by those of {}",
                contest.engine, row.name
            ),
            target,
            measured: format!("{ours:.2} x; not recorded {unrecorded:.2} x"),
            word: match (ours >= least, unrecorded >= least) {
                (true, _) => MET,
                (false, true) => "met only without the record",
                (false, false) => MISSED,
            },
        });
    }
    let ours = rows().find(|row| row.kind == Kind::Ours);
    if let Some(wake_ups) = ours.and_then(|row| row.wake_ups) {
        verdicts.push(Verdict {
            what: format!("{}: wake-ups for each hand-off", contest.engine),
            target: "1.00",
            measured: format!("{wake_ups:.2}"),
            word: if wake_ups <= 1.05 { MET } else { MISSED },
        });
    }
    let starved = |kind| {
        let mut rows = rows().filter(|row| row.kind == kind);
        rows.next()?.shift.as_ref().ok().map(crate::round::Round::starved)
    };
    if let (Some(ours), Some(naive)) = (starved(Kind::Ours), starved(Kind::Naive)) {
        let patient = starved(Kind::Patient).unwrap_or_default();
        verdicts.push(Verdict {
            what: format!("{}: starved, of {FIVE}", contest.engine),
            target: "0",
            measured: format!("{ours}; of the naive ones {naive} and {patient}"),
            word: if ours == 0 { MET } else { MISSED },
        });
    }
    verdicts
}

pub fn print(verdicts: &[Verdict]) {
    println!("\n## Targets\n\n| | target | measured | |\n|---|---|---|---|");
    for Verdict { what, target, measured, word } in verdicts {
        println!("| {what} | {target} | {measured} | {word} |");
    }
}
