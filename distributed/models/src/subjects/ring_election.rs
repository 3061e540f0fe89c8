//! The ring's election: one leads, at last the greatest that lives.

use crate::algorithm::ring_election::RingElection;
use crate::elections::{Bounds, Claim, Notice, STUCK, TWO, model};
use crate::model::Model;
use crate::subjects::slow;
use crate::system::Links;

pub(crate) fn models() -> Vec<Model> {
    let three = Bounds {
        nodes: 3,
        deaths: 0,
        ends: 0,
        suspicions: 0,
        late: 0,
        links: Links::Exact,
        notice: Notice::Told,
        claim: Claim::Order,
    };
    let two = Bounds { nodes: 2, ..three };
    let four = Bounds { nodes: 4, ..three };
    let of = |bounds, fails| {
        model("ring_election", bounds, fails, |me, nodes, life, _| {
            RingElection::new(me, nodes, life)
        })
    };
    let holds = |bounds| of(bounds, None);
    let fails = |bounds, how| of(bounds, Some(how));
    vec![
        holds(two),
        holds(three),
        holds(four),
        holds(Bounds { deaths: 1, ..two }),
        holds(Bounds { deaths: 1, ..three }),
        holds(Bounds { ends: 1, ..three }),
        holds(Bounds { ends: 2, ..three }),
        holds(Bounds { deaths: 1, ends: 1, ..three }),
        slow(holds(Bounds { ends: 1, ..four })),
        holds(Bounds { suspicions: 1, claim: Claim::Terms, ..two }),
        holds(Bounds { suspicions: 1, claim: Claim::Terms, ..three }),
        fails(Bounds { suspicions: 1, claim: Claim::One, ..three }, TWO),
        holds(Bounds { links: Links::Doubling, ..three }),
        fails(Bounds { links: Links::Losing, ..three }, STUCK),
    ]
}
