//! A lock on [`Raft`]'s log: a queue that every node keeps, and that is the same everywhere.
//!
//! Leslie Lamport, *The Implementation of Reliable Distributed Multiprocess Systems*, Computer Networks 2
//! (1978), and Fred B. Schneider, *Implementing Fault-Tolerant Services Using the State Machine Approach*, ACM
//! Computing Surveys 22 (1990): whoever takes the same commands in the same order comes to the same state.
//!
//! The commands are: enter, leave, expire. To enter appends a turn to the queue, and **the index of its entry
//! in the log is its token**: the first of the queue is inside, so tokens grow. A node asks the leader, by a
//! number of its own, and asks again when it hears from a leader; a command that is there already changes
//! nothing.
//!
//! **When a node is slow, cut off or dead**, the others go on as long as a majority lives, first come first served
//! by the order of the log. If it is inside, they wait until it leaves, until it begins again (it then leaves
//! what it was in), or until somebody expires its turn ([`Request::Expire`]: by suspicion, since nothing here
//! knows the time). Whoever is expired is told so, maybe late: until then two may believe that they are
//! inside, and **the token is what tells them apart**. A node that is cut off from the leader neither enters
//! nor hears that it was expired. What is stored: Raft's, and how often this node has asked.

use std::collections::VecDeque;

use super::raft::{self, Raft};
use super::{Algorithm, Durable, Event, Id};

/// A node of a replicated lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplicatedLock {
    me: Id,
    raft: Raft<Command>,
    queue: Queue,
    /// How often this node has asked: stored.
    asked: u64,
    want: Want,
}

/// What a node needs to go on after a death.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Raft's.
    pub raft: raft::Stored<Command>,
    /// How often this node has asked to go in.
    pub asked: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Want {
    /// To be outside, of all that was asked for until now.
    Outside,
    /// To be inside, by what was asked for last.
    Inside,
}

/// What is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// A node wants to go in.
    Enter {
        /// Which one.
        who: Id,
        /// For the so-and-so-many-th time.
        asked: u64,
    },
    /// It does not any more, for all times up to this one.
    Leave {
        /// Which one.
        who: Id,
        /// The last of those times.
        asked: u64,
    },
    /// Whoever is inside by this token is not any more.
    Expire {
        /// Its token.
        token: u64,
    },
}

/// What the program at a node of a replicated lock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To go in.
    Enter,
    /// To leave; or to give up, if it is not in yet.
    Leave,
    /// To have whoever is inside now put out: it is believed to be dead.
    Expire,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It is inside.
    Entered {
        /// Greater than that of everybody who was inside before: a fencing token.
        token: u64,
    },
    /// It is not inside any more: it was believed to be dead.
    Expired,
}

/// What nodes of a replicated lock send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// Raft's.
    Raft(raft::Message<Command>),
    /// To the leader: to have this in the log.
    Ask(Command),
}

type Output = super::Output<Answer, Message>;
type Outputs = Vec<Output>;

/// Whose turn it is: the same after the same commands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Queue {
    turns: VecDeque<Turn>,
    /// Of each node: what was the last time that it wanted to go in, or did not any more.
    last: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Turn {
    who: Id,
    asked: u64,
    token: u64,
}

impl Queue {
    fn apply(&mut self, index: u64, command: Command) {
        match command {
            Command::Enter { who, asked } => {
                let last = &mut self.last[usize::from(who)];
                if asked > *last {
                    *last = asked;
                    // Whoever asks again has left, even if that was not heard.
                    self.turns.retain(|turn| turn.who != who);
                    self.turns.push_back(Turn { who, asked, token: index });
                }
            }
            Command::Leave { who, asked } => {
                let last = &mut self.last[usize::from(who)];
                *last = asked.max(*last);
                self.turns.retain(|turn| turn.who != who || turn.asked > asked);
            }
            Command::Expire { token } => {
                self.turns.pop_front_if(|first| first.token == token);
            }
        }
    }

    /// Whether this command would change something.
    fn changes(&self, command: Command) -> bool {
        match command {
            Command::Enter { who, asked } => asked > self.last[usize::from(who)],
            Command::Leave { who, asked } => {
                asked > self.last[usize::from(who)]
                    || self.turns.iter().any(|turn| turn.who == who && turn.asked <= asked)
            }
            Command::Expire { token } => self.turns.front().is_some_and(|turn| turn.token == token),
        }
    }
}

impl ReplicatedLock {
    /// A node that begins, of so many; or goes on, by what it had stored.
    #[must_use]
    pub fn new(me: Id, nodes: Id, stored: Stored) -> Self {
        let queue = Queue { turns: VecDeque::new(), last: vec![0; nodes.into()] };
        let raft = Raft::new(me, nodes, stored.raft);
        Self { me, raft, queue, asked: stored.asked, want: Want::Outside }
    }

    /// The node's part of Raft.
    #[must_use]
    pub fn raft(&self) -> &Raft<Command> {
        &self.raft
    }

    /// Who is inside as far as this node has heard, by its token; and how many wait.
    #[must_use]
    pub fn status(&self) -> Option<(Id, u64, usize)> {
        let first = self.queue.turns.front()?;
        Some((first.who, first.token, self.queue.turns.len() - 1))
    }

    fn asked(&mut self, request: Request, out: &mut Outputs) {
        match request {
            Request::Enter if self.want == Want::Inside => {}
            Request::Enter => {
                self.asked += 1;
                self.want = Want::Inside;
                self.remind(out);
            }
            Request::Leave => {
                self.want = Want::Outside;
                self.remind(out);
            }
            Request::Expire => {
                if let Some(&Turn { token, .. }) = self.queue.turns.front() {
                    self.ask(Command::Expire { token }, out);
                }
            }
        }
    }

    /// Asks for what this node wants, if it is not so yet.
    fn remind(&mut self, out: &mut Outputs) {
        let (who, asked) = (self.me, self.asked);
        let command = match self.want {
            Want::Inside => Command::Enter { who, asked },
            Want::Outside => Command::Leave { who, asked },
        };
        if self.queue.changes(command) {
            self.ask(command, out);
        }
    }

    fn ask(&mut self, command: Command, out: &mut Outputs) {
        if self.raft.leads().is_some() {
            self.append(command, out);
        } else if let Some(to) = self.raft.leader() {
            out.push(Output::Send { to, message: Message::Ask(command) });
        }
    }

    /// Has the log have it, unless it has it already.
    fn append(&mut self, command: Command, out: &mut Outputs) {
        let committed = usize::try_from(self.raft.committed()).unwrap_or(usize::MAX);
        let mut coming = self.raft.storage().log.iter().skip(committed);
        if self.queue.changes(command) && !coming.any(|entry| entry.command == Some(command)) {
            self.step_raft(Event::Asked(command), out);
        }
    }

    /// Has Raft take a step, and does what it says.
    fn step_raft(&mut self, event: Event<Command, raft::Message<Command>>, out: &mut Outputs) {
        for output in self.raft.step(event) {
            match output {
                super::Output::Send { to, message } => {
                    out.push(Output::Send { to, message: Message::Raft(message) });
                }
                super::Output::SetAlarm(patience) => out.push(Output::SetAlarm(patience)),
                super::Output::Answer(raft::Answer::Committed { index, command }) => {
                    self.apply(index, command, out);
                }
                super::Output::Answer(raft::Answer::Refused { .. }) => {}
            }
        }
    }

    /// The token by which this node is inside.
    fn token(&self) -> Option<u64> {
        let first = self.queue.turns.front()?;
        let is_mine =
            self.want == Want::Inside && (first.who, first.asked) == (self.me, self.asked);
        is_mine.then_some(first.token)
    }

    fn apply(&mut self, index: u64, command: Command, out: &mut Outputs) {
        let before = self.token();
        self.queue.apply(index, command);
        match (before, self.token()) {
            (None, Some(token)) => out.push(Output::Answer(Answer::Entered { token })),
            (Some(_), None) => {
                self.want = Want::Outside;
                out.push(Output::Answer(Answer::Expired));
            }
            _ => {}
        }
    }
}

impl Algorithm for ReplicatedLock {
    type Request = Request;
    type Answer = Answer;
    type Message = Message;

    fn step(&mut self, event: Event<Request, Message>) -> Vec<Output> {
        let mut out = Vec::new();
        match event {
            Event::Asked(request) => self.asked(request, &mut out),
            Event::Began(_) | Event::Down(_) | Event::Up(_) => {}
            Event::Came { message: Message::Ask(command), .. } => {
                if self.raft.leads().is_some() {
                    self.append(command, &mut out);
                }
            }
            Event::Came { from, message: Message::Raft(message) } => {
                self.step_raft(Event::Came { from, message }, &mut out);
                // The leader lives, and may not have heard what this node wants.
                if self.raft.leader() == Some(from) {
                    self.remind(&mut out);
                }
            }
            Event::Alarm => {
                self.step_raft(Event::Alarm, &mut out);
                if self.raft.leads().is_some() {
                    self.remind(&mut out);
                }
            }
        }
        out
    }
}

impl Durable for ReplicatedLock {
    type Stored = Stored;

    fn stored(&self) -> Stored {
        Stored { raft: self.raft.stored(), asked: self.asked }
    }
}
