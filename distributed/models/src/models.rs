//! What is claimed of locks, within which bounds.

use std::fmt;

use crate::algorithm::{Coordinator, RicartAgrawala, TokenRing, Voting};
use crate::explore::{Violation, explore};
use crate::model::Model;
use crate::system::{AGAIN, Bounds, EXCLUSION, Links, System, TOKENS};

/// Exclusion, tokens that grow, and that everybody is served, within bounds.
struct Claim {
    source: &'static str,
    bounds: Bounds,
    is_slow: bool,
    fails: Option<&'static str>,
    explore: Explore,
}

type Explore = fn(Bounds) -> Result<usize, Violation>;

const SIMPLE: Bounds = Bounds {
    nodes: 2,
    passages: 1,
    withdrawals: 0,
    deaths: 0,
    ends: 0,
    suspicions: 0,
    links: Links::Exact,
};
const THREE: Bounds = Bounds { nodes: 3, ..SIMPLE };
const DOUBLED: Bounds = Bounds { passages: 2, links: Links::Doubling, ..SIMPLE };
const REORDERED: Bounds = Bounds { passages: 2, links: Links::Reordering, ..SIMPLE };

const WAITS: &str = "somebody waits for ever";

pub(crate) fn all() -> Vec<Model> {
    let mut all = Vec::new();
    all.extend(of("coordinator", |bounds| {
        explore(&System { bounds, begin: |me, nodes, _| Coordinator::new(me, nodes) })
    }));
    all.extend(of("ricart_agrawala", |bounds| {
        explore(&System { bounds, begin: |me, nodes, _| RicartAgrawala::new(me, nodes) })
    }));
    all.extend(of("token_ring", |bounds| explore(&System { bounds, begin: TokenRing::new })));
    all.extend(of("voting", |bounds| {
        explore(&System { bounds, begin: |me, nodes, _| Voting::new(me, nodes) })
    }));
    all
}

/// The models of the lock in this file, or of a mutant of it.
pub(crate) fn of(source: &'static str, explore: Explore) -> Vec<Model> {
    let holds = |bounds| Claim { source, bounds, is_slow: false, fails: None, explore };
    let slow = |bounds| Claim { is_slow: true, ..holds(bounds) };
    let fails = |bounds, how| Claim { fails: Some(how), ..holds(bounds) };
    let mut claims = vec![
        holds(Bounds { nodes: 1, passages: 2, ..SIMPLE }),
        holds(SIMPLE),
        holds(Bounds { passages: 2, ..SIMPLE }),
        holds(Bounds { passages: 2, withdrawals: 1, ..SIMPLE }),
        holds(Bounds { deaths: 1, ..SIMPLE }),
        holds(THREE),
        // All may have forgotten.
        fails(Bounds { passages: 2, deaths: 2, ..SIMPLE }, TOKENS),
        fails(Bounds { links: Links::Losing, ..SIMPLE }, WAITS),
    ];
    claims.extend(match source {
        "coordinator" => vec![
            holds(Bounds { withdrawals: 1, ..THREE }),
            holds(Bounds { deaths: 1, ..THREE }),
            holds(Bounds { ends: 1, ..SIMPLE }),
            holds(Bounds { passages: 2, ends: 1, ..SIMPLE }),
            holds(Bounds { ends: 1, ..THREE }),
            holds(Bounds { ends: 2, ..THREE }),
            holds(Bounds { suspicions: 1, ..SIMPLE }),
            holds(Bounds { suspicions: 1, ..THREE }),
            fails(Bounds { passages: 1, nodes: 3, ..DOUBLED }, EXCLUSION),
            fails(REORDERED, WAITS),
        ],
        "ricart_agrawala" => vec![
            holds(Bounds { withdrawals: 1, ..THREE }),
            holds(Bounds { deaths: 1, ..THREE }),
            // Answers have their requests' numbers in them.
            holds(DOUBLED),
            holds(Bounds { passages: 1, nodes: 3, ..DOUBLED }),
            holds(REORDERED),
        ],
        "token_ring" => vec![
            holds(Bounds { withdrawals: 1, ..THREE }),
            holds(Bounds { deaths: 1, ..THREE }),
            fails(DOUBLED, AGAIN),
            fails(REORDERED, EXCLUSION),
        ],
        // A death among three has more states than can be gone through here.
        "voting" => {
            vec![slow(Bounds { withdrawals: 1, ..THREE }), holds(DOUBLED), fails(REORDERED, WAITS)]
        }
        _ => Vec::new(),
    });
    claims.into_iter().map(Claim::model).collect()
}

impl Claim {
    fn model(self) -> Model {
        let name = self.to_string();
        let Self { bounds, is_slow, fails, explore, .. } = self;
        Model { name, is_slow, fails, explore: Box::new(move || explore(bounds)) }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds { nodes, passages, withdrawals, deaths, ends, suspicions, links } = self.bounds;
        write!(f, "{}: {nodes} nodes, {passages} passages", self.source)?;
        if withdrawals > 0 {
            write!(f, ", {withdrawals} withdrawals")?;
        }
        if deaths > 0 {
            write!(f, ", {deaths} deaths")?;
        }
        if ends > 0 {
            write!(f, ", {ends} deaths for good")?;
        }
        if suspicions > 0 {
            write!(f, ", {suspicions} wrong suspicions")?;
        }
        write!(f, "{links}")
    }
}
