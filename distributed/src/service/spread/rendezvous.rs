//! Rendezvous hashing: each name is that server's for which it has the greatest hash. So one that joins takes names
//! from each of the others, and from nobody's more; and of one that leaves only its own go, to each of the others.

use sha2::{Digest as _, Sha256};

/// What a server is known by.
pub(super) type Server = [u8; 32];

/// What a server of this address is known by: the address itself may have a password in it.
pub(super) fn server(url: &str) -> Server {
    Sha256::digest(url).into()
}

/// Which of the servers a name is of; they are not none.
pub(super) fn place(servers: &[Server], name: &str) -> usize {
    let hash = |server: &Server| {
        <[u8; 32]>::from(Sha256::new().chain_update(server).chain_update(name).finalize())
    };
    let hashes = servers.iter().map(hash).enumerate();
    hashes.max_by_key(|(_, hash)| *hash).map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::{Server, place, server};

    const NAMES: usize = 10_000;

    fn servers(names: &[&str]) -> Vec<Server> {
        names.iter().map(|name| server(name)).collect()
    }

    /// How many names go from each of the servers to each.
    fn moves(before: &[&str], after: &[&str]) -> Vec<(String, String, usize)> {
        let mut moves = std::collections::BTreeMap::new();
        let (old, new) = (servers(before), servers(after));
        for number in 0..NAMES {
            let name = format!("name-{number}");
            let (from, to) = (before[place(&old, &name)], after[place(&new, &name)]);
            if from != to {
                *moves.entry((from.to_owned(), to.to_owned())).or_default() += 1;
            }
        }
        moves.into_iter().map(|((from, to), count)| (from, to, count)).collect()
    }

    #[test]
    fn one_that_leaves_moves_its_own_names_only() {
        let moves = moves(&["a", "b", "c", "d"], &["d", "a", "c"]);
        assert!(moves.iter().all(|(from, ..)| from == "b"), "{moves:?}");
        // A third of a quarter to each.
        assert_eq!(moves.len(), 3);
        assert!(moves.iter().all(|(.., count)| (700..970).contains(count)), "{moves:?}");
    }

    #[test]
    fn one_that_joins_takes_its_share_only() {
        let moves = moves(&["a", "b", "c"], &["e", "a", "b", "c"]);
        assert!(moves.iter().all(|(_, to, _)| to == "e"), "{moves:?}");
        assert_eq!(moves.len(), 3);
        assert!(moves.iter().all(|(.., count)| (700..970).contains(count)), "{moves:?}");
    }

    #[test]
    fn the_order_of_the_servers_says_nothing() {
        assert!(moves(&["a", "b", "c"], &["c", "b", "a"]).is_empty());
    }

    /// A change of it would move names without anybody knowing.
    #[test]
    fn names_stay_where_they_were_in_earlier_versions() {
        let servers = servers(&["a", "b", "c"]);
        let places: Vec<_> =
            (0..12).map(|number| place(&servers, &format!("name-{number}"))).collect();
        assert_eq!(places, [0, 2, 1, 1, 0, 1, 1, 0, 0, 0, 2, 0]);
    }
}
