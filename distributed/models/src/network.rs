//! What is on its way between nodes, and what each is to notice of the others' lives.

use std::collections::VecDeque;

use crate::algorithm::Id;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network<M> {
    nodes: Id,
    /// What is on its way, by sender and receiver.
    ways: Vec<VecDeque<Packet<M>>>,
    /// Who has met whom in its present life: what others send to it is lost.
    met: Vec<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Packet<M> {
    Began,
    Down,
    Up,
    Message(M),
}

impl<M: Clone> Network<M> {
    /// All begin, and are going to notice.
    pub(crate) fn new(nodes: Id) -> Self {
        let mut network = Self::without_notices(nodes);
        for (from, to) in network.pairs() {
            network.push(from, to, Packet::Began);
            *network.met(from, to) = false;
        }
        network
    }

    /// All have met, and nobody notices of the others anything but their messages.
    pub(crate) fn without_notices(nodes: Id) -> Self {
        let ways = usize::from(nodes).pow(2);
        Self { nodes, ways: vec![VecDeque::new(); ways], met: vec![true; ways] }
    }

    /// Every sender and receiver.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Id, Id)> + use<M> {
        let nodes = self.nodes;
        (0..nodes)
            .flat_map(move |from| (0..nodes).map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.ways.iter().all(VecDeque::is_empty)
    }

    /// What is on its way from one node to another.
    pub(crate) fn way(&self, from: Id, to: Id) -> &VecDeque<Packet<M>> {
        &self.ways[self.at(from, to)]
    }

    pub(crate) fn way_mut(&mut self, from: Id, to: Id) -> &mut VecDeque<Packet<M>> {
        let at = self.at(from, to);
        &mut self.ways[at]
    }

    /// Whether the second one has met the first.
    pub(crate) fn has_met(&self, who: Id, by: Id) -> bool {
        self.met[self.at(who, by)]
    }

    pub(crate) fn send(&mut self, from: Id, to: Id, message: M) {
        if self.has_met(to, from) {
            self.push(from, to, Packet::Message(message));
        }
    }

    /// The second one notices that the first has begun. What it sends to a life that is over is lost.
    pub(crate) fn meet(&mut self, who: Id, by: Id) {
        let is_over = |packet| matches!(packet, &Packet::Began | &Packet::Down);
        *self.met(who, by) = !self.way(who, by).iter().any(is_over);
    }

    /// A node's life is over: what is on its way to it is lost, and what it had sent is or is not.
    pub(crate) fn ends(&mut self, who: Id, is_lost: bool) {
        for other in (0..self.nodes).filter(|&other| other != who) {
            *self.met(who, other) = false;
            self.way_mut(other, who).clear();
            if is_lost {
                self.way_mut(who, other).clear();
            }
        }
    }

    /// A node that begins another life has met this one.
    pub(crate) fn begins(&mut self, who: Id, other: Id) {
        *self.met(other, who) = true;
    }

    pub(crate) fn push(&mut self, from: Id, to: Id, packet: Packet<M>) {
        self.way_mut(from, to).push_back(packet);
    }

    fn met(&mut self, who: Id, by: Id) -> &mut bool {
        let at = self.at(who, by);
        &mut self.met[at]
    }

    fn at(&self, from: Id, to: Id) -> usize {
        usize::from(from) * usize::from(self.nodes) + usize::from(to)
    }
}
