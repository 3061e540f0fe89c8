//! What is shown of runs, beside what theory says.

use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::algorithm::{
    Coordinator, ReplicatedLock, RicartAgrawala, TokenRing, Voting,
};
use bakery_distributed::node::Run;

use super::run::{Done, Load, run};
use crate::LINES;

/// How many messages a section takes, if all ask or one does.
fn theory(name: &str, nodes: u8, load: Load) -> String {
    let (n, others) = (f64::from(nodes), f64::from(nodes - 1));
    match (name, load) {
        // A node's own are none.
        (Coordinator::NAME, Load::All) => format!("3 (N - 1) / N = {:.1}", 3.0 * others / n),
        (Coordinator::NAME, Load::One) => "3".to_owned(),
        (RicartAgrawala::NAME, _) => format!("2 (N - 1) = {}", 2.0 * others),
        (TokenRing::NAME, Load::All) => "1".to_owned(),
        (TokenRing::NAME, Load::One) => format!("N = {n}"),
        (Voting::NAME, Load::All) => format!("from 3 (N - 1) = {}", 3.0 * others),
        (Voting::NAME, Load::One) => format!("3 (N - 1) = {}", 3.0 * others),
        // Two entries, of which each is sent, confirmed, told to be committed, and that is confirmed; and whoever
        // waits asks again when it hears of the leader.
        (ReplicatedLock::NAME, Load::All) => format!("from 8 (N - 1) = {}", 8.0 * others),
        (ReplicatedLock::NAME, Load::One) => format!("8 (N - 1) + 2 = {}", 8.0 * others + 2.0),
        _ => "?".to_owned(),
    }
}

/// The p-th of a hundred.
fn percentile(waits: &[Duration], p: usize) -> String {
    let place = (waits.len() * p).div_ceil(100).max(1) - 1;
    waits.get(place).map_or_else(|| "-".to_owned(), |wait| format!("{wait:.1?}"))
}

fn waits(done: &Done, node: Option<u8>) -> Vec<Duration> {
    let of_it = done.sections.iter().filter(|section| node.is_none_or(|node| section.node == node));
    let mut waits: Vec<_> = of_it.map(super::run::Section::wait).collect();
    waits.sort_unstable();
    waits
}

/// How many sections were overtaken, and how often the worst was.
fn overtaken(done: &Done) -> (usize, usize) {
    let overtaken = done.overtaken();
    let number = overtaken.iter().filter(|&&times| times > 0).count();
    (number, overtaken.into_iter().max().unwrap_or(0))
}

pub fn show_one(name: &str, nodes: u8, done: &Done) -> Result<()> {
    println!("Total de Líneas:  {}", done.total);
    println!(" process  iterations    wait p50         p99  messages");
    for (node, sent) in (0..nodes).zip(&done.sent) {
        let waits = waits(done, Some(node));
        let (p50, p99) = (percentile(&waits, 50), percentile(&waits, 99));
        println!("{:>8}  {:>10}  {p50:>10}  {p99:>10}  {sent:>8}", node + 1, waits.len());
    }
    let theory = theory(name, nodes, Load::All);
    println!("{:.1} messages for each section; in theory {theory}", done.messages()?);
    let (number, most) = overtaken(done);
    println!("order: {number} sections were overtaken, the worst by {most} that had asked later");
    println!("{nodes} processes took {:.1?}", done.took);
    ensure!(done.total == u32::from(nodes) * LINES, "lines were lost");
    Ok(())
}

/// A table over all, as Markdown.
pub fn show(names: &[&str], is_unix: bool) -> Result<()> {
    println!(
        "| algorithm | N | all ask: messages | in theory | wait p50 | p99 | overtaken | at most by | \
         one asks: messages | in theory | wait p50 | p99 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for name in names {
        for nodes in [3, 5, 9] {
            let all = run(name, nodes, Load::All, is_unix)?;
            let one = run(name, nodes, Load::One, is_unix)?;
            ensure!(all.total == u32::from(nodes) * LINES && one.total == LINES, "lines were lost");
            let (number, most) = overtaken(&all);
            let of_it = |done: &Done, load| -> Result<String> {
                let waits = waits(done, None);
                let (p50, p99) = (percentile(&waits, 50), percentile(&waits, 99));
                let theory = theory(name, nodes, load);
                Ok(match load {
                    Load::All => format!(
                        "{:.1} | {theory} | {p50} | {p99} | {number} of {} | {most}",
                        done.messages()?,
                        waits.len()
                    ),
                    Load::One => format!("{:.1} | {theory} | {p50} | {p99}", done.messages()?),
                })
            };
            let (all, one) = (of_it(&all, Load::All)?, of_it(&one, Load::One)?);
            println!("| {name} | {nodes} | {all} | {one} |");
        }
    }
    Ok(())
}
