//! Nodes that are read.

use zookeeper_client as zk;

use super::connection::Outcome;
use super::names::Paths;
use crate::Death;
use crate::engine::Me;
use crate::engines::value::{Value, from_value, to_value};

/// The children of a directory; none if it is not there.
pub(super) fn or_none(children: Outcome<Vec<String>>) -> Outcome<Vec<String>> {
    match children {
        Err(zk::Error::NoNode) => Ok(Vec::new()),
        children => children,
    }
}

/// What these nodes have in them, without those that have gone meanwhile.
pub(super) async fn read_all(
    client: &zk::Client,
    paths: Vec<String>,
) -> Outcome<Vec<(String, Vec<u8>, zk::Stat)>> {
    // All are sent before the first one is awaited.
    let read = |path: String| (client.get_data(&path), path);
    let reads: Vec<_> = paths.into_iter().map(read).collect();
    let mut found = Vec::new();
    for (read, path) in reads {
        match read.await {
            Ok((data, stat)) => found.push((path, data, stat)),
            Err(zk::Error::NoNode) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What the record of one that is inside has in it.
pub(super) fn to_record(me: &Me, note: &str) -> String {
    format!("{} {}", me.order.get().copied().unwrap_or_default(), to_value(me, note))
}

/// The records of these places, in the order of their tokens.
pub(super) async fn deaths(
    client: &zk::Client,
    paths: &Paths,
    places: &[&str],
) -> Outcome<Vec<Death>> {
    let records = places.iter().map(|place| paths.record(place)).collect();
    let records = read_all(client, records).await?;
    let death = |(_, data, _): &(_, Vec<u8>, _)| {
        let record = String::from_utf8_lossy(data);
        let (token, value) = record.split_once(' ').unwrap_or(("0", &record));
        let Value { since, who, note, .. } = from_value(value);
        Death { who, note, token: token.parse().unwrap_or(0), since }
    };
    let mut deaths: Vec<_> = records.iter().map(death).collect();
    deaths.sort_by_key(|death| death.token);
    Ok(deaths)
}
