//! What a node remembers across its deaths, as records that are written one after the other.

use std::convert::Infallible;

use crate::algorithm::raft::Entry;
use crate::algorithm::replicated_lock::{Command, Stored};
use crate::transport::{Wire, wire};

/// What an algorithm remembers; `()` if it forgets.
pub trait Memory: Clone + Default + Send + 'static {
    /// A change of it.
    type Record: Wire;

    /// Whether there is anything to remember.
    const IS_KEPT: bool;

    /// Makes a change that was written down. `None` if it cannot be one, after those before it.
    fn take(&mut self, record: Self::Record) -> Option<()>;

    /// Becomes this. The changes that lead to it.
    fn become_this(&mut self, now: Self) -> Vec<Self::Record>;
}

impl Memory for () {
    type Record = Infallible;

    const IS_KEPT: bool = false;

    fn take(&mut self, record: Infallible) -> Option<()> {
        match record {}
    }

    fn become_this(&mut self, (): ()) -> Vec<Infallible> {
        Vec::new()
    }
}

impl Wire for Infallible {
    fn write(&self, _: &mut Vec<u8>) {
        match *self {}
    }

    fn read(_: &mut &[u8]) -> Option<Self> {
        None
    }
}

/// A change of what a node of [`ReplicatedLock`](crate::algorithm::ReplicatedLock) remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Its term, and its vote in it.
    Term {
        /// The term.
        term: u64,
        /// Who has the vote.
        vote: Option<u8>,
    },
    /// An entry of the log. None is behind it any more.
    Entry {
        /// From 1.
        index: u64,
        /// The entry.
        entry: Entry<Command>,
    },
    /// How often the node has asked to go in.
    Asked {
        /// So often.
        asked: u64,
    },
}

wire!(enum Record {
    0 = Term { term, vote },
    1 = Entry { index, entry },
    2 = Asked { asked },
});

impl Memory for Stored {
    type Record = Record;

    const IS_KEPT: bool = true;

    fn take(&mut self, record: Record) -> Option<()> {
        match record {
            Record::Term { term, vote } => (self.raft.term, self.raft.vote) = (term, vote),
            Record::Entry { index, entry } => {
                let before = usize::try_from(index.checked_sub(1)?).ok()?;
                (before <= self.raft.log.len()).then_some(())?;
                self.raft.log.truncate(before);
                self.raft.log.push(entry);
            }
            Record::Asked { asked } => self.asked = asked,
        }
        Some(())
    }

    fn become_this(&mut self, now: Self) -> Vec<Record> {
        let mut records = Vec::new();
        let (old, new) = (&self.raft, &now.raft);
        if (old.term, old.vote) != (new.term, new.vote) {
            records.push(Record::Term { term: new.term, vote: new.vote });
        }
        // Where two logs have an entry of one term, they are the same up to it: so it is looked for from behind.
        // A log gets shorter only to be appended to.
        let mut same = old.log.len().min(new.log.len());
        while same > 0 && old.log[same - 1] != new.log[same - 1] {
            same -= 1;
        }
        let entries = (1..).zip(&new.log).skip(same);
        records.extend(entries.map(|(index, &entry)| Record::Entry { index, entry }));
        if self.asked != now.asked {
            records.push(Record::Asked { asked: now.asked });
        }
        *self = now;
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: u64, asked: u64) -> Entry<Command> {
        Entry { term, command: Some(Command::Enter { who: 1, asked }) }
    }

    /// Some states of one node, as its log grows and gets shorter.
    fn states() -> Vec<Stored> {
        let logs = [
            vec![],
            vec![entry(1, 1)],
            vec![entry(1, 1), entry(1, 2), entry(1, 3)],
            vec![entry(1, 1), entry(2, 4)],
            vec![entry(1, 1), entry(2, 4), entry(2, 5)],
            vec![entry(3, 6)],
        ];
        let state = |(number, log): (u64, Vec<_>)| {
            let mut stored = Stored { asked: number / 2, ..Stored::default() };
            (stored.raft.term, stored.raft.log) = (3 + number / 3, log);
            stored.raft.vote = number.is_multiple_of(2).then_some(2);
            stored
        };
        (0..).zip(logs).map(state).collect()
    }

    #[test]
    fn records_lead_to_each_state() {
        let (mut memory, mut again) = (Stored::default(), Stored::default());
        for state in states() {
            for record in memory.become_this(state.clone()) {
                again.take(record).unwrap();
            }
            assert_eq!(again, state);
            assert!(memory.become_this(state).is_empty());
        }
    }

    #[test]
    fn a_record_that_leaves_entries_out_is_none() {
        let mut memory = Stored::default();
        for index in [0, 2, u64::MAX] {
            assert_eq!(memory.take(Record::Entry { index, entry: entry(1, 1) }), None);
        }
    }
}
