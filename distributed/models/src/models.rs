//! What is claimed, within which bounds.

use std::fmt;

use crate::algorithm::{RicartAgrawala, TokenRing, Voting};
use crate::explore::{Violation, explore};
use crate::model::Model;
use crate::system::{Bounds, Links, System};

/// Exclusion, tokens that grow, and that everybody is served, within bounds.
struct Claim {
    source: &'static str,
    bounds: Bounds,
    is_slow: bool,
    fails: Option<&'static str>,
    explore: fn(Bounds) -> Result<usize, Violation>,
}

const SIMPLE: Bounds =
    Bounds { nodes: 2, passages: 1, withdrawals: 0, deaths: 0, links: Links::Exact };

pub(crate) fn all() -> Vec<Model> {
    let mut all = Vec::new();
    all.extend(of("ricart_agrawala", ricart_agrawala));
    all.extend(of("token_ring", token_ring));
    all.extend(of("voting", voting));
    all
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

/// The models of a lock.
pub(crate) fn of(
    source: &'static str,
    explore: fn(Bounds) -> Result<usize, Violation>,
) -> Vec<Model> {
    let claim = |bounds| Claim { source, bounds, is_slow: false, fails: None, explore };
    let three = Bounds { nodes: 3, ..SIMPLE };
    let claims = [
        claim(SIMPLE),
        claim(Bounds { passages: 2, ..SIMPLE }),
        claim(Bounds { passages: 2, withdrawals: 1, ..SIMPLE }),
        claim(Bounds { deaths: 1, ..SIMPLE }),
        claim(three),
        claim(Bounds { withdrawals: 1, ..three }),
        claim(Bounds { deaths: 1, ..three }),
        claim(Bounds { passages: 2, links: Links::Doubling, ..SIMPLE }),
        claim(Bounds { links: Links::Doubling, ..three }),
        claim(Bounds { passages: 2, links: Links::Reordering, ..SIMPLE }),
        Claim {
            fails: Some("a token is not greater than one before"),
            ..claim(Bounds { passages: 2, deaths: 2, ..SIMPLE })
        },
        Claim {
            fails: Some("somebody waits for ever"),
            ..claim(Bounds { links: Links::Losing, ..SIMPLE })
        },
    ];
    claims.map(Claim::model).into()
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
        let Bounds { nodes, passages, withdrawals, deaths, links } = self.bounds;
        write!(f, "{}: {nodes} nodes, {passages} passages", self.source)?;
        if withdrawals > 0 {
            write!(f, ", {withdrawals} withdrawals")?;
        }
        if deaths > 0 {
            write!(f, ", {deaths} deaths")?;
        }
        match links {
            Links::Exact => Ok(()),
            Links::Doubling => write!(f, ", a message doubled"),
            Links::Losing => write!(f, ", a message lost"),
            Links::Reordering => write!(f, ", in any order"),
        }
    }
}
