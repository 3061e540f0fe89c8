//! Paxos: one value is decided, and somebody wished it.

use std::collections::BTreeSet;

use crate::agreement::{Bounds, Claimed, Late, Packet, Subject};
use crate::algorithm::paxos::{Decided, Message, Paxos, Stored, Value};
use crate::algorithm::{Durable, Id};
use crate::model::Model;
use crate::subjects::{model, slow};

/// How often each one's program has a wish: again after each death.
#[derive(Clone, Copy)]
pub(crate) struct Wishes(&'static [u8]);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    wished: BTreeSet<Value>,
    decided: Option<Value>,
}

impl Subject for Wishes {
    type Request = Value;
    type Answer = Decided;
    type Message = Message;
    type Stored = Stored;
    type Node = Paxos;
    type Seen = Seen;

    fn begin(&self, me: Id, nodes: Id, stored: Stored) -> Paxos {
        Paxos::new(me, nodes, stored)
    }

    fn nothing_seen(&self, _: Id) -> Seen {
        Seen::default()
    }

    fn request(&self, _: &Seen, who: Id, asked: u8) -> Option<Value> {
        let value = 10 * u64::from(asked + 1) + u64::from(who);
        self.0.get(usize::from(who)).is_some_and(|&wishes| asked < wishes).then_some(value)
    }

    fn asks(&self, seen: &mut Seen, _: Id, wish: Value) {
        seen.wished.insert(wish);
    }

    fn answers(&self, _: &[Paxos], seen: &mut Seen, _: Id, Decided(value): Decided) -> Claimed {
        if !seen.wished.contains(&value) {
            return Err("nobody wished what is decided");
        }
        if *seen.decided.get_or_insert(value) != value {
            return Err("two values are decided");
        }
        Ok(())
    }

    fn dies(&self, _: &mut Seen, _: Id) {}

    fn look(&self, _: &[Paxos], _: &mut Seen) -> Claimed {
        Ok(())
    }

    fn is_over(&self, nodes: &[Paxos], packet: &Packet<Message>) -> bool {
        let &Packet { from, to, message } = packet;
        let [from, to] = [from, to].map(|who| &nodes[usize::from(who)]);
        let promised = to.stored().promised;
        match message {
            Message::Prepare { ballot } => {
                ballot < promised || ballot == promised && from.ballot() != Some(ballot)
            }
            Message::Accept { ballot, .. } => ballot < promised,
            Message::Promise { ballot, .. } | Message::Accepted { ballot } => {
                to.ballot() != Some(ballot)
            }
            // It is for going on sooner.
            Message::Refused { .. } => true,
            Message::Decided { .. } => to.decided().is_some(),
        }
    }

    fn is_answer(&self, message: &Message) -> bool {
        matches!(message, Message::Promise { .. } | Message::Accepted { .. })
    }

    fn end(&self, _: &Paxos, _: &Seen, who: Id, _: Option<Id>) -> Option<Value> {
        Some(90 + u64::from(who))
    }

    fn is_done(&self, nodes: &[Paxos], _: &Seen, dead: Option<Id>) -> bool {
        (0..).zip(nodes).all(|(who, node)| Some(who) == dead || node.decided().is_some())
    }
}

pub(crate) fn models() -> Vec<Model> {
    let three = Bounds { nodes: 3, alarms: &[], deaths: &[], forgets: false, late: Late::Nothing };
    let two = Bounds { nodes: 2, ..three };
    let of = |what, bounds, fails, wishes| model("paxos", what, bounds, fails, Wishes(wishes));
    vec![
        of("1 wish", Bounds { late: Late::All, ..three }, None, &[1]),
        of("2 wishes", Bounds { late: Late::All, ..two }, None, &[1, 1]),
        of("2 wishes", Bounds { late: Late::All, deaths: &[1], ..two }, None, &[2]),
        of("2 wishes", Bounds { alarms: &[1], ..two }, None, &[1, 1]),
        of("2 wishes", three, None, &[1, 0, 1]),
        of("2 wishes", Bounds { late: Late::All, ..three }, None, &[1, 1]),
        of("2 wishes", Bounds { alarms: &[1], late: Late::Answers, ..three }, None, &[1, 1]),
        of("2 wishes", Bounds { deaths: &[1], ..three }, None, &[2]),
        of("2 wishes", Bounds { deaths: &[0, 0, 1], ..three }, None, &[1, 1]),
        of("2 wishes", Bounds { alarms: &[1], ..three }, None, &[1, 1]),
        slow(of("3 wishes", three, None, &[1, 1, 1])),
        of(
            "2 wishes",
            Bounds { deaths: &[0, 0, 1], forgets: true, ..three },
            Some("two values are decided"),
            &[1, 1],
        ),
    ]
}
