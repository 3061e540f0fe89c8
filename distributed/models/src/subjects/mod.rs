//! What is agreed on, and what is claimed of it.

pub(crate) mod bully;
pub(crate) mod paxos;
pub(crate) mod raft;
pub(crate) mod register;
pub(crate) mod replicated_lock;
pub(crate) mod ring_election;

use std::fmt::Write;

use crate::agreement::{Bounds, Late, Subject, System, explore};
use crate::model::Model;

pub(crate) fn all() -> Vec<Model> {
    [
        bully::models(),
        ring_election::models(),
        register::models(),
        paxos::models(),
        raft::models(),
        replicated_lock::models(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The model of a subject within bounds.
pub(crate) fn model<S: Subject>(
    name: &str,
    what: &str,
    bounds: Bounds,
    fails: Option<&'static str>,
    subject: S,
) -> Model {
    let Bounds { nodes, alarms, deaths, forgets, late } = bounds;
    let mut name = format!("{name}: {nodes} nodes, {what}");
    for (number, kind) in [(alarms, "alarms"), (deaths, "deaths")] {
        let number: u32 = number.iter().copied().map(u32::from).sum();
        if number > 0 {
            let _ = write!(name, ", {number} {kind}");
        }
    }
    if forgets {
        name.push_str(" that forget");
    }
    name.push_str(match late {
        Late::Nothing => "",
        Late::Answers => ", late answers",
        Late::All => ", late messages",
    });
    let explore = Box::new(move || explore(System { bounds, subject }));
    Model { name, is_slow: false, fails, explore }
}

/// One that takes long.
pub(crate) fn slow(model: Model) -> Model {
    Model { is_slow: true, ..model }
}
