//! Linearizability of a lock with tokens: whether there is one order of all that was asked for, in which each
//! takes effect between its question and its answer, and which a lock alone could have gone through.
//!
//! The search is Wing and Gong's, with Lowe's memory of where it has been.

use std::collections::HashSet;

use crate::checker::{Acquisition, End};

/// What takes effect at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Gets the lock, with this token: nobody has it, and every token before was smaller.
    Lock(u64),
    /// The one with this token does not have it any more.
    Release(u64),
}

#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub what: What,
    pub asked: u64,
    /// None: it may take effect at any time, or never.
    pub answered: Option<u64>,
}

/// What one acquisition asks for. A lock that is lost is released at some time after its guard has said for
/// the last time that it is held.
pub fn operations(one: &Acquisition) -> [Operation; 2] {
    let lock =
        Operation { what: What::Lock(one.token), asked: one.asked, answered: Some(one.entered) };
    let (asked, answered) = match one.end {
        End::Out(leaves, out) => (leaves.min(one.held_until), Some(out)),
        End::Killed | End::Unknown => (one.held_until, None),
    };
    [lock, Operation { what: What::Release(one.token), asked, answered }]
}

/// Who has the lock, and the last token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Lock {
    holder: Option<u64>,
    last: u64,
}

impl Lock {
    fn after(self, what: What) -> Option<Self> {
        match what {
            What::Lock(token) => (self.holder.is_none() && token > self.last)
                .then_some(Self { holder: Some(token), last: token }),
            What::Release(token) => {
                (self.holder == Some(token)).then_some(Self { holder: None, ..self })
            }
        }
    }
}

/// Stands for a set of operations with others: the sum of each one's number.
fn number(operation: usize) -> u128 {
    let mix = |mut seed: u64| {
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(seed ^ (seed >> 31))
    };
    let seed = (operation as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mix(seed ^ 0x5555) << 64 | mix(seed ^ 0xaaaa)
}

/// Questions and answers in order of time, as a list from which they can be taken out and put back.
struct Line {
    /// The operation, and whether it is its answer.
    items: Vec<(usize, bool)>,
    /// By item, from 1: 0 is before the first.
    next: Vec<usize>,
    before: Vec<usize>,
    /// By operation: where its question and its answer are.
    places: Vec<[usize; 2]>,
}

impl Line {
    fn new(operations: &[Operation]) -> Self {
        let mut items = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            items.push((operation.asked, false, index));
            items.push((operation.answered.unwrap_or(u64::MAX), true, index));
        }
        // Questions first: what meets in a moment overlaps.
        items.sort_unstable();
        let mut places = vec![[0; 2]; operations.len()];
        for (place, (_, is_answer, index)) in (1..).zip(&items) {
            places[*index][usize::from(*is_answer)] = place;
        }
        let end = items.len() + 1;
        Self {
            items: items.into_iter().map(|(_, is_answer, index)| (index, is_answer)).collect(),
            next: (1..=end + 1).collect(),
            before: (0..=end + 1).map(|place: usize| place.saturating_sub(1)).collect(),
            places,
        }
    }

    fn get(&self, place: usize) -> Option<(usize, bool)> {
        self.items.get(place - 1).copied()
    }

    fn take_out(&mut self, operation: usize) {
        for place in self.places[operation] {
            let (before, next) = (self.before[place], self.next[place]);
            self.next[before] = next;
            self.before[next] = before;
        }
    }

    fn put_back(&mut self, operation: usize) {
        for place in self.places[operation].into_iter().rev() {
            let (before, next) = (self.before[place], self.next[place]);
            self.next[before] = place;
            self.before[next] = place;
        }
    }
}

/// Whether there is such an order; if not, up to where one was found.
pub fn check(operations: &[Operation]) -> Result<(), String> {
    let mut line = Line::new(operations);
    let (mut lock, mut done, mut seen) = (Lock::default(), 0_u128, HashSet::new());
    let (mut taken, mut most, mut stuck) = (Vec::new(), 0, None);
    let mut left = operations.iter().filter(|operation| operation.answered.is_some()).count();
    let mut place = line.next[0];
    while left > 0 {
        let (operation, is_answer) = line.get(place).expect("an answer is left");
        if is_answer {
            // This one has to take effect before, and none of those before it can.
            if taken.len() >= most {
                (most, stuck) = (taken.len(), Some(operation));
            }
            let Some((last, before)) = taken.pop() else {
                let stuck = stuck.map(|stuck: usize| operations[stuck]);
                return Err(format!("not linearizable: after {most} there is no way to {stuck:?}"));
            };
            lock = before;
            done = done.wrapping_sub(number(last));
            left += usize::from(operations[last].answered.is_some());
            line.put_back(last);
            place = line.next[line.places[last][0]];
            continue;
        }
        let after = lock.after(operations[operation].what);
        let with = done.wrapping_add(number(operation));
        match after {
            Some(after) if seen.insert((with, after)) => {
                taken.push((operation, lock));
                (lock, done) = (after, with);
                left -= usize::from(operations[operation].answered.is_some());
                line.take_out(operation);
                place = line.next[0];
            }
            _ => place = line.next[place],
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::What::{Lock, Release};
    use super::{Operation, What, check};

    fn is_right(operations: &[(What, u64, u64)]) -> bool {
        let operation = |&(what, asked, answered): &(What, u64, u64)| Operation {
            what,
            asked,
            answered: (answered != 0).then_some(answered),
        };
        check(&operations.iter().map(operation).collect::<Vec<_>>()).is_ok()
    }

    #[test]
    fn what_a_lock_can_do_is_right() {
        assert!(is_right(&[]));
        assert!(is_right(&[(Lock(1), 1, 2), (Release(1), 3, 4), (Lock(2), 5, 6)]));
        // The next one asks early, and is answered before the one before it is.
        assert!(is_right(&[(Lock(1), 1, 2), (Release(1), 3, 9), (Lock(2), 1, 6)]));
        // They overlap all, and were asked for in another order.
        let overlap = [(Lock(2), 1, 9), (Release(1), 1, 9), (Lock(1), 1, 9), (Release(2), 1, 9)];
        assert!(is_right(&overlap));
        // One was lost, some time after 3.
        assert!(is_right(&[(Lock(1), 1, 2), (Release(1), 3, 0), (Lock(2), 1, 6)]));
    }

    #[test]
    fn two_grants_that_overlap_are_wrong() {
        assert!(!is_right(&[(Lock(1), 1, 2), (Release(1), 7, 8), (Lock(2), 3, 4)]));
        assert!(!is_right(&[(Lock(1), 1, 2), (Release(1), 7, 0), (Lock(2), 3, 4)]));
    }

    #[test]
    fn a_token_that_goes_back_is_wrong() {
        assert!(!is_right(&[(Lock(2), 1, 2), (Release(2), 3, 4), (Lock(1), 5, 6)]));
        assert!(!is_right(&[(Lock(1), 1, 2), (Release(1), 3, 4), (Lock(1), 5, 6)]));
    }

    #[test]
    fn a_grant_without_a_release_before_it_is_wrong() {
        assert!(!is_right(&[(Lock(1), 1, 2), (Lock(2), 3, 4)]));
        assert!(!is_right(&[(Release(1), 1, 2)]));
        assert!(!is_right(&[(Lock(1), 1, 2), (Release(1), 3, 4), (Release(1), 5, 6)]));
    }

    /// Long ones, right but for the end.
    #[test]
    fn long_histories_do_not_take_long() {
        let mut long = Vec::new();
        for token in 1..20_000 {
            let at = token * 10;
            // Each asks before the one before it has left; every third one is lost.
            long.push((Lock(token), at.saturating_sub(35), at));
            long.push((Release(token), at + 5, if token % 3 == 0 { 0 } else { at + 25 }));
        }
        assert!(is_right(&long));
        long.push((Lock(7), 300_000, 300_001));
        assert!(!is_right(&long));
    }
}
