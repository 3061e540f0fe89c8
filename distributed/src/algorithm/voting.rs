//! Voting: whoever has the votes of a majority goes in.
//!
//! Robert H. Thomas, *A Majority Consensus Approach to Concurrency Control for Multiple Copy Databases*, ACM
//! Transactions on Database Systems 4 (1979); David K. Gifford, *Weighted Voting for Replicated Data*, SOSP
//! 1979. That a vote can be asked back, so that nobody waits in a circle: Mamoru Maekawa, *A √N Algorithm for
//! Mutual Exclusion in Decentralized Systems*, ACM Transactions on Computer Systems 3 (1985), as corrected by
//! Beverly A. Sanders (1987).
//!
//! A node asks all, by a number greater than all that it has heard of. Each has one vote, and gives it to the
//! first who asks; if then somebody asks by a smaller number, it asks the vote back, and whoever is not yet
//! inside gives it. Two majorities have a node in common, which has one vote. No vote is given for a number
//! that is not greater than all by which somebody may have been inside: whoever asked by such a one is told,
//! and asks again. So the number is the token.
//!
//! Majorities, and not Maekawa's √N nodes: they cost more messages, and go on when any minority is down.
//!
//! **When a node is slow, cut off or dead**, the others go on as long as they are a majority, unless it is
//! inside: then everybody waits until it is back. One that begins again gives no vote before all the others
//! have told it whether they have its vote.

use std::collections::BTreeSet;

use super::{Algorithm, Entered, Event, Id, Lock, Nodes};

/// A request: the smaller one comes first.
type Request = (u64, Id);

/// A node that votes: it asks for votes, and has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Voting {
    me: Id,
    nodes: Id,
    /// The greatest number that was heard of.
    clock: u64,
    /// Who has not told yet, since this node began, whether it has this one's vote.
    untold: Nodes,
    want: Want,
    vote: Option<Vote>,
    queue: BTreeSet<Request>,
    /// The greatest request by which somebody may have been inside.
    passed: Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Want {
    Nothing,
    /// To go in, by this number.
    ToEnter {
        number: u64,
        votes: Nodes,
    },
    ToLeave {
        number: u64,
        votes: Nodes,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Vote {
    to: Request,
    is_asked_back: bool,
}

/// What nodes that vote send each other. Each is about the request of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// To one that has begun: the time, and the sender's request, and whether it has the receiver's vote for it.
    Welcome {
        /// The greatest number that the sender has heard of.
        clock: u64,
        /// The greatest request by which somebody may have been inside.
        passed: (u64, Id),
        /// The number of the sender's request, if it has one.
        request: Option<u64>,
        /// Whether it has the receiver's vote.
        has_vote: bool,
    },
    /// The sender wants to go in.
    Request {
        /// Its number.
        number: u64,
    },
    /// The sender gives its vote.
    Vote {
        /// For whom.
        number: u64,
    },
    /// The sender wants its vote back.
    AskBack {
        /// From whom.
        number: u64,
    },
    /// Here it is.
    GiveBack {
        /// From whom.
        number: u64,
    },
    /// The number is too small.
    TooOld {
        /// Which one.
        number: u64,
        /// The greatest number that the sender has heard of.
        clock: u64,
    },
    /// The sender does not want to go in any more.
    Release {
        /// Its number.
        number: u64,
        /// Whether it was inside.
        was_inside: bool,
    },
}

type Output = super::Output<Entered, Message>;
type Outputs = Vec<Output>;

impl Voting {
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
            vote: None,
            queue: BTreeSet::new(),
            passed: (0, 0),
        }
    }

    fn send(&mut self, to: Id, message: Message, out: &mut Outputs) {
        if to == self.me {
            self.came(to, message, out);
        } else {
            out.push(Output::Send { to, message });
        }
    }

    /// This node is the last one: what it does about it comes after what the others are told.
    fn send_all(&mut self, message: Message, out: &mut Outputs) {
        let others = Nodes::others(self.nodes, self.me);
        out.extend(others.iter().map(|to| Output::Send { to, message }));
        self.came(self.me, message, out);
    }

    fn came(&mut self, from: Id, message: Message, out: &mut Outputs) {
        match message {
            Message::Welcome { clock, passed, request, has_vote } => {
                self.told(from, clock, passed);
                self.claimed(from, request, has_vote, out);
            }
            Message::Request { number } => self.asked(from, number, out),
            Message::Vote { number } => self.voted(from, number, out),
            Message::AskBack { number } => self.asked_back(from, number, out),
            Message::GiveBack { number } => self.given_back((number, from), out),
            Message::TooOld { number, clock } => self.too_old(number, clock, out),
            Message::Release { number, was_inside } => {
                self.released((number, from), was_inside, out);
            }
        }
    }
}

/// One that asks.
impl Voting {
    fn ask(&mut self, out: &mut Outputs) {
        self.clock += 1;
        let number = self.clock;
        self.want = Want::ToEnter { number, votes: Nodes::NONE };
        self.send_all(Message::Request { number }, out);
    }

    fn voted(&mut self, from: Id, to: u64, out: &mut Outputs) {
        match &mut self.want {
            Want::ToEnter { number, votes } if *number == to => {
                votes.insert(from);
                if votes.len() * 2 > usize::from(self.nodes) {
                    self.want = Want::ToLeave { number: to, votes: *votes };
                    let token = to * u64::from(self.nodes) + u64::from(self.me);
                    out.push(Output::Answer(Entered { token }));
                }
            }
            Want::ToLeave { number, votes } if *number == to => {
                votes.insert(from);
            }
            _ => {}
        }
    }

    fn asked_back(&mut self, from: Id, vote: u64, out: &mut Outputs) {
        if let Want::ToEnter { number, votes } = &mut self.want
            && *number == vote
            && votes.remove(from)
        {
            self.send(from, Message::GiveBack { number: vote }, out);
        }
    }

    fn too_old(&mut self, which: u64, clock: u64, out: &mut Outputs) {
        self.clock = self.clock.max(clock);
        if matches!(self.want, Want::ToEnter { number, .. } if number == which) {
            self.leave(out);
            self.ask(out);
        }
    }

    fn leave(&mut self, out: &mut Outputs) {
        let (number, was_inside) = match self.want {
            Want::Nothing => return,
            Want::ToEnter { number, .. } => (number, false),
            Want::ToLeave { number, .. } => (number, true),
        };
        self.want = Want::Nothing;
        self.send_all(Message::Release { number, was_inside }, out);
    }

    fn welcome(&self, to: Id) -> Output {
        let (request, has_vote) = match self.want {
            Want::ToEnter { number, votes } => (Some(number), votes.contains(to)),
            Want::ToLeave { number, votes } if votes.contains(to) => (Some(number), true),
            _ => (None, false),
        };
        let Self { clock, passed, .. } = *self;
        Output::Send { to, message: Message::Welcome { clock, passed, request, has_vote } }
    }
}

/// One that has a vote.
impl Voting {
    fn told(&mut self, from: Id, clock: u64, passed: Request) {
        self.clock = self.clock.max(clock);
        self.passed = self.passed.max(passed);
        self.untold.remove(from);
    }

    fn claimed(&mut self, from: Id, request: Option<u64>, has_vote: bool, out: &mut Outputs) {
        match request {
            Some(number) if has_vote => {
                self.vote = Some(Vote { to: (number, from), is_asked_back: false });
                self.vote(out);
            }
            Some(number) => self.asked(from, number, out),
            None => self.vote(out),
        }
    }

    fn asked(&mut self, from: Id, number: u64, out: &mut Outputs) {
        self.clock = self.clock.max(number);
        self.queue.insert((number, from));
        self.vote(out);
    }

    fn given_back(&mut self, request: Request, out: &mut Outputs) {
        if self.vote.is_some_and(|vote| vote.to == request) {
            self.vote = None;
            self.queue.insert(request);
            self.vote(out);
        }
    }

    fn released(&mut self, request: Request, was_inside: bool, out: &mut Outputs) {
        self.queue.remove(&request);
        if was_inside {
            self.passed = self.passed.max(request);
        }
        if self.vote.is_some_and(|vote| vote.to == request) {
            self.vote = None;
        }
        self.vote(out);
    }

    /// What it asked for it has forgotten; and it may have been inside.
    fn forget(&mut self, node: Id, out: &mut Outputs) {
        self.queue.retain(|&(_, from)| from != node);
        if let Some(vote) = self.vote.take_if(|vote| vote.to.1 == node) {
            self.passed = self.passed.max(vote.to);
        }
        self.vote(out);
    }

    /// Gives the vote to the first of those who ask, or asks it back for it.
    fn vote(&mut self, out: &mut Outputs) {
        let too_old: Vec<_> = self.queue.extract_if(..=self.passed, |_| true).collect();
        for (number, from) in too_old {
            self.send(from, Message::TooOld { number, clock: self.clock }, out);
        }
        let Some(&first) = self.queue.first() else { return };
        match &mut self.vote {
            None if self.untold.is_empty() => {
                self.queue.remove(&first);
                self.vote = Some(Vote { to: first, is_asked_back: false });
                self.send(first.1, Message::Vote { number: first.0 }, out);
            }
            Some(Vote { to, is_asked_back }) if first < *to && !*is_asked_back => {
                *is_asked_back = true;
                let &mut (number, from) = to;
                self.send(from, Message::AskBack { number }, out);
            }
            _ => {}
        }
    }
}

impl Algorithm for Voting {
    type Request = Lock;
    type Answer = Entered;
    type Message = Message;

    fn step(&mut self, event: Event<Lock, Message>) -> Vec<Output> {
        let mut out = Vec::new();
        match event {
            Event::Asked(Lock::Enter) if self.want == Want::Nothing => self.ask(&mut out),
            Event::Asked(Lock::Enter) | Event::Down(_) | Event::Up(_) | Event::Alarm => {}
            Event::Asked(Lock::Leave) => self.leave(&mut out),
            Event::Began(node) => {
                self.forget(node, &mut out);
                // After that: what may have passed is a part of it.
                out.push(self.welcome(node));
            }
            Event::Came { from, message } => self.came(from, message, &mut out),
        }
        out
    }
}
