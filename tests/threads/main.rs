//! Locks between threads, with real threads, as far as a user of the public interface may rely on
//! them.
#![cfg(all(feature = "std", feature = "lock_api", not(bakery_lock_no_rmw)))]

#[macro_use]
mod every;
mod support;

mod announcements;
mod astray;
mod bypass;
mod canary;
mod capacity;
mod deadlines;
mod doorway;
mod ends;
mod exclusion;
mod leaks;
mod line;
mod numbers;
mod owned;
mod panics;
mod plain_names;
mod predecessor;
mod queue;
mod recovery;
mod registers;
mod shape;
mod standings;
mod storms;
mod waking;
mod words;
mod wrap;
