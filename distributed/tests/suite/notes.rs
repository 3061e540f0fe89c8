//! What competitors say of themselves.

use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Result, bail, ensure};
use bakery_distributed::engine::{Me, Patience, Session, Turn};
use bakery_distributed::{Mode, Who};

use crate::arena::{Arena, LIMIT};

fn attempt(arena: &Arena, attempt: u64) -> Me {
    Me {
        line: arena.name.into(),
        attempt,
        mode: Mode::Exclusive,
        is_recorded: true,
        who: Who::this(),
        note: "".into(),
        since: SystemTime::now(),
        order: OnceLock::new(),
    }
}

/// How many have died.
async fn go_in(session: &dyn Session, me: &Me) -> Result<usize> {
    let mut turn = session.enter(me, Patience::Endless).await?;
    loop {
        match turn {
            Turn::Mine { deaths, .. } => return Ok(deaths.len()),
            Turn::Blocked(before) => session.wait(me, &before).await?,
            Turn::Out => bail!("its place is gone"),
        }
        turn = session.poll(me).await?;
    }
}

pub async fn only_whoever_is_inside_changes_its_own(arena: Arena) -> Result<()> {
    let engine = arena.client()?.engine();
    let first = engine.open(&Who::this(), LIMIT).await?;
    let one = attempt(&arena, 1);
    go_in(&*first, &one).await?;
    first.say(&one, "first").await?;
    let line = engine.look(arena.name).await?;
    ensure!(line.inside[0].note == "first", "{line:?}");
    // It dies inside.
    first.close().await?;
    let second = engine.open(&Who::this(), LIMIT).await?;
    let two = attempt(&arena, 2);
    ensure!(go_in(&*second, &two).await? == 1);
    second.say(&two, "second").await?;
    let status = arena.wait_for(|status| status.deaths.len() == 1).await?;
    ensure!(status.holders[0].note == "second" && status.deaths[0].note == "first", "{status:?}");
    // Its place is gone: nobody is seen in it, and the dead stay as they were.
    second.leave(&two, false).await?;
    second.say(&two, "third").await?;
    let after = engine.look(arena.name).await?;
    ensure!(after.inside.is_empty() && after.queue.is_empty(), "{after:?}");
    ensure!(after.deaths == status.deaths, "{after:?}");
    let three = attempt(&arena, 3);
    ensure!(go_in(&*second, &three).await? == 1);
    second.leave(&three, true).await?;
    ensure!(engine.look(arena.name).await?.deaths.is_empty());
    Ok(second.close().await?)
}
