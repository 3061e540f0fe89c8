//! The bully: the greatest node that is up leads.
//!
//! Hector Garcia-Molina, *Elections in a Distributed Computing System*, IEEE Transactions on Computers 31 (1982).
//!
//! **When a node is dead**, the greatest of the others leads. **While no message is late**, no two lead at once, and
//! the later one leads by the greater term, unless two die while they elect. A message is late
//! if its answer comes when [`Patience::Short`] is over. **When a node is slow or cut off**, or a message is lost, two
//! may lead at once, by different terms: what they lead must take none smaller than the greatest it has seen.
//! Once messages come in time again, all follow the greatest node. One that begins again needs its term.
//!
//! A node that has not heard of a leader for long asks the greater ones whether they are there. If one is, it waits
//! for that one to lead. If none answers in time, it has the smaller ones yield: they follow nobody from then on, and
//! lead no more. When all have yielded but the dead, it leads, and goes on saying so. One that begins takes the lead
//! from a smaller one in this way: hence the name. 3 (N - 1) messages, and N (N - 1) more if all ask at once.

use std::convert::Infallible;

use super::{Algorithm, Durable, Event, Id, Led, Nodes, Patience, next_term};

/// A node of the bully.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bully {
    me: Id,
    nodes: Id,
    stored: Stored,
    role: Role,
}

/// What a node needs to go on after a death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// The greatest that was heard of.
    pub term: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    /// For one that is greater to lead, or for long enough to ask.
    Waiting,
    /// Whether one that is greater is there.
    Asking,
    /// Those have not yielded yet to the greatest term, which is this node's.
    Standing(Nodes),
    Following {
        leader: Id,
        term: u32,
    },
    /// By the greatest term.
    Leading,
}

/// What nodes of the bully send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// To one that is greater: are you there?
    Ask {
        /// The greatest term that the sender has heard of.
        term: u32,
    },
    /// The sender is there.
    Here,
    /// To one that is smaller: yield, the sender is going to lead.
    Stand {
        /// By this term.
        term: u32,
    },
    /// The sender follows nobody, and does not lead.
    Yield {
        /// The receiver's term.
        term: u32,
        /// The greatest term that the sender had heard of before.
        known: u32,
    },
    /// The sender leads.
    Lead {
        /// By this term.
        term: u32,
    },
}

type Output = super::Output<Led, Message>;
type Outputs = Vec<Output>;

impl Bully {
    /// A node that begins, of so many; or goes on, by what it had stored. An alarm comes first, after
    /// [`Patience::Long`].
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn new(me: Id, nodes: Id, stored: Stored) -> Self {
        assert!(nodes <= 64, "{nodes} nodes are more than 64");
        Self { me, nodes, stored, role: Role::Waiting }
    }

    /// Who leads, as far as this node knows, and as its program was told last.
    #[must_use]
    pub fn led(&self) -> Led {
        match self.role {
            Role::Waiting | Role::Asking | Role::Standing(_) => Led::BY_NOBODY,
            Role::Following { leader, term } => Led { by: Some(leader), term },
            Role::Leading => Led { by: Some(self.me), term: self.stored.term },
        }
    }

    fn alarm(&mut self, out: &mut Outputs) {
        match self.role {
            Role::Waiting | Role::Following { .. } => self.ask(out),
            // Whoever has not answered is dead.
            Role::Asking => self.stand(out),
            Role::Standing(_) => self.lead(out),
            Role::Leading => self.tell_all(out),
        }
    }

    fn ask(&mut self, out: &mut Outputs) {
        self.role = Role::Asking;
        let message = Message::Ask { term: self.stored.term };
        out.extend((self.me + 1..self.nodes).map(|to| Output::Send { to, message }));
        out.push(Output::SetAlarm(Patience::Short));
        if self.me + 1 == self.nodes {
            self.stand(out);
        }
    }

    fn stand(&mut self, out: &mut Outputs) {
        let term = next_term(self.stored.term, self.me, self.nodes);
        self.stored.term = term;
        let smaller: Nodes = (0..self.me).collect();
        self.role = Role::Standing(smaller);
        out.extend(smaller.iter().map(|to| Output::Send { to, message: Message::Stand { term } }));
        out.push(Output::SetAlarm(Patience::Short));
        if smaller.is_empty() {
            self.lead(out);
        }
    }

    fn lead(&mut self, out: &mut Outputs) {
        self.role = Role::Leading;
        self.tell_all(out);
    }

    fn tell_all(&self, out: &mut Outputs) {
        let message = Message::Lead { term: self.stored.term };
        let others = Nodes::others(self.nodes, self.me);
        out.extend(others.iter().map(|to| Output::Send { to, message }));
        out.push(Output::SetAlarm(Patience::Short));
    }

    fn wait(&mut self, out: &mut Outputs) {
        self.role = Role::Waiting;
        out.push(Output::SetAlarm(Patience::Long));
    }

    /// A smaller node has heard of this term.
    fn heard(&mut self, term: u32, out: &mut Outputs) {
        if term > self.stored.term {
            self.stored.term = term;
            if matches!(self.role, Role::Standing(_) | Role::Leading) {
                self.stand(out);
            }
        }
    }

    /// A greater one stands.
    fn yield_to(&mut self, to: Id, term: u32, out: &mut Outputs) {
        let known = self.stored.term;
        self.stored.term = known.max(term);
        self.wait(out);
        out.push(Output::Send { to, message: Message::Yield { term, known } });
    }

    fn yielded(&mut self, from: Id, to: u32, known: u32, out: &mut Outputs) {
        self.heard(known, out);
        if let Role::Standing(missing) = &mut self.role
            && to == self.stored.term
        {
            missing.remove(from);
            if missing.is_empty() {
                self.lead(out);
            }
        }
    }

    /// One leads that is greater.
    fn follow(&mut self, leader: Id, term: u32, out: &mut Outputs) {
        // One that does not know the greatest term is going to hear of it.
        if term >= self.stored.term {
            self.stored.term = term;
            self.role = Role::Following { leader, term };
            out.push(Output::SetAlarm(Patience::Long));
        }
    }

    fn came(&mut self, from: Id, message: Message, out: &mut Outputs) {
        match message {
            Message::Ask { term } => {
                out.push(Output::Send { to: from, message: Message::Here });
                self.heard(term, out);
            }
            Message::Here if self.role == Role::Asking => self.wait(out),
            Message::Here => {}
            Message::Stand { term } => self.yield_to(from, term, out),
            Message::Yield { term, known } => self.yielded(from, term, known, out),
            Message::Lead { term } if from > self.me => self.follow(from, term, out),
            Message::Lead { term } => self.heard(term, out),
        }
    }
}

impl Algorithm for Bully {
    type Request = Infallible;
    type Answer = Led;
    type Message = Message;

    fn step(&mut self, event: Event<Infallible, Message>) -> Outputs {
        let before = self.led();
        let mut out = Vec::new();
        match event {
            Event::Asked(never) => match never {},
            Event::Began(_) | Event::Down(_) | Event::Up(_) => {}
            Event::Came { from, message } => self.came(from, message, &mut out),
            Event::Alarm => self.alarm(&mut out),
        }
        let now = self.led();
        if now != before {
            // First: it leads no more before it yields.
            out.insert(0, Output::Answer(now));
        }
        out
    }
}

impl Durable for Bully {
    type Stored = Stored;

    fn stored(&self) -> Stored {
        self.stored
    }
}
