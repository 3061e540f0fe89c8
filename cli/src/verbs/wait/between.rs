//! Until a lock between machines is free.

use std::time::Duration;

use bakery_distributed::{Client, Error};
use tokio::select;
use tokio::time::sleep;

use crate::between::{Between, Driver, refused};
use crate::exit::Outcome;

/// How often it looks at what the engine does not tell of.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub fn run(between: &Between, name: &str, time: Option<Duration>, conflict: u8) -> Outcome {
    let driver = Driver::start()?;
    let client = between.client(&driver)?;
    driver
        .wait(async {
            let free = until_free(&client, name);
            match time {
                None => free.await?,
                Some(Duration::ZERO) => {
                    return is_free(&client, name)
                        .await
                        .map(|is_free| if is_free { 0 } else { conflict });
                }
                Some(time) => select! {
                    free = free => free?,
                    () = sleep(time) => return Ok(conflict),
                },
            }
            Ok::<_, Error>(0)
        })
        .map_err(refused)
}

/// Comes back when nobody has it, and nobody is in line.
async fn until_free(client: &Client, name: &str) -> Result<(), Error> {
    // Those in front are told of by the engine as soon as they change; the rest is looked at.
    let mut observer = client.election(name)?.observe();
    while !is_free(client, name).await? {
        select! {
            changed = observer.next() => drop(changed?),
            () = sleep(LOOK_EVERY) => {}
        }
    }
    Ok(())
}

/// One that there is not is free.
async fn is_free(client: &Client, name: &str) -> Result<bool, Error> {
    let status = client.mutex(name)?.status().await?;
    if !status.holders.is_empty() || !status.queue.is_empty() {
        return Ok(false);
    }
    // Of a name that is too long there are no permits.
    match client.semaphore(name, usize::MAX) {
        Ok(permits) => permits.status().await.map(|permits| permits.holders.is_empty()),
        Err(_) => Ok(true),
    }
}
