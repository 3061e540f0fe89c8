//! Locks that are taken in opposite orders: each of some processes has what the next one waits for. What a
//! process has is in the environment that `bakery run` has given it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use bakery_lock::shared::{Competitor, Options, Status};

use crate::held;
use crate::looking::{names, processes};
use crate::message::shown;
use crate::verbs::doctor::Finding;

/// Somebody who waits for one lock while it has another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    has: String,
    waits_for: String,
    pid: u32,
}

/// The circles that there are, or those that this lock is in.
pub fn look(name: Option<&OsStr>) -> Vec<Finding> {
    let Ok(directory) = names::directory() else { return Vec::new() };
    let all = names::in_directory(&directory).into_iter().chain(names::lines_in(&directory));
    let statuses: HashMap<String, Status> =
        all.filter_map(|name| Options::status(&name).ok().map(|status| (name, status))).collect();
    let mut edges = Vec::new();
    for (waits_for, status) in &statuses {
        // The head of a file's line, or of those who wait for all who are together, waits as well.
        for Competitor { pid, .. } in status.queue.iter().chain(&status.holder) {
            let Some(list) = processes::variable(*pid, held::VARIABLE) else { continue };
            for (has, held) in held::all(&list) {
                let Some(has) = has.to_str().filter(|has| has != waits_for).map(str::to_owned)
                else {
                    continue;
                };
                let is_still = match statuses.get(&has) {
                    Some(status) if !held.is_together && held.token != 0 => {
                        status.holder.as_ref().is_some_and(|one| one.token == held.token)
                    }
                    // Whether a file is still locked, or one of many still inside, is not asked.
                    _ => true,
                };
                if is_still {
                    edges.push(Edge { has, waits_for: waits_for.clone(), pid: *pid });
                }
            }
        }
    }
    edges.sort_by_key(|edge| edge.pid);
    let is_about = |circle: &Vec<Edge>| {
        name.is_none_or(|name| circle.iter().any(|edge| OsStr::new(&edge.has) == name))
    };
    circles(&edges).into_iter().filter(is_about).map(|circle| finding(&circle)).collect()
}

/// Each circle once: found from the least pid in it.
fn circles(edges: &[Edge]) -> Vec<Vec<Edge>> {
    let mut found: Vec<Vec<Edge>> = Vec::new();
    for start in edges {
        let mut path = vec![start.clone()];
        walk(edges, &mut path, &mut found);
    }
    found
}

/// Goes on from the end of a path, through greater pids than its first, and each lock once.
fn walk(edges: &[Edge], path: &mut Vec<Edge>, found: &mut Vec<Vec<Edge>>) {
    /// More than these is more than anybody reads.
    const MOST: usize = 20;
    const LONGEST: usize = 8;
    let (first, last) = (path[0].clone(), path[path.len() - 1].clone());
    if last.waits_for == first.has {
        found.push(path.clone());
        return;
    }
    if path.len() == LONGEST || found.len() >= MOST {
        return;
    }
    for next in edges.iter().filter(|edge| edge.has == last.waits_for && edge.pid > first.pid) {
        if path.iter().all(|edge| edge.has != next.has) {
            path.push(next.clone());
            walk(edges, path, found);
            path.pop();
        }
    }
}

fn finding(circle: &[Edge]) -> Finding {
    let each: Vec<_> = circle
        .iter()
        .map(|Edge { has, waits_for, pid }| {
            let (has, waits_for) = (OsString::from(has), OsString::from(waits_for));
            format!("{pid} has {} and waits for {}", shown(has), shown(waits_for))
        })
        .collect();
    let last = circle.iter().map(|edge| edge.pid).max().unwrap_or_default();
    Finding::wrong(
        format!("deadlock: {}", each.join("; ")),
        format!("End one of them: kill {last}; and take the locks in one order everywhere"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(has: &str, waits_for: &str, pid: u32) -> Edge {
        Edge { has: has.to_owned(), waits_for: waits_for.to_owned(), pid }
    }

    #[test]
    fn a_circle_is_found_once_and_a_chain_is_none() {
        let chain = [edge("a", "b", 1), edge("b", "c", 2), edge("a", "c", 3)];
        assert_eq!(circles(&chain), Vec::<Vec<Edge>>::new());
        let three = [edge("a", "b", 1), edge("c", "a", 2), edge("b", "c", 3), edge("x", "a", 4)];
        let found = circles(&three);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].iter().map(|edge| edge.pid).collect::<Vec<_>>(), [1, 3, 2]);
    }
}
