//! Servers that end and come back.

use anyhow::{Result, ensure};
use bakery_distributed::{Error, connect};
use bakery_servers::Cluster;

use crate::arena::{Arena, options};

pub async fn tokens_grow_through_a_restart(arena: Arena) -> Result<()> {
    let mut cluster = Cluster::start(arena.engine)?;
    let mutex = connect(&cluster.url)?.mutex(arena.name)?.with(options());
    let mut token = 0;
    for _ in 0..2 {
        let mut me = mutex.join().await?;
        for _ in 0..3 {
            let guard = me.lock().await?;
            ensure!(guard.token() > token);
            token = guard.token();
            guard.unlock().await?;
        }
        me.leave().await?;
        cluster.restart()?;
    }
    // One that is inside meanwhile is lost, or still inside; and the next one is after it in any case.
    let mut me = mutex.join().await?;
    let guard = me.lock().await?;
    ensure!(guard.token() > token);
    let token = guard.token();
    cluster.restart()?;
    let is_held = guard.check().await.is_ok();
    ensure!(!(is_held && guard.is_lost()));
    guard.unlock().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    ensure!(guard.token() > token);
    Ok(())
}
