//! Whether what the processes have written down is what a lock may do.

use std::collections::BTreeMap;
use std::fmt;

use crate::events::Event;
use crate::linear;

/// What one process has written, and from when on it may have been dead if it was killed.
pub struct Story {
    pub name: String,
    pub events: Vec<(u64, Event)>,
    pub killed: Option<u64>,
}

/// All that was seen.
#[derive(Default)]
pub struct History {
    pub stories: Vec<Story>,
    /// From when to when an engine of a single server, which keeps no session over its own end, was gone:
    /// it does not promise that whoever is inside then is told before the next one is in.
    pub forgotten: Vec<(u64, u64)>,
}

/// How somebody left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, at these times.
    Out(u64, u64),
    /// Killed inside.
    Killed,
    /// Nobody knows whether it left in order.
    Unknown,
}

/// One that was inside, as its guard said.
#[derive(Clone, Debug)]
pub struct Acquisition {
    #[expect(dead_code, reason = "it is shown of what is wrong")]
    pub who: String,
    pub token: u64,
    pub asked: u64,
    pub entered: u64,
    /// Until when its guard said for sure that it is held; asked or not.
    pub held_until: u64,
    pub end: End,
    /// Of whose deaths it was told on its way in.
    pub told: Vec<u64>,
}

/// What was seen, in numbers.
#[derive(Debug, Default)]
pub struct Seen {
    pub acquisitions: usize,
    pub killed_inside: usize,
    pub lost: usize,
    pub deaths_told: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acquisitions, killed_inside, lost, deaths_told } = self;
        write!(
            f,
            "{acquisitions} acquisitions, {killed_inside} killed inside, {lost} lost, deaths told \
             {deaths_told} times"
        )
    }
}

/// What is wrong; nothing if all is well.
pub fn check(history: &History) -> (Seen, Vec<String>) {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    let mut told = Vec::new();
    for story in &history.stories {
        read(story, &mut all, &mut told, &mut wrong);
    }
    let seen = Seen {
        acquisitions: all.len(),
        killed_inside: all.iter().filter(|one| one.end == End::Killed).count(),
        lost: all.iter().filter(|one| one.end == End::Unknown).count(),
        deaths_told: told.len(),
    };
    deaths(&mut all, &told, &mut wrong);
    for (from, to) in &history.forgotten {
        all.retain(|one| one.entered < *from || one.asked > *to);
        for one in all.iter_mut().filter(|one| one.entered < *from) {
            one.held_until = one.held_until.min(*from);
        }
    }
    exclusion(&mut all, &mut wrong);
    let operations: Vec<_> = all.iter().flat_map(linear::operations).collect();
    if let Err(why) = linear::check(&operations) {
        wrong.push(why);
    }
    (seen, wrong)
}

fn read(
    Story { name, events, killed }: &Story,
    all: &mut Vec<Acquisition>,
    told: &mut Vec<u64>,
    wrong: &mut Vec<String>,
) {
    let mut inside: Option<Acquisition> = None;
    let (mut asked, mut heard, mut leaves, mut is_done) = (0, Vec::new(), None, false);
    for (at, event) in events {
        let at = *at;
        match (event, &mut inside) {
            (Event::Asks, None) => (asked, heard) = (at, Vec::new()),
            (Event::Told { token }, None) => {
                heard.push(*token);
                told.push(*token);
            }
            (Event::In { token, left }, None) => {
                leaves = None;
                inside = Some(Acquisition {
                    who: name.clone(),
                    token: *token,
                    asked,
                    entered: at,
                    held_until: at.saturating_add(*left),
                    end: End::Unknown,
                    told: std::mem::take(&mut heard),
                });
            }
            (Event::Still { left }, Some(one)) => one.held_until = at.saturating_add(*left),
            (Event::Leaves, Some(one)) => {
                one.held_until = at;
                leaves = Some(at);
            }
            (Event::Out | Event::Lost, Some(one)) => {
                one.held_until = one.held_until.min(at);
                if let (Event::Out, Some(leaves)) = (event, leaves) {
                    one.end = End::Out(leaves, at);
                }
                all.extend(inside.take());
            }
            (Event::Lost | Event::Without, None) => {}
            (Event::Done, None) => is_done = true,
            (Event::Bad { what }, _) => wrong.push(format!("{name}: {what}")),
            (event, inside) => wrong.push(format!("{name}: {event:?} comes after {inside:?}")),
        }
    }
    if let Some(mut one) = inside {
        one.held_until = one.held_until.min(killed.unwrap_or(u64::MAX));
        one.end = if leaves.is_none() { End::Killed } else { End::Unknown };
        all.push(one);
    }
    if killed.is_none() && !is_done {
        wrong.push(format!("{name} has not come to its end"));
    }
}

/// Owner died is told of those that were killed inside, and of no one that left in order.
fn deaths(all: &mut [Acquisition], told: &[u64], wrong: &mut Vec<String>) {
    all.sort_by_key(|one| one.token);
    for pair in all.windows(2) {
        let [one, next] = pair else { continue };
        if one.token == next.token {
            wrong.push(format!("one token twice: {one:?}, {next:?}"));
        }
        // The last one of several is told. Of others that were killed on their way in, there is no token.
        let is_told = next.told.iter().any(|dead| (one.token..next.token).contains(dead));
        if one.end == End::Killed && !is_told {
            wrong.push(format!("of a death nobody was told: {one:?}, {next:?}"));
        }
    }
    let ends: BTreeMap<_, _> = all.iter().map(|one| (one.token, one.end)).collect();
    for dead in told {
        if let Some(End::Out(..)) = ends.get(dead) {
            wrong.push(format!("one that left in order was taken for dead: {dead}"));
        }
    }
}

/// One at a time by what the guards said, with tokens that grow.
fn exclusion(all: &mut [Acquisition], wrong: &mut Vec<String>) {
    all.sort_by_key(|one| one.entered);
    // The one that is held for the longest time of those before, and the one with the greatest token.
    let Some(first) = all.first() else { return };
    let (mut longest, mut greatest) = (first, first);
    for next in &all[1..] {
        if next.entered < longest.held_until {
            wrong.push(format!("two are inside: {longest:?}, {next:?}"));
        }
        if next.token <= greatest.token {
            wrong.push(format!("a token went back: {greatest:?}, {next:?}"));
        }
        if next.held_until > longest.held_until {
            longest = next;
        }
        if next.token > greatest.token {
            greatest = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, History, Story, check};
    use crate::events::Event::{self, Asks, Done, In, Leaves, Lost, Out, Still, Told};

    fn story(name: &str, events: &[(u64, Event)]) -> Story {
        let mut events = events.to_vec();
        events.push((1000, Done));
        Story { name: name.to_owned(), events, killed: None }
    }

    fn inside(from: u64, to: u64, token: u64) -> Vec<(u64, Event)> {
        let entered = In { token, left: 100 };
        vec![(from - 1, Asks), (from, entered), (to, Leaves), (to + 1, Out)]
    }

    /// What is wrong with these, in a word of each.
    fn wrong(stories: Vec<Story>) -> String {
        check(&History { stories, forgotten: Vec::new() }).1.join("\n")
    }

    #[test]
    fn one_after_the_other_is_right() {
        let (one, two) = ([inside(10, 20, 1), inside(40, 50, 3)].concat(), inside(30, 35, 2));
        assert_eq!(wrong(vec![story("a", &one), story("b", &two)]), "");
    }

    #[test]
    fn two_at_a_time_are_found() {
        let wrong = wrong(vec![story("a", &inside(10, 20, 1)), story("b", &inside(15, 25, 2))]);
        assert!(wrong.contains("two are inside") && wrong.contains("not linearizable"), "{wrong}");
    }

    /// It is stopped after its last word; and when it goes on, it is told. But its guard would have said until
    /// then that it is held.
    #[test]
    fn one_that_would_have_been_told_too_late_is_found() {
        let stopped = [(9, Asks), (10, In { token: 1, left: 100 }), (300, Lost)];
        let next = |from| story("b", &inside(from, from + 10, 2));
        assert!(wrong(vec![story("a", &stopped), next(105)]).contains("two are inside"));
        assert_eq!(wrong(vec![story("a", &stopped), next(115)]), "");
    }

    #[test]
    fn one_that_acts_after_the_next_one_is_in_is_found() {
        let stopped =
            [(9, Asks), (10, In { token: 1, left: 5 }), (300, Still { left: 5 }), (304, Lost)];
        assert!(
            wrong(vec![story("a", &stopped), story("b", &inside(105, 110, 2))])
                .contains("two are inside")
        );
    }

    #[test]
    fn a_token_that_goes_back_is_found() {
        let wrong = wrong(vec![story("a", &inside(10, 20, 2)), story("b", &inside(30, 40, 1))]);
        assert!(wrong.contains("a token went back") && wrong.contains("not linearizable"));
        let wrong = super::tests::wrong(vec![
            story("a", &inside(10, 20, 1)),
            story("b", &inside(30, 40, 1)),
        ]);
        assert!(wrong.contains("one token twice"), "{wrong}");
    }

    #[test]
    fn one_that_is_killed_inside_is_told_of_and_holds_nothing_any_more() {
        let events = vec![(9, Asks), (10, In { token: 1, left: 100 })];
        let killed = || Story { name: "a".to_owned(), events: events.clone(), killed: Some(20) };
        let told = [vec![(21, Asks), (30, Told { token: 1 })], inside(31, 40, 2)[1..].to_vec()];
        assert_eq!(wrong(vec![killed(), story("b", &told.concat())]), "");
        let untold = story("b", &inside(31, 40, 2));
        assert!(wrong(vec![killed(), untold]).contains("of a death nobody was told"));
        let seen = check(&History { stories: vec![killed()], ..History::default() });
        assert_eq!((seen.0.killed_inside, End::Killed), (1, End::Killed));
    }

    #[test]
    fn one_that_left_in_order_is_not_dead() {
        let told = [vec![(29, Asks), (30, Told { token: 1 })], inside(31, 40, 2)[1..].to_vec()];
        let wrong = wrong(vec![story("a", &inside(10, 20, 1)), story("b", &told.concat())]);
        assert!(wrong.contains("was taken for dead"), "{wrong}");
    }

    #[test]
    fn one_that_does_not_come_to_its_end_is_found() {
        let endless = Story { name: "a".to_owned(), events: inside(10, 20, 1), killed: None };
        assert!(wrong(vec![endless]).contains("has not come to its end"));
    }

    /// An engine of one server that was killed meanwhile.
    #[test]
    fn what_an_engine_forgets_by_its_end_is_not_counted() {
        let stories = || vec![story("a", &inside(10, 60, 1)), story("b", &inside(45, 50, 2))];
        let forgotten = vec![(20, 40)];
        assert_eq!(check(&History { stories: stories(), forgotten }).1.join("\n"), "");
        assert!(wrong(stories()).contains("two are inside"));
    }
}
