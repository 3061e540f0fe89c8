//! Ricart and Agrawala's algorithm: the bakery by messages.
//!
//! Glenn Ricart and Ashok K. Agrawala, *An Optimal Algorithm for Mutual Exclusion in Computer Networks*,
//! Communications of the ACM 24 (1981).
//!
//! Whoever wants to go in draws a number greater than all that it has heard of, tells everybody, and goes in
//! once everybody has agreed. A node agrees at once, unless it is inside, or wants to go in by a smaller
//! number: then it agrees when it leaves. That is Lamport's bakery: the request is the number that is
//! written for all to read, agreeing is "your number is the smaller one", and of two equal numbers the lower
//! node's comes first. The number is his logical time (*Time, Clocks, and the Ordering of Events in a
//! Distributed System*, 1978).
//!
//! **When a node is slow, cut off or dead**, nobody gets in who asked after it did: each waits for all. One
//! that begins again asks nothing before everybody has told it the time, so it draws no number that was
//! drawn before. If all begin again at once, the numbers do too.

use super::{Algorithm, Entered, Event, Id, Lock, Nodes};

/// A node of Ricart and Agrawala's algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RicartAgrawala {
    me: Id,
    nodes: Id,
    /// The greatest number that was heard of.
    clock: u64,
    /// Who has not told the time yet since this node began.
    untold: Nodes,
    want: Want,
    /// Who waits for this node to leave, and with which number.
    deferred: Vec<Option<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Want {
    Nothing,
    /// To ask as soon as the time is known.
    ToAsk,
    /// To go in, by this number, once those have agreed.
    ToEnter {
        number: u64,
        missing: Nodes,
    },
    /// To leave.
    ToLeave,
}

/// What nodes of Ricart and Agrawala's algorithm send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// To one that has begun: the time, and the number by which the sender waits for it.
    Welcome {
        /// The greatest number that the sender has heard of.
        clock: u64,
        /// The sender's request, if it lacks the receiver's agreement.
        request: Option<u64>,
    },
    /// The sender wants to go in.
    Request {
        /// Its number.
        number: u64,
    },
    /// The sender agrees.
    Agreed {
        /// The number that was agreed to: an answer to an older request is none to this one.
        number: u64,
    },
}

type Output = super::Output<Entered, Message>;

impl RicartAgrawala {
    /// A node that begins, of so many.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn new(me: Id, nodes: Id) -> Self {
        Self {
            me,
            nodes,
            clock: 0,
            untold: Nodes::others(nodes, me),
            want: Want::Nothing,
            deferred: vec![None; nodes.into()],
        }
    }

    fn others(&self) -> Nodes {
        Nodes::others(self.nodes, self.me)
    }

    fn ask(&mut self) -> Vec<Output> {
        if !self.untold.is_empty() {
            self.want = Want::ToAsk;
            return Vec::new();
        }
        self.clock += 1;
        let number = self.clock;
        self.want = Want::ToEnter { number, missing: self.others() };
        let message = Message::Request { number };
        let mut asked: Vec<_> =
            self.others().iter().map(|to| Output::Send { to, message }).collect();
        asked.extend(self.go_in());
        asked
    }

    /// Goes in if nobody's agreement is missing.
    fn go_in(&mut self) -> Option<Output> {
        let Want::ToEnter { number, missing } = self.want else { return None };
        if !missing.is_empty() {
            return None;
        }
        self.want = Want::ToLeave;
        let token = number * u64::from(self.nodes) + u64::from(self.me);
        Some(Output::Answer(Entered { token }))
    }

    fn leave(&mut self) -> Vec<Output> {
        self.want = Want::Nothing;
        let waiting =
            (0..).zip(&mut self.deferred).filter_map(|(to, number)| Some((to, number.take()?)));
        waiting
            .map(|(to, number)| Output::Send { to, message: Message::Agreed { number } })
            .collect()
    }

    fn welcome(&mut self, to: Id) -> Output {
        // What it asked for it has forgotten.
        self.deferred[usize::from(to)] = None;
        let request = match self.want {
            Want::ToEnter { number, missing } if missing.contains(to) => Some(number),
            _ => None,
        };
        Output::Send { to, message: Message::Welcome { clock: self.clock, request } }
    }

    fn asked(&mut self, from: Id, number: u64) -> Option<Output> {
        self.clock = self.clock.max(number);
        let is_first = match self.want {
            Want::Nothing | Want::ToAsk => false,
            Want::ToEnter { number: mine, .. } => (mine, self.me) < (number, from),
            Want::ToLeave => true,
        };
        if is_first {
            self.deferred[usize::from(from)] = Some(number);
            return None;
        }
        Some(Output::Send { to: from, message: Message::Agreed { number } })
    }

    fn told(&mut self, from: Id, clock: u64) -> Vec<Output> {
        self.clock = self.clock.max(clock);
        self.untold.remove(from);
        if self.want == Want::ToAsk { self.ask() } else { Vec::new() }
    }

    fn agreed(&mut self, from: Id, to: u64) -> Option<Output> {
        if let Want::ToEnter { number, missing } = &mut self.want
            && *number == to
        {
            missing.remove(from);
        }
        self.go_in()
    }
}

impl Algorithm for RicartAgrawala {
    type Request = Lock;
    type Answer = Entered;
    type Message = Message;

    fn step(&mut self, event: Event<Lock, Message>) -> Vec<Output> {
        match event {
            Event::Asked(Lock::Enter) if self.want == Want::Nothing => self.ask(),
            Event::Asked(Lock::Enter) | Event::Down(_) | Event::Up(_) | Event::Alarm => Vec::new(),
            Event::Asked(Lock::Leave) => self.leave(),
            Event::Began(node) => vec![self.welcome(node)],
            Event::Came { from, message: Message::Welcome { clock, request } } => {
                let mut outputs = self.told(from, clock);
                outputs.extend(request.and_then(|number| self.asked(from, number)));
                outputs
            }
            Event::Came { from, message: Message::Request { number } } => {
                self.asked(from, number).into_iter().collect()
            }
            Event::Came { from, message: Message::Agreed { number } } => {
                self.agreed(from, number).into_iter().collect()
            }
        }
    }
}
