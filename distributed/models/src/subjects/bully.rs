//! The bully: one leads as long as nothing is late; no two by the same term whatever is lost, doubled or late.

use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::agreement::{self, Claimed, Late, Packet, Subject};
use crate::algorithm::bully::{Bully, Message, Stored};
use crate::algorithm::{Durable, Id, Led};
use crate::elections::{Bounds, Claim, Notice, SMALLER, TWO, model};
use crate::model::Model;
use crate::subjects::{self, slow};
use crate::system::Links;

/// Nodes whose messages come whenever they come, and whose alarms go off at any time.
#[derive(Clone, Copy)]
pub(crate) struct Untimed;

impl Subject for Untimed {
    type Request = Infallible;
    type Answer = Led;
    type Message = Message;
    type Stored = Stored;
    type Node = Bully;
    /// By which terms nodes have led, and who.
    type Seen = BTreeMap<u32, Id>;

    fn begin(&self, me: Id, nodes: Id, stored: Stored) -> Bully {
        Bully::new(me, nodes, stored)
    }

    fn nothing_seen(&self, _: Id) -> Self::Seen {
        BTreeMap::new()
    }

    fn request(&self, _: &Self::Seen, _: Id, _: u8) -> Option<Infallible> {
        None
    }

    fn asks(&self, _: &mut Self::Seen, _: Id, never: Infallible) {
        match never {}
    }

    fn answers(&self, _: &[Bully], seen: &mut Self::Seen, _: Id, led: Led) -> Claimed {
        let Led { by: Some(by), term } = led else { return Ok(()) };
        if *seen.entry(term).or_insert(by) == by {
            Ok(())
        } else {
            Err("two lead by the same term")
        }
    }

    fn dies(&self, _: &mut Self::Seen, _: Id) {}

    fn look(&self, nodes: &[Bully], _: &mut Self::Seen) -> Claimed {
        let is_behind = |node: &Bully| node.led().term > node.stored().term;
        if nodes.iter().any(is_behind) {
            Err("one follows by a term that it does not know")
        } else {
            Ok(())
        }
    }

    fn is_over(&self, _: &[Bully], _: &Packet<Message>) -> bool {
        false
    }

    fn is_answer(&self, _: &Message) -> bool {
        false
    }

    fn end(&self, _: &Bully, _: &Self::Seen, _: Id, _: Option<Id>) -> Option<Infallible> {
        None
    }

    fn is_done(&self, nodes: &[Bully], _: &Self::Seen, dead: Option<Id>) -> bool {
        let living = || (0..).zip(nodes).filter(|(who, _)| Some(*who) != dead);
        let Some((greatest, leader)) = living().last() else { return true };
        leader.led().by == Some(greatest) && living().all(|(_, node)| node.led() == leader.led())
    }
}

pub(crate) fn models() -> Vec<Model> {
    let three = Bounds {
        nodes: 3,
        deaths: 0,
        ends: 0,
        suspicions: 0,
        late: 0,
        links: Links::Exact,
        notice: Notice::Alarms,
        claim: Claim::Order,
    };
    let two = Bounds { nodes: 2, ..three };
    let four = Bounds { nodes: 4, ..three };
    let of = |bounds, fails| {
        model("bully", bounds, fails, |me, nodes, _, before: Option<&Bully>| {
            Bully::new(me, nodes, before.map(Durable::stored).unwrap_or_default())
        })
    };
    let holds = |bounds| of(bounds, None);
    let fails = |bounds, how| of(bounds, Some(how));
    let untimed = |nodes, alarms, deaths| {
        let bounds = agreement::Bounds { nodes, alarms, deaths, forgets: false, late: Late::All };
        subjects::model("bully", "untimed", bounds, None, Untimed)
    };
    vec![
        holds(two),
        holds(three),
        holds(Bounds { deaths: 1, ..two }),
        holds(Bounds { deaths: 2, ..two }),
        holds(Bounds { deaths: 1, ..three }),
        holds(Bounds { ends: 1, ..three }),
        holds(Bounds { ends: 2, ..three }),
        fails(Bounds { late: 2, claim: Claim::One, ..two }, TWO),
        // Whoever led by the greater term has died, and nobody had heard of it before.
        fails(Bounds { deaths: 2, ..three }, SMALLER),
        holds(Bounds { late: 2, claim: Claim::Terms, ..two }),
        holds(Bounds { late: 1, claim: Claim::Terms, ..three }),
        holds(Bounds { late: 1, deaths: 1, claim: Claim::Terms, ..two }),
        holds(Bounds { links: Links::Doubling, ..three }),
        holds(Bounds { links: Links::Losing, claim: Claim::Terms, ..three }),
        holds(Bounds { links: Links::Losing, deaths: 1, claim: Claim::Terms, ..two }),
        untimed(2, &[3, 3], &[]),
        untimed(2, &[3, 2], &[1, 1]),
        untimed(3, &[1, 1, 2], &[]),
        slow(holds(four)),
        slow(holds(Bounds { deaths: 2, claim: Claim::One, ..three })),
        slow(holds(Bounds { deaths: 1, ends: 1, claim: Claim::One, ..three })),
        slow(untimed(3, &[1, 2, 2], &[])),
    ]
}
