//! Who keeps a lock by its descriptors: the processes that have one, put together into holders.

use std::collections::HashMap;

use crate::looking::descriptors::Descriptor;
use crate::looking::wrapper::Wrapper;
use crate::looking::{Holder, Keeper, processes};

/// The holders that these descriptors make: one for each tree of processes.
pub fn by_tree(descriptors: &[&Descriptor]) -> Vec<Holder> {
    let parents: HashMap<u32, u32> = descriptors
        .iter()
        .map(|one| one.pid)
        .filter_map(|pid| processes::origin(pid).map(|origin| (pid, origin.parent)))
        .collect();
    let root = |mut pid: u32| {
        // Bounded, as processes may come and go while this looks.
        for _ in 0..descriptors.len() {
            match parents.get(&pid) {
                Some(parent) if parents.contains_key(parent) => pid = *parent,
                _ => break,
            }
        }
        pid
    };
    let mut roots: Vec<u32> = Vec::new();
    let mut trees: HashMap<u32, Vec<&Descriptor>> = HashMap::new();
    for descriptor in descriptors {
        let root = root(descriptor.pid);
        if !roots.contains(&root) {
            roots.push(root);
        }
        trees.entry(root).or_default().push(descriptor);
    }
    roots.iter().map(|root| together(&trees[root])).collect()
}

/// The one holder that these are: they have one description among them. There is at least one.
pub fn together(descriptors: &[&Descriptor]) -> Holder {
    let mut keepers: Vec<Keeper> = Vec::new();
    for Descriptor { pid, number, .. } in descriptors {
        let name = processes::name(*pid).unwrap_or_default();
        keepers.push(Keeper { pid: *pid, descriptor: *number, name });
    }
    let has = |pid| keepers.iter().any(|keeper| keeper.pid == pid);
    let wrapper = keepers.iter().find_map(|keeper| {
        let wrapper = Wrapper::of(keeper.pid)?;
        (!wrapper.words.is_empty()).then_some((keeper.pid, wrapper))
    });
    let mut holder = Holder::default();
    if let Some((pid, wrapper)) = wrapper {
        holder.kept = wrapper.keeps(pid);
        holder.wrapper = Some(pid).filter(|_| holder.kept.is_none());
        holder.command = wrapper.words;
        holder.why = wrapper.why;
        let children = processes::children(pid);
        holder.pid = children.first().copied();
        if let Some(child) = holder.pid {
            holder.command = processes::command_line(child).unwrap_or(holder.command);
        } else {
            // It has not begun yet, or has ended.
            holder.pid = Some(pid);
        }
    } else {
        // The one that the others come from.
        let started = |pid| processes::origin(pid).map(|origin| origin.started);
        let first = keepers
            .iter()
            .filter(|keeper| processes::origin(keeper.pid).is_none_or(|origin| !has(origin.parent)))
            .min_by_key(|keeper| started(keeper.pid));
        if let Some(first) = first.or(keepers.first()) {
            holder.pid = Some(first.pid);
            holder.command =
                processes::command_line(first.pid).unwrap_or_else(|| vec![first.name.clone()]);
        }
    }
    if let Some(pid) = holder.pid {
        holder.since = processes::origin(pid).map(|origin| origin.started);
        holder.token =
            processes::variable(pid, "BAKERY_TOKEN").and_then(|token| token.to_str()?.parse().ok());
    }
    holder.keepers = keepers;
    holder
}
