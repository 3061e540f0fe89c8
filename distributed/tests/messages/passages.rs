//! Everybody is served, one at a time, with tokens that grow.

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;

use crate::cluster::Cluster;

fn pass(cluster: Cluster) -> Result<()> {
    let number = cluster.finish(20)?;
    ensure!(number == 100, "{number} passages");
    Ok(())
}

pub fn five_processes_pass_100_times_over_tcp<A: Run>() -> Result<()> {
    pass(Cluster::over_tcp::<A>(5)?)
}

pub fn five_processes_pass_100_times_over_unix_sockets<A: Run>() -> Result<()> {
    pass(Cluster::over_unix_sockets::<A>(5)?)
}
