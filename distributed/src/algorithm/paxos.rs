//! Paxos: all decide on one value, once.
//!
//! Leslie Lamport, *The Part-Time Parliament*, ACM Transactions on Computer Systems 16 (1998), and *Paxos Made
//! Simple*, SIGACT News 32 (2001).
//!
//! Each node proposes, accepts and learns. Whoever proposes draws a **ballot** greater than all that it has
//! heard of, and asks all to *promise* that they will accept nothing by a smaller one. With the promise comes
//! what a node has accepted already. Once a majority has promised, the proposer asks all to *accept*: not what
//! it wished, but what was accepted by the greatest ballot of those, if anything was. What a majority has
//! accepted by one ballot is decided: two majorities have a node in common, so every greater ballot finds the
//! value. Two rounds: 4 (N - 1) messages when nobody is in the way, and N - 1 that tell all.
//!
//! **When a node is slow, cut off or dead**, the others go on as long as a majority lives, and decide. Two that
//! go on proposing may stop each other for ever: hence the patience of a time drawn anew. Which value it is
//! never depends on times. Nothing is decided without a majority.
//! A node that begins again needs **what it promised and what it accepted**, stored before it said so: if it
//! forgets, two values may be decided. What is decided it may forget, and is told again.
//! Messages may be lost, doubled and late.

use super::{Algorithm, Durable, Event, Id, Nodes, Patience};

/// The greater one counts.
pub type Ballot = (u64, Id);

/// What is decided on.
pub type Value = u64;

/// What was accepted, by which ballot.
pub type Accepted = Option<(Ballot, Value)>;

/// A node of Paxos.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paxos {
    me: Id,
    nodes: Id,
    stored: Stored,
    /// The greatest ballot that was heard of.
    heard: u64,
    wish: Option<Value>,
    proposal: Proposal,
    decided: Option<Value>,
}

/// What a node needs to go on after a death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Nothing is accepted by a smaller ballot.
    pub promised: Ballot,
    /// What was accepted last.
    pub accepted: Accepted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Proposal {
    None,
    /// Those have promised, and that was accepted by the greatest ballot.
    Preparing {
        ballot: Ballot,
        promises: Nodes,
        accepted: Accepted,
    },
    /// Those have accepted.
    Proposing {
        ballot: Ballot,
        value: Value,
        accepted: Nodes,
    },
}

/// What nodes of Paxos send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// Promise to accept nothing by a smaller ballot.
    Prepare {
        /// Than this.
        ballot: Ballot,
    },
    /// The sender promises.
    Promise {
        /// For which ballot.
        ballot: Ballot,
        /// What it has accepted.
        accepted: Accepted,
    },
    /// Accept this.
    Accept {
        /// By this ballot.
        ballot: Ballot,
        /// What.
        value: Value,
    },
    /// The sender has accepted.
    Accepted {
        /// By this ballot.
        ballot: Ballot,
    },
    /// The ballot was too small.
    Refused {
        /// What the sender has promised.
        promised: Ballot,
    },
    /// It is decided.
    Decided {
        /// What.
        value: Value,
    },
}

/// What the program at a node is told: the value that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decided(pub Value);

type Output = super::Output<Decided, Message>;
type Outputs = Vec<Output>;

impl Paxos {
    /// A node that begins, of so many; or goes on, by what it had stored.
    #[must_use]
    pub fn new(me: Id, nodes: Id, stored: Stored) -> Self {
        let proposal = Proposal::None;
        Self { me, nodes, stored, heard: 0, wish: None, proposal, decided: None }
    }

    /// What is decided, as far as this node has heard.
    #[must_use]
    pub fn decided(&self) -> Option<Value> {
        self.decided
    }

    /// By which ballot this node proposes.
    #[must_use]
    pub fn ballot(&self) -> Option<Ballot> {
        match self.proposal {
            Proposal::None => None,
            Proposal::Preparing { ballot, .. } | Proposal::Proposing { ballot, .. } => Some(ballot),
        }
    }

    fn is_majority(&self, nodes: Nodes) -> bool {
        nodes.len() * 2 > usize::from(self.nodes)
    }

    fn send_all(&self, message: Message, out: &mut Outputs) {
        let others = Nodes::others(self.nodes, self.me);
        out.extend(others.iter().map(|to| Output::Send { to, message }));
    }

    fn came(&mut self, from: Id, message: Message, out: &mut Outputs) {
        if let (Some(value), Message::Prepare { .. } | Message::Accept { .. }) =
            (self.decided, message)
        {
            out.push(Output::Send { to: from, message: Message::Decided { value } });
            return;
        }
        match message {
            Message::Prepare { ballot } => {
                let message = self.prepare(ballot);
                out.push(Output::Send { to: from, message });
            }
            Message::Accept { ballot, value } => {
                let message = self.accept(ballot, value);
                out.push(Output::Send { to: from, message });
            }
            Message::Promise { ballot, accepted } => self.promised(from, ballot, accepted, out),
            Message::Accepted { ballot } => self.accepted(from, ballot, out),
            Message::Refused { promised } => self.heard = self.heard.max(promised.0),
            Message::Decided { value } => self.decide(value, out),
        }
    }
}

/// One that proposes.
impl Paxos {
    fn wish(&mut self, value: Value, out: &mut Outputs) {
        match self.decided {
            Some(value) => out.push(Output::Answer(Decided(value))),
            None if self.wish.is_none() => {
                self.wish = Some(value);
                self.propose(out);
            }
            None => {}
        }
    }

    fn propose(&mut self, out: &mut Outputs) {
        if self.wish.is_none() || self.decided.is_some() {
            return;
        }
        // Greater than what it has promised itself, which is stored: no ballot is drawn twice.
        let ballot = (self.heard.max(self.stored.promised.0) + 1, self.me);
        self.proposal = Proposal::Preparing { ballot, promises: Nodes::NONE, accepted: None };
        self.send_all(Message::Prepare { ballot }, out);
        out.push(Output::SetAlarm(Patience::Long));
        self.prepare(ballot);
        self.promised(self.me, ballot, self.stored.accepted, out);
    }

    fn promised(&mut self, from: Id, to: Ballot, has: Accepted, out: &mut Outputs) {
        let Proposal::Preparing { ballot, promises, accepted } = &mut self.proposal else { return };
        if *ballot != to {
            return;
        }
        promises.insert(from);
        *accepted = (*accepted).max(has);
        let (promises, accepted) = (*promises, *accepted);
        let Some(value) = accepted.map(|(_, value)| value).or(self.wish) else { return };
        if self.is_majority(promises) {
            self.proposal = Proposal::Proposing { ballot: to, value, accepted: Nodes::NONE };
            self.send_all(Message::Accept { ballot: to, value }, out);
            if self.accept(to, value) == (Message::Accepted { ballot: to }) {
                self.accepted(self.me, to, out);
            }
        }
    }

    fn accepted(&mut self, from: Id, by: Ballot, out: &mut Outputs) {
        let Proposal::Proposing { ballot, value, accepted } = &mut self.proposal else { return };
        if *ballot != by {
            return;
        }
        accepted.insert(from);
        let (value, accepted) = (*value, *accepted);
        if self.is_majority(accepted) {
            self.send_all(Message::Decided { value }, out);
            self.decide(value, out);
        }
    }

    fn decide(&mut self, value: Value, out: &mut Outputs) {
        self.proposal = Proposal::None;
        if self.decided.is_none() {
            self.decided = Some(value);
            out.push(Output::Answer(Decided(value)));
        }
    }
}

/// One that accepts.
impl Paxos {
    fn prepare(&mut self, ballot: Ballot) -> Message {
        let Stored { promised, accepted } = self.stored;
        if ballot < promised {
            return Message::Refused { promised };
        }
        self.stored.promised = ballot;
        Message::Promise { ballot, accepted }
    }

    fn accept(&mut self, ballot: Ballot, value: Value) -> Message {
        let promised = self.stored.promised;
        if ballot < promised {
            return Message::Refused { promised };
        }
        // It may have missed the question for the promise.
        self.stored.promised = ballot;
        self.stored.accepted = Some((ballot, value));
        Message::Accepted { ballot }
    }
}

impl Algorithm for Paxos {
    /// To have this decided, unless something else is.
    type Request = Value;
    type Answer = Decided;
    type Message = Message;

    fn step(&mut self, event: Event<Value, Message>) -> Vec<Output> {
        let mut out = Vec::new();
        match event {
            Event::Asked(value) => self.wish(value, &mut out),
            Event::Began(_) | Event::Down(_) | Event::Up(_) => {}
            Event::Came { from, message } => self.came(from, message, &mut out),
            Event::Alarm => self.propose(&mut out),
        }
        out
    }
}

impl Durable for Paxos {
    type Stored = Stored;

    fn stored(&self) -> Stored {
        self.stored
    }
}
