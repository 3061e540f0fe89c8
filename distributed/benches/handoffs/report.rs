//! The tables.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Limits;
use crate::contest::{Contest, FIVE, Kind, Row, WORK};
use crate::round::Round;

/// What the figures are.
pub fn explain(limits: Limits) {
    println!(
        "Everything is on one machine: servers, on loopback, with their data in memory; and clients, as tasks of\n\
         one process, each with connections of its own. Nothing is done inside, and the next attempt comes at\n\
         once, but for the rounds with work. The median of {} rounds of {}, one contestant after the other.\n\n\
         - *in*: how often somebody goes in, in a second. *To another*: how often that is another one than\n\
         \x20 before; of one that passes the lock to itself it says less than *in*.\n\
         - *wait*: from asking to being in. What a round cuts off counts as far as it went.\n\
         - *ours*: this library's *in* by that one's, of each round: median (least to most). *Not recorded*: with\n\
         \x20 `Options::recorded(false)`, so that nobody is told who died inside; nor is anybody by the others' locks.",
        limits.rounds,
        time(limits.length),
    );
}

pub fn print(contest: &Contest) {
    println!("\n## {}\n", contest.servers);
    println!(
        "| clients | lock | in | to another | wait p50 | p99 | ours | ours, not recorded |\n|{}",
        "---|".repeat(8)
    );
    for (column, &clients) in contest.limits.clients.iter().enumerate() {
        for row in contest.rows.iter().filter(|row| row.kind != Kind::Patient) {
            println!("| {clients} | {} | {} |", row.name, cell(contest, row, column));
        }
    }
    println!();
    println!(
        "{FIVE} clients, {} of work inside, for {}. *Starved*: gets less than a fifth of its share. Requests\n\
         and wake-ups are counted in a round without work.\n",
        time(WORK),
        time(contest.limits.shift),
    );
    println!(
        "| lock | passages of each client | starved | wait p50 | longest | requests for each passage | wake-ups |"
    );
    println!("|---|---|---|---|---|---|---|");
    for row in &contest.rows {
        let shift = match &row.shift {
            Ok(round) => work(round),
            Err(error) => format!("failed: {error:#} | | |"),
        };
        let count = |count: Option<f64>| count.map_or("-".to_owned(), |it| format!("{it:.2}"));
        println!("| {} | {shift} | {} | {} |", row.name, count(row.requests), count(row.wake_ups));
    }
}

/// What a contestant did with this number of clients.
fn cell(contest: &Contest, row: &Row, column: usize) -> String {
    let rounds = match &row.cells[column] {
        Ok(rounds) => rounds,
        Err(error) => return format!("failed: {error:#} | | | | |"),
    };
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let wait = |figure: fn(&Round) -> f64| time(Duration::from_secs_f64(of(figure)));
    let by = |kind| match ratios(contest, kind, row, column) {
        Some([least, median, most]) if !matches!(row.kind, Kind::Ours | Kind::Unrecorded) => {
            format!("{median:.2} x ({least:.2} to {most:.2})")
        }
        _ => String::new(),
    };
    format!(
        "{:.0} | {:.0} | {} | {} | {} | {}",
        of(|round| round.passages),
        of(|round| round.handoffs),
        wait(|round| round.wait(50).as_secs_f64()),
        wait(|round| round.wait(99).as_secs_f64()),
        by(Kind::Ours),
        by(Kind::Unrecorded),
    )
}

fn work(round: &Round) -> String {
    let mut text = String::new();
    for (number, share) in round.shares.iter().enumerate() {
        let _ = write!(text, "{}{share}", if number == 0 { "" } else { ", " });
    }
    let longest = round.waits.last().copied().unwrap_or_default();
    format!("{text} | {} | {} | {}", round.starved(), time(round.wait(50)), time(longest))
}

/// This library's passages by this one's: the least, the median and the most of the rounds.
pub fn ratios(contest: &Contest, ours: Kind, row: &Row, column: usize) -> Option<[f64; 3]> {
    let ours = contest.rows.iter().find(|row| row.kind == ours)?;
    let (ours, theirs) = (&ours.cells[column], &row.cells[column]);
    let rounds = ours.as_ref().ok()?.iter().zip(theirs.as_ref().ok()?);
    let mut ratios: Vec<_> = rounds.map(|(ours, theirs)| ours.passages / theirs.passages).collect();
    ratios.sort_by(f64::total_cmp);
    Some([*ratios.first()?, median(ratios.clone()), *ratios.last()?])
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn time(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    let digits = if millis < 10.0 { 2 } else { 0 };
    format!("{millis:.digits$} ms")
}
