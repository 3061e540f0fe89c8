//! One of the processes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bakery_distributed::algorithm::{
    Coordinator, ReplicatedLock, RicartAgrawala, TokenRing, Voting,
};
use bakery_distributed::node::{Config, Exclude, Node, Run};
use rustix::time::{ClockId, clock_gettime};

use crate::start::tell;

/// Adds so many lines once it is told to, and tells of each when it asked and when it was in, in nanoseconds,
/// and its token; and, when its input ends, how many messages it has sent meanwhile.
pub fn play(name: &str, me: u8, addresses: &str, lines: u32, directory: &Path) -> Result<()> {
    match name {
        Coordinator::NAME => add::<Coordinator>(me, addresses, lines, directory),
        RicartAgrawala::NAME => add::<RicartAgrawala>(me, addresses, lines, directory),
        TokenRing::NAME => add::<TokenRing>(me, addresses, lines, directory),
        Voting::NAME => add::<Voting>(me, addresses, lines, directory),
        ReplicatedLock::NAME => add::<ReplicatedLock>(me, addresses, lines, directory),
        _ => bail!("no algorithm {name:?}"),
    }
}

#[tokio::main]
async fn add<A: Exclude>(me: u8, addresses: &str, lines: u32, directory: &Path) -> Result<()> {
    let nodes = addresses.split(',').map(str::parse).collect::<Result<Vec<_>, _>>();
    let nodes = nodes.map_err(anyhow::Error::msg)?;
    let others = nodes.len() - 1;
    let config =
        Config::new(me, 1, nodes).called("lines").journal(directory.join(format!("journal-{me}")));
    let mut node = Node::<A>::start(config).await?;
    let mut status = node.status();
    status.wait_for(|status| status.connected.len() == others).await?;
    // What it takes to meet, and to have a leader or a token, is no part of a section.
    node.lock().await?.unlock().await?;
    tell("ready");
    hear().await?;
    let before = status.borrow().sent;
    let count = directory.join("count");
    let mut last = 0;
    for _ in 0..lines {
        let asked = now();
        let guard = node.lock().await?;
        let entered = now();
        let token = guard.token();
        ensure!(token > last, "a token went back");
        last = token;
        let total: u32 = std::fs::read_to_string(&count)?.parse()?;
        std::fs::write(&count, (total + 1).to_string())?;
        guard.unlock().await?;
        tell(&format!("{} {} {token}", asked.as_nanos(), entered.as_nanos()));
    }
    // The others still need its answers.
    hear().await?;
    tell(&(status.borrow().sent - before).to_string());
    node.stop().await;
    Ok(())
}

/// By a clock that all processes of a machine have in common.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

/// Waits for a line of input, or its end. The node goes on meanwhile.
async fn hear() -> Result<()> {
    let hear = || std::io::stdin().read_line(&mut String::new());
    tokio::task::spawn_blocking(hear).await??;
    Ok(())
}
