//! What is said of a line between machines.

use std::time::{Duration, Instant};

use bakery_distributed::{Competitor, Death, Status, Who};
use tokio::time::sleep;

use crate::between::seat::Queue;
use crate::hold::death;
use crate::message::{self, shown};
use crate::waiting::{Voice, Watch};

/// Says how the wait goes, until it is dropped.
pub async fn tell(watch: Watch<'_>, queue: &Queue) {
    let begin = Instant::now();
    let Some(mut voice) = Voice::of(watch.manner) else { return std::future::pending().await };
    loop {
        sleep(voice.pause()).await;
        // An engine that does not answer has its own error, in time.
        if let Ok(status) = queue.status().await {
            voice.say(&describe(watch.name, &status, begin.elapsed()));
        }
    }
}

/// `deploy: 3rd in line, waiting 2m05s; held by make 41877 on web1 for 14m (token 812)`
fn describe(name: &str, status: &Status, waited: Duration) -> String {
    let waited = message::time(waited);
    let place = place_of(status, &Who::this()).map_or_else(
        || "in line".to_owned(),
        |place| format!("{} in line", message::ordinal(place)),
    );
    let holder = status.holder().map(|holder| format!("; held by {}", who(holder)));
    format!("{name}: {place}, waiting {waited}{}", holder.unwrap_or_default())
}

/// How many are in line up to this process.
pub fn place_of(status: &Status, me: &Who) -> Option<usize> {
    let is_me = |one: &Competitor| one.who.pid == me.pid && one.who.host == me.host;
    status.queue.iter().position(is_me).map(|place| place + 1)
}

/// A holder, for people.
pub fn who(holder: &Competitor) -> String {
    let time = holder.since.map(|_| format!(" for {}", message::time(holder.waiting())));
    let token = (holder.token > 0).then(|| format!(" (token {})", holder.token));
    format!("{}{}{}", named(&holder.who), time.unwrap_or_default(), token.unwrap_or_default())
}

/// `make 41877 on web1`; of another program's entry only what it says.
pub fn named(who: &Who) -> String {
    if who.pid == 0 {
        return shown(&*who.command);
    }
    format!("{} {} on {}", shown(&*who.command), who.pid, shown(&*who.host))
}

/// A death, as the command line tells of one.
pub fn told(death: &Death) -> death::Death {
    let Death { who, token, .. } = death;
    let told = format!("{} left without unlocking, with token {token}", named(who));
    death::Death::told(who.pid, who.command.to_string(), *token, told)
}
