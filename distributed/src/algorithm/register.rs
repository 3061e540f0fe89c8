//! A register that a majority keeps: Attiya, Bar-Noy and Dolev's.
//!
//! Hagit Attiya, Amotz Bar-Noy, Danny Dolev, *Sharing Memory Robustly in Message-Passing Systems*, Journal of
//! the ACM 42 (1995). With more than one writer: Nancy Lynch and Alexander Shvartsman, *Robust Emulation of
//! Shared Memory Using Dynamic Quorum-Acknowledged Broadcasts*, FTCS 1997. Quorums of other sizes: Gifford
//! (see [voting](super::Voting)).
//!
//! Each node keeps a copy, with a stamp: a number, and whose it is. Whoever reads asks all, takes the copy
//! with the greatest stamp of the first R, and **writes it back** to W before it says what it has read: or
//! somebody who reads later could still see an older value. Whoever writes asks as well, and writes by a
//! greater stamp. If R + W > N, what is written and what is read later have a node in common. Reads and
//! writes are then linearizable: each takes effect at one moment between when it is asked for and when it is
//! answered. 4 (N - 1) messages for each.
//!
//! It is not for exclusion by itself: there is no "write if nobody else has" ([Paxos](super::Paxos) is).
//!
//! **When a node is slow, cut off or dead**, the others go on as long as max(R, W) of them are left; a minority
//! reads and writes nothing, and waits. What was being written by a node that died has taken effect or will,
//! or never. A node that begins again needs what it has stored: its copy counts among those W.
//! Messages may be lost, doubled and late.

use super::{Algorithm, Durable, Event, Id, Nodes, Patience};

/// The greater one is later.
pub type Stamp = (u64, Id);

/// What a register holds.
pub type Value = u64;

/// A node of a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    me: Id,
    nodes: Id,
    reads: usize,
    writes: usize,
    stored: Stored,
    phase: Phase,
}

/// What a node needs to go on after a death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// How late the copy is.
    pub stamp: Stamp,
    /// The copy.
    pub value: Value,
    /// How often this node has asked, to read or to write: an answer to what it asked in an earlier life is
    /// none.
    pub asked: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    /// Those have said what they hold, and that is the latest.
    Asking {
        request: Request,
        from: Nodes,
        stamp: Stamp,
        value: Value,
    },
    /// Those hold this.
    Writing {
        answer: Answer,
        to: Nodes,
        stamp: Stamp,
        value: Value,
    },
}

/// What the program at a node of a register asks for: one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To read.
    Read,
    /// To write this.
    Write(Value),
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The register holds this.
    Read(Value),
    /// It is written.
    Written,
}

/// What nodes of a register send each other. Each is about what a node asked for as its so-and-so-many-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// What do you hold?
    Ask {
        /// The sender's.
        asked: u64,
    },
    /// The sender holds this.
    Hold {
        /// The receiver's.
        asked: u64,
        /// How late it is.
        stamp: Stamp,
        /// What it is.
        value: Value,
    },
    /// Hold this, unless you hold something later.
    Write {
        /// The sender's.
        asked: u64,
        /// How late it is.
        stamp: Stamp,
        /// What it is.
        value: Value,
    },
    /// The sender holds it, or something later.
    Written {
        /// The receiver's.
        asked: u64,
    },
}

type Output = super::Output<Answer, Message>;
type Outputs = Vec<Output>;

impl Register {
    /// A node that begins, of so many; or goes on, by what it had stored. It asks `reads` nodes and writes to
    /// `writes`: a majority each, or any numbers of which the sum is greater than `nodes`.
    #[must_use]
    pub fn new(me: Id, nodes: Id, reads: usize, writes: usize, stored: Stored) -> Self {
        Self { me, nodes, reads, writes, stored, phase: Phase::Idle }
    }

    fn send_all(&self, message: Message, out: &mut Outputs) {
        let others = Nodes::others(self.nodes, self.me);
        out.extend(others.iter().map(|to| Output::Send { to, message }));
        out.push(Output::SetAlarm(Patience::Short));
    }

    /// Says what this node wants, to those who may not have heard it.
    fn say(&self, out: &mut Outputs) {
        let asked = self.stored.asked;
        match self.phase {
            Phase::Idle => {}
            Phase::Asking { .. } => self.send_all(Message::Ask { asked }, out),
            Phase::Writing { stamp, value, .. } => {
                self.send_all(Message::Write { asked, stamp, value }, out);
            }
        }
    }

    fn ask(&mut self, request: Request, out: &mut Outputs) {
        self.stored.asked += 1;
        let Stored { stamp, value, asked } = self.stored;
        self.phase = Phase::Asking { request, from: Nodes::NONE, stamp, value };
        self.say(out);
        self.held(self.me, asked, stamp, value, out);
    }

    fn held(&mut self, node: Id, asked: u64, held: Stamp, it: Value, out: &mut Outputs) {
        let Phase::Asking { request, from, stamp, value } = &mut self.phase else { return };
        if asked != self.stored.asked {
            return;
        }
        from.insert(node);
        if held > *stamp {
            (*stamp, *value) = (held, it);
        }
        if from.len() < self.reads {
            return;
        }
        let (answer, stamp, value) = match *request {
            Request::Read => (Answer::Read(*value), *stamp, *value),
            Request::Write(new) => (Answer::Written, (stamp.0 + 1, self.me), new),
        };
        // By its own copy a node knows its stamps: it never gives one twice.
        self.hold(stamp, value);
        self.stored.asked += 1;
        self.phase = Phase::Writing { answer, to: Nodes::NONE, stamp, value };
        self.say(out);
        self.written(self.me, self.stored.asked, out);
    }

    fn hold(&mut self, stamp: Stamp, value: Value) {
        if stamp > self.stored.stamp {
            self.stored.stamp = stamp;
            self.stored.value = value;
        }
    }

    fn written(&mut self, node: Id, asked: u64, out: &mut Outputs) {
        let Phase::Writing { answer, to, .. } = &mut self.phase else { return };
        if asked != self.stored.asked {
            return;
        }
        to.insert(node);
        if to.len() >= self.writes {
            out.push(Output::Answer(*answer));
            self.phase = Phase::Idle;
        }
    }

    fn came(&mut self, from: Id, message: Message, out: &mut Outputs) {
        match message {
            Message::Ask { asked } => {
                let Stored { stamp, value, .. } = self.stored;
                let message = Message::Hold { asked, stamp, value };
                out.push(Output::Send { to: from, message });
            }
            Message::Hold { asked, stamp, value } => self.held(from, asked, stamp, value, out),
            Message::Write { asked, stamp, value } => {
                self.hold(stamp, value);
                out.push(Output::Send { to: from, message: Message::Written { asked } });
            }
            Message::Written { asked } => self.written(from, asked, out),
        }
    }
}

impl Algorithm for Register {
    type Request = Request;
    type Answer = Answer;
    type Message = Message;

    fn step(&mut self, event: Event<Request, Message>) -> Vec<Output> {
        let mut out = Vec::new();
        match event {
            Event::Asked(request) if self.phase == Phase::Idle => self.ask(request, &mut out),
            Event::Asked(_) | Event::Began(_) | Event::Down(_) | Event::Up(_) => {}
            Event::Came { from, message } => self.came(from, message, &mut out),
            Event::Alarm => self.say(&mut out),
        }
        out
    }
}

impl Durable for Register {
    type Stored = Stored;

    fn stored(&self) -> Stored {
        self.stored
    }
}
