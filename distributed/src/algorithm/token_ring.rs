//! The token ring: whoever has the token may go in, and passes it on.
//!
//! Gérard Le Lann, *Distributed Systems: Towards a Formal Approach*, IFIP Congress 1977; who makes a new token
//! is elected as in Ernest Chang and Rosemary Roberts, *An Improved Algorithm for Decentralized
//! Extrema-Finding in Circular Configurations of Processes*, Communications of the ACM 22 (1979).
//!
//! The token goes around the ring, from each node to the one after it. A node that wants to go in keeps it,
//! and passes it on when it leaves: so each of the others may go in once before it does again.
//!
//! **When a node is slow, cut off or dead**, the token stops there, and everybody waits until it is back. If
//! it has forgotten the token, there is a new one: the nodes before and behind one that begins stand for
//! [election](super::RingElection), which the token stops. If nobody has the token, one node leads, by a term of
//! which all have been told, and makes a new one: the term is its generation.

use std::convert::Infallible;

use super::ring_election::{self, RingElection};
use super::{Algorithm, Entered, Event, Id, Led, Lock};

/// A node of the token ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenRing {
    me: Id,
    nodes: Id,
    wants: bool,
    /// How often the token was used in its generation, if it is here.
    token: Option<u32>,
    /// Of who makes a new one.
    election: RingElection,
}

/// What nodes of the token ring send to the one after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The token.
    Token {
        /// The term of who made it.
        generation: u32,
        /// How often this one was used.
        uses: u32,
    },
    /// Who makes a new one?
    Election(ring_election::Message),
}

type Output = super::Output<Entered, Message>;

impl TokenRing {
    /// A node that begins, of so many. Each of its lives has another number.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn new(me: Id, nodes: Id, life: u32) -> Self {
        // There is nobody else who could have it.
        let token = (nodes == 1).then_some(0);
        Self { me, nodes, wants: false, token, election: RingElection::new(me, nodes, life) }
    }

    fn send(&self, message: Message) -> Output {
        Output::Send { to: (self.me + 1) % self.nodes, message }
    }

    /// Uses the token, or passes it on.
    fn take(&mut self, generation: u32, uses: u32) -> Output {
        // Another node may have begun to make one meanwhile.
        let uses = if generation < self.election.term() { 0 } else { uses };
        self.election.settle(generation);
        if self.wants {
            return self.go_in(uses);
        }
        self.token = None;
        self.send(Message::Token { generation: self.election.term(), uses })
    }

    fn go_in(&mut self, uses: u32) -> Output {
        let uses = uses + 1;
        self.token = Some(uses);
        let token = u64::from(self.election.term()) << 32 | u64::from(uses);
        Output::Answer(Entered { token })
    }

    fn enter(&mut self) -> Option<Output> {
        let wanted = std::mem::replace(&mut self.wants, true);
        self.token.filter(|_| !wanted).map(|uses| self.go_in(uses))
    }

    fn leave(&mut self) -> Option<Output> {
        self.wants = false;
        let uses = self.token.filter(|_| self.nodes > 1)?;
        Some(self.take(self.election.term(), uses))
    }

    /// Nobody is elected where the token is.
    fn elect(&mut self, event: Event<Infallible, ring_election::Message>) -> Option<Output> {
        if self.token.is_some() {
            return None;
        }
        let outputs = self.election.step(event);
        outputs.into_iter().find_map(|output| match output {
            super::Output::Send { message, .. } => Some(self.send(Message::Election(message))),
            super::Output::Answer(Led { by: Some(me), term }) if me == self.me => {
                Some(self.take(term, 0))
            }
            super::Output::Answer(_) | super::Output::SetAlarm(_) => None,
        })
    }
}

impl Algorithm for TokenRing {
    type Request = Lock;
    type Answer = Entered;
    type Message = Message;

    fn step(&mut self, event: Event<Lock, Message>) -> Vec<Output> {
        let output = match event {
            Event::Asked(Lock::Enter) => self.enter(),
            Event::Asked(Lock::Leave) => self.leave(),
            Event::Began(node) => self.elect(Event::Began(node)),
            // The ring is the same whoever is taken for dead: so there is one token.
            Event::Down(_) | Event::Up(_) | Event::Alarm => None,
            Event::Came { message: Message::Token { generation, uses }, .. } => {
                Some(self.take(generation, uses))
            }
            Event::Came { from, message: Message::Election(message) } => {
                self.elect(Event::Came { from, message })
            }
        };
        output.into_iter().collect()
    }
}
