//! The ring's election: the greatest node around the ring leads.
//!
//! Ernest Chang and Rosemary Roberts, *An Improved Algorithm for Decentralized Extrema-Finding in Circular
//! Configurations of Processes*, Communications of the ACM 22 (1979).
//!
//! **When a node is dead**, the others go on around it once they are told, by a greater term. **When one is slow or
//! cut off**, all wait until it is back; or, if it is taken for dead, elect without it, and two may lead at once, by
//! different terms: what they lead must take none smaller than the greatest it has seen. When it is back, all elect
//! again. Terms are not stored: if all begin again at once, they do too. It relies on links that deliver what a
//! node sends to another in order and once, and loses its way without.
//!
//! A node of which the next one is another or has begun stands, and so does one that is told of its leader's
//! death: it sends its number around the ring. A node passes a greater number on, and sends its own instead of a smaller
//! one: so only the greatest comes back. Its node draws a term greater than all of which it was told on
//! the way, and sends around the ring that it is going to lead; when that comes back, it does. 2 N messages if only
//! the greatest stands, and of the order of N squared if all do.
//!
//! In the paper a number is dropped if a greater one has been sent before. Here the greater one is sent again: it
//! may have been lost in a node that died.

use std::convert::Infallible;

use super::{Algorithm, Event, Id, Led, Nodes, next_term};

/// A node of the ring's election.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RingElection {
    me: Id,
    nodes: Id,
    /// Which of its lives this one is, and how often this node has stood in it.
    stood: (u32, u32),
    /// The greatest that was heard of.
    term: u32,
    down: Nodes,
    role: Role,
    led: Led,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    /// It does not stand, or not any more.
    Resting,
    /// Its number is on its way.
    Standing,
    /// Its number has come back: all are being told that it is going to lead.
    Chosen,
}

/// What nodes of the ring's election send to the one after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// Is there a greater one?
    Stand {
        /// Who asks.
        origin: Id,
        /// In which of its lives, and as its so-and-so-many-th time: what comes back from earlier ones is over.
        stood: (u32, u32),
        /// The greatest term that was heard of on the way.
        term: u32,
    },
    /// That node is going to lead.
    Lead {
        /// Who.
        origin: Id,
        /// In which of its lives, and as its so-and-so-many-th time: what comes back from earlier ones is over.
        stood: (u32, u32),
        /// By this term.
        term: u32,
    },
}

type Output = super::Output<Led, Message>;
type Outputs = Vec<Output>;

impl RingElection {
    /// A node that begins, of so many. Each of its lives has another number. It stands once the one after it
    /// has begun.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn new(me: Id, nodes: Id, life: u32) -> Self {
        assert!(nodes <= 64, "{nodes} nodes are more than 64");
        let led = Led { by: (nodes == 1).then_some(me), term: 0 };
        Self { me, nodes, stood: (life, 0), term: 0, down: Nodes::NONE, role: Role::Resting, led }
    }

    /// Who leads, as far as this node knows, and as its program was told last.
    #[must_use]
    pub fn led(&self) -> Led {
        self.led
    }

    /// The greatest term that was heard of.
    #[must_use]
    pub fn term(&self) -> u32 {
        self.term
    }

    /// Nobody needs to lead any more who stands now, for there is a leader by this term, or by a greater one.
    pub fn settle(&mut self, term: u32) {
        self.term = self.term.max(term);
        self.role = Role::Resting;
    }

    fn next(&self) -> Id {
        let after = (self.me + 1..self.nodes).chain(0..self.me);
        after.into_iter().find(|&node| !self.down.contains(node)).unwrap_or(self.me)
    }

    /// Whether this one is before the next one.
    fn skips(&self, node: Id) -> bool {
        let distance = |to: Id| (to + self.nodes - self.me - 1) % self.nodes;
        node != self.me && distance(node) < distance(self.next())
    }

    fn stand(&mut self, out: &mut Outputs) {
        self.role = Role::Standing;
        self.stood.1 += 1;
        let Self { me: origin, stood, term, .. } = *self;
        self.pass_on(Message::Stand { origin, stood, term }, out);
    }

    fn pass_on(&mut self, message: Message, out: &mut Outputs) {
        let to = self.next();
        if to == self.me {
            self.came(message, out);
        } else {
            out.push(Output::Send { to, message });
        }
    }

    fn came_up(&mut self, node: Id, out: &mut Outputs) {
        self.down.remove(node);
        if node == self.next() {
            self.stand(out);
        }
    }

    fn went_down(&mut self, node: Id, out: &mut Outputs) {
        let matters = node == self.next() || self.led.by == Some(node);
        self.down.insert(node);
        if matters {
            self.stand(out);
        }
    }

    fn came(&mut self, message: Message, out: &mut Outputs) {
        match message {
            // Nobody else would keep it from going around for ever; and this node has stood since.
            Message::Stand { origin, .. } | Message::Lead { origin, .. } if self.skips(origin) => {}
            Message::Stand { origin, stood, term } => self.stands(origin, stood, term, out),
            Message::Lead { origin, stood, term } => self.leads(origin, stood, term, out),
        }
    }

    fn stands(&mut self, origin: Id, stood: (u32, u32), term: u32, out: &mut Outputs) {
        self.term = self.term.max(term);
        let Self { me, term, .. } = *self;
        if origin > me {
            self.pass_on(Message::Stand { origin, stood, term }, out);
        } else if origin < me {
            self.stand(out);
        } else if stood == self.stood && self.role == Role::Standing {
            self.role = Role::Chosen;
            self.term = next_term(term, me, self.nodes);
            self.pass_on(Message::Lead { origin, stood, term: self.term }, out);
        }
    }

    fn leads(&mut self, origin: Id, stood: (u32, u32), term: u32, out: &mut Outputs) {
        if origin == self.me && (stood != self.stood || self.role != Role::Chosen) {
            return;
        }
        if term < self.term {
            // The one of the greater term may have died.
            self.stand(out);
            return;
        }
        self.term = term;
        if origin == self.me {
            self.role = Role::Resting;
        }
        let led = Led { by: Some(origin), term };
        if led != self.led {
            self.led = led;
            // First: it leads no more before the other one does.
            out.push(Output::Answer(led));
        }
        if origin != self.me {
            self.pass_on(Message::Lead { origin, stood, term }, out);
        }
    }
}

impl Algorithm for RingElection {
    type Request = Infallible;
    type Answer = Led;
    type Message = Message;

    fn step(&mut self, event: Event<Infallible, Message>) -> Outputs {
        let mut out = Vec::new();
        match event {
            Event::Asked(never) => match never {},
            Event::Began(node) | Event::Up(node) => self.came_up(node, &mut out),
            Event::Down(node) => self.went_down(node, &mut out),
            Event::Came { message, .. } => self.came(message, &mut out),
            Event::Alarm => {}
        }
        out
    }
}
