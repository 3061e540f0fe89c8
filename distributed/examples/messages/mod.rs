//! The same without an engine: each process is a node of an algorithm by messages.
//!
//! ```sh
//! cargo run --release --manifest-path distributed/Cargo.toml --all-features --example lines -- \
//!     --algorithm quorum
//! ```

mod node;
mod run;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use bakery_distributed::algorithm::{
    Coordinator, ReplicatedLock, RicartAgrawala, TokenRing, Voting,
};
use bakery_distributed::node::Run;
use lexopt::prelude::*;

use run::{Load, run};

const HELP: &str = "\
Processes add 20 lines each to a shared count, each of them a node of an algorithm by messages.

  --algorithm NAME   the algorithm; `all` for a table over all of them, with 3, 5, and 9 nodes
  --nodes NUMBER     how many, from 1 to 64; 5 if nothing is said
  --unix             over Unix sockets, not TCP";

const ALGORITHMS: [&str; 5] =
    [Coordinator::NAME, RicartAgrawala::NAME, TokenRing::NAME, Voting::NAME, ReplicatedLock::NAME];

/// What the command line asks for, if it is an algorithm.
pub fn play() -> Option<Result<()>> {
    let is_asked = std::env::args().any(|argument| argument.starts_with("--algorithm"));
    is_asked.then(parse)
}

fn parse() -> Result<()> {
    let (mut algorithm, mut nodes, mut is_unix) = (String::new(), 5_u8, false);
    // One of them.
    let (mut me, mut addresses, mut lines, mut directory) = (None, String::new(), 0, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("algorithm") => algorithm = arguments.value()?.string()?,
            Long("nodes") => nodes = arguments.value()?.parse()?,
            Long("unix") => is_unix = true,
            Long("node") => me = Some(arguments.value()?.parse()?),
            Long("addresses") => addresses = arguments.value()?.string()?,
            Long("lines") => lines = arguments.value()?.parse()?,
            Long("directory") => directory = Some(PathBuf::from(arguments.value()?)),
            Long("help") => {
                println!("{HELP}\n\nAlgorithms: {}", ALGORITHMS.join(", "));
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    ensure!((1..=64).contains(&nodes), "from 1 to 64 nodes, not {nodes}");
    if let (Some(me), Some(directory)) = (me, directory) {
        return node::play(&algorithm, me, &addresses, lines, &directory);
    }
    match algorithm.as_str() {
        "all" => table::show(&ALGORITHMS, is_unix),
        name if ALGORITHMS.contains(&name) => {
            let done = run(name, nodes, Load::All, is_unix)?;
            table::show_one(name, nodes, &done)
        }
        name => bail!("no algorithm {name:?}: there are {}, and all", ALGORITHMS.join(", ")),
    }
}
