//! The instructions of a path, so that a place on it can be found without stepping all the way.

use std::collections::HashMap;

/// The addresses of a path's instructions.
#[derive(Debug, Default)]
pub(super) struct Route {
    addresses: Vec<u64>,
    /// How often each instruction's address came before.
    passes: Vec<u64>,
    seen: HashMap<u64, u64>,
}

impl Route {
    /// 0 where addresses are not to be had.
    pub(super) fn add(&mut self, address: u64) {
        let seen = self.seen.entry(address).or_default();
        self.addresses.push(address);
        self.passes.push(*seen);
        *seen += 1;
    }

    pub(super) fn length(&self) -> u64 {
        self.addresses.len() as u64
    }

    /// A place that is quickly found, and how far it is from there: an address, how often it is
    /// passed before, and the number of steps that are left.
    pub(super) fn near(&self, steps: u64) -> Option<(u64, u64, u64)> {
        let places = (1..=steps).zip(self.addresses.get(1..)?).zip(self.passes.get(1..)?);
        let (at, address, passes) = places
            .map(|((at, address), passes)| (at, *address, *passes))
            .min_by_key(|(at, _, passes)| 3 * passes + (steps - at))?;
        (address != 0).then_some((address, passes, steps - at))
    }
}
