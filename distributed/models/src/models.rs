//! What is claimed, within which bounds.

use std::fmt;

use crate::algorithm::{Coordinator, RicartAgrawala, TokenRing, Voting};
use crate::explore::{Violation, explore};
use crate::system::{AGAIN, Bounds, EXCLUSION, Links, System, TOKENS};

/// Exclusion, tokens that grow, and that everybody is served, within bounds.
pub(crate) struct Claim {
    source: &'static str,
    bounds: Bounds,
    /// Run when somebody asks for it.
    pub(crate) is_long: bool,
    /// What is known not to hold.
    fails: Option<&'static str>,
    explore: fn(Bounds) -> Result<usize, Violation>,
}

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

pub(crate) fn all() -> Vec<Claim> {
    let mut all = Vec::new();
    let coordinator = Source { name: "coordinator", explore: coordinator };
    all.extend(coordinator.usual());
    all.extend([
        coordinator.holds(Bounds { ends: 1, ..SIMPLE }),
        coordinator.holds(Bounds { passages: 2, ends: 1, ..SIMPLE }),
        coordinator.holds(Bounds { ends: 1, ..THREE }),
        coordinator.holds(Bounds { ends: 2, ..THREE }),
        coordinator.holds(Bounds { suspicions: 1, ..SIMPLE }),
        coordinator.holds(Bounds { suspicions: 1, ..THREE }),
        coordinator.fails(Bounds { passages: 1, nodes: 3, ..DOUBLED }, EXCLUSION),
        coordinator.fails(REORDERED, WAITS),
    ]);
    let ricart_agrawala = Source { name: "ricart_agrawala", explore: ricart_agrawala };
    all.extend(ricart_agrawala.usual());
    all.extend([
        // Answers have their requests' numbers in them.
        ricart_agrawala.holds(DOUBLED),
        ricart_agrawala.holds(Bounds { passages: 1, nodes: 3, ..DOUBLED }),
        ricart_agrawala.holds(REORDERED),
    ]);
    let token_ring = Source { name: "token_ring", explore: token_ring };
    all.extend(token_ring.usual());
    all.extend([token_ring.fails(DOUBLED, AGAIN), token_ring.fails(REORDERED, AGAIN)]);
    let voting = Source { name: "voting", explore: voting };
    all.extend(voting.usual());
    all.extend([voting.holds(DOUBLED), voting.fails(REORDERED, WAITS)]);
    all
}

fn coordinator(bounds: Bounds) -> Result<usize, Violation> {
    explore(System { bounds, begin: |me, nodes, _| Coordinator::new(me, nodes) })
}

fn ricart_agrawala(bounds: Bounds) -> Result<usize, Violation> {
    explore(System { bounds, begin: |me, nodes, _| RicartAgrawala::new(me, nodes) })
}

fn token_ring(bounds: Bounds) -> Result<usize, Violation> {
    explore(System { bounds, begin: TokenRing::new })
}

fn voting(bounds: Bounds) -> Result<usize, Violation> {
    explore(System { bounds, begin: |me, nodes, _| Voting::new(me, nodes) })
}

/// An algorithm.
#[derive(Clone, Copy)]
struct Source {
    name: &'static str,
    explore: fn(Bounds) -> Result<usize, Violation>,
}

impl Source {
    fn holds(self, bounds: Bounds) -> Claim {
        Claim { source: self.name, bounds, is_long: false, fails: None, explore: self.explore }
    }

    fn fails(self, bounds: Bounds, how: &'static str) -> Claim {
        Claim { fails: Some(how), ..self.holds(bounds) }
    }

    fn long(self, bounds: Bounds) -> Claim {
        Claim { is_long: true, ..self.holds(bounds) }
    }

    /// What is the same for all.
    fn usual(self) -> Vec<Claim> {
        let more = if self.name == "voting" { Self::long } else { Self::holds };
        vec![
            self.holds(SIMPLE),
            self.holds(Bounds { passages: 2, ..SIMPLE }),
            self.holds(Bounds { passages: 2, withdrawals: 1, ..SIMPLE }),
            self.holds(Bounds { deaths: 1, ..SIMPLE }),
            self.holds(THREE),
            more(self, Bounds { withdrawals: 1, ..THREE }),
            more(self, Bounds { deaths: 1, ..THREE }),
            // All may have forgotten.
            self.fails(Bounds { passages: 2, deaths: 2, ..SIMPLE }, TOKENS),
            self.fails(Bounds { links: Links::Losing, ..SIMPLE }, WAITS),
        ]
    }
}

impl Claim {
    pub(crate) fn run(&self) -> Result<String, String> {
        match ((self.explore)(self.bounds), self.fails) {
            (Ok(states), None) => Ok(format!("holds in {states} states")),
            (Err(Violation { claim, .. }), Some(how)) if claim == how => {
                Ok(format!("does not hold, as is known: {claim}"))
            }
            (Ok(_), Some(how)) => Err(format!("holds, but was known not to: {how}")),
            (Err(Violation { claim, steps }), _) => Err(format!("{claim}: {steps:?}")),
        }
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
        match links {
            Links::Exact => Ok(()),
            Links::Doubling => write!(f, ", a message doubled"),
            Links::Losing => write!(f, ", a message lost"),
            Links::Reordering => write!(f, ", in any order"),
        }
    }
}
