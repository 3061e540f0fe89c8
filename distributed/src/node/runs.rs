//! What a node has to know of an algorithm beside its steps: how it begins, what it remembers, and which of
//! its messages can be.

use std::fmt::Debug;

use super::memory::Memory;
use crate::algorithm::raft::{Entry, Place};
use crate::algorithm::replicated_lock::{self, Command};
use crate::algorithm::{
    Algorithm, Coordinator, Durable as _, Entered, Id, Lock, ReplicatedLock, RicartAgrawala,
    TokenRing, Voting, coordinator, raft, ricart_agrawala, ring_election, token_ring, voting,
};
use crate::transport::{Wire, wire};

/// An algorithm that a [`Node`](super::Node) runs.
pub trait Run:
    Algorithm<
        Request: Debug + Send + 'static,
        Answer: Debug + Send + 'static,
        Message: Wire + Clone + PartialEq + Send + 'static,
    > + Send
    + 'static
{
    /// What it is called: nodes of different algorithms do not talk to each other.
    const NAME: &'static str;

    /// What it remembers across deaths.
    type Memory: Memory;

    /// A node that begins, of so many, in which of its lives; or goes on, by what it remembers.
    fn begin(me: Id, nodes: Id, life: u32, memory: Self::Memory) -> Self;

    /// What it is to remember now.
    fn memory(&self) -> Self::Memory;

    /// Whether a node sends this, among so many. Whoever sends something else loses its connection: numbers
    /// beyond all that are ever reached, and nodes that there are not.
    fn is_possible(message: &Self::Message, nodes: Id) -> bool;

    /// Whether this goes round for nothing if it comes again as it is, and the program here does not wait for
    /// it: then it may [pause](super::Config::pause).
    fn goes_round(message: &Self::Message) -> bool {
        let _ = message;
        false
    }

    /// Whether the program waits for something after it has asked for this.
    fn waits_after(request: &Self::Request) -> bool;
}

/// An algorithm by which a node [locks](super::Node::lock).
pub trait Exclude: Run {
    /// How it is asked for this.
    fn request(lock: Lock) -> Self::Request;

    /// The token by which the program is inside now. `None`: it is not any more, though it did not leave.
    fn token(answer: &Self::Answer) -> Option<u64>;
}

impl<A: Run<Request = Lock, Answer = Entered>> Exclude for A {
    fn request(lock: Lock) -> Lock {
        lock
    }

    fn token(answer: &Entered) -> Option<u64> {
        Some(answer.token)
    }
}

impl Exclude for ReplicatedLock {
    fn request(lock: Lock) -> replicated_lock::Request {
        match lock {
            Lock::Enter => replicated_lock::Request::Enter,
            Lock::Leave => replicated_lock::Request::Leave,
        }
    }

    fn token(answer: &replicated_lock::Answer) -> Option<u64> {
        match *answer {
            replicated_lock::Answer::Entered { token } => Some(token),
            replicated_lock::Answer::Expired => None,
        }
    }
}

/// A number that is counted up to: what is added to it does not overflow.
fn is_counted(number: u64) -> bool {
    number < 1 << 56
}

fn is_counted_short(number: u32) -> bool {
    number < 1 << 31
}

impl Run for Coordinator {
    const NAME: &'static str = "coordinator";

    type Memory = ();

    fn begin(me: Id, nodes: Id, _: u32, (): ()) -> Self {
        Self::new(me, nodes)
    }

    fn memory(&self) {}

    fn is_possible(message: &coordinator::Message, _: Id) -> bool {
        use coordinator::{Message, State};
        match *message {
            Message::Gather { term } => is_counted_short(term),
            Message::State(State { term, known, wants, .. }) => {
                is_counted_short(term) && is_counted_short(known) && wants.is_none_or(is_counted)
            }
            Message::Request { since } | Message::Grant { since, .. } => is_counted(since),
            Message::BackToYou | Message::Release => true,
        }
    }

    fn waits_after(request: &Lock) -> bool {
        *request == Lock::Enter
    }
}

wire!(struct coordinator::State { term, known, wants, is_inside });

wire!(enum coordinator::Message {
    0 = Gather { term },
    1 = State(state),
    2 = BackToYou,
    3 = Request { since },
    4 = Grant { since, token },
    5 = Release,
});

impl Run for RicartAgrawala {
    const NAME: &'static str = "ricart-agrawala";

    type Memory = ();

    fn begin(me: Id, nodes: Id, _: u32, (): ()) -> Self {
        Self::new(me, nodes)
    }

    fn memory(&self) {}

    fn is_possible(message: &ricart_agrawala::Message, _: Id) -> bool {
        use ricart_agrawala::Message;
        match *message {
            Message::Welcome { clock, request } => {
                is_counted(clock) && request.is_none_or(is_counted)
            }
            Message::Request { number } | Message::Agreed { number } => is_counted(number),
        }
    }

    fn waits_after(request: &Lock) -> bool {
        *request == Lock::Enter
    }
}

wire!(enum ricart_agrawala::Message {
    0 = Welcome { clock, request },
    1 = Request { number },
    2 = Agreed { number },
});

impl Run for TokenRing {
    const NAME: &'static str = "token-ring";

    type Memory = ();

    fn begin(me: Id, nodes: Id, life: u32, (): ()) -> Self {
        Self::new(me, nodes, life)
    }

    fn memory(&self) {}

    fn is_possible(message: &token_ring::Message, nodes: Id) -> bool {
        use token_ring::Message;
        match *message {
            Message::Token { generation, uses } => {
                is_counted_short(generation) && is_counted_short(uses)
            }
            Message::Election(
                ring_election::Message::Stand { origin, term, .. }
                | ring_election::Message::Lead { origin, term, .. },
            ) => origin < nodes && is_counted_short(term),
        }
    }

    fn goes_round(message: &token_ring::Message) -> bool {
        matches!(message, token_ring::Message::Token { .. })
    }

    fn waits_after(request: &Lock) -> bool {
        *request == Lock::Enter
    }
}

wire!(enum token_ring::Message {
    0 = Token { generation, uses },
    1 = Election(message),
});

wire!(enum ring_election::Message {
    0 = Stand { origin, stood, term },
    1 = Lead { origin, stood, term },
});

impl Run for Voting {
    const NAME: &'static str = "quorum";

    type Memory = ();

    fn begin(me: Id, nodes: Id, _: u32, (): ()) -> Self {
        Self::new(me, nodes)
    }

    fn memory(&self) {}

    fn is_possible(message: &voting::Message, nodes: Id) -> bool {
        use voting::Message;
        match *message {
            Message::Welcome { clock, passed, request, .. } => {
                is_counted(clock)
                    && is_counted(passed.0)
                    && passed.1 < nodes
                    && request.is_none_or(is_counted)
            }
            Message::Request { number }
            | Message::Vote { number }
            | Message::AskBack { number }
            | Message::GiveBack { number }
            | Message::Release { number, .. } => is_counted(number),
            Message::TooOld { number, clock } => is_counted(number) && is_counted(clock),
        }
    }

    fn waits_after(request: &Lock) -> bool {
        *request == Lock::Enter
    }
}

wire!(enum voting::Message {
    0 = Welcome { clock, passed, request, has_vote },
    1 = Request { number },
    2 = Vote { number },
    3 = AskBack { number },
    4 = GiveBack { number },
    5 = TooOld { number, clock },
    6 = Release { number, was_inside },
});

impl Run for ReplicatedLock {
    const NAME: &'static str = "raft";

    type Memory = replicated_lock::Stored;

    fn begin(me: Id, nodes: Id, _: u32, memory: Self::Memory) -> Self {
        Self::new(me, nodes, memory)
    }

    fn memory(&self) -> Self::Memory {
        self.stored()
    }

    fn is_possible(message: &replicated_lock::Message, nodes: Id) -> bool {
        use raft::Message;
        let is_command = |command: &Command| match *command {
            Command::Enter { who, asked } | Command::Leave { who, asked } => {
                who < nodes && is_counted(asked)
            }
            Command::Expire { token } => is_counted(token),
        };
        let is_place = |place: Place| is_counted(place.term) && is_counted(place.index);
        let is_entry = |entry: &Entry<Command>| {
            is_counted(entry.term) && entry.command.as_ref().is_none_or(is_command)
        };
        let message = match message {
            replicated_lock::Message::Raft(message) => message,
            replicated_lock::Message::Ask(command) => return is_command(command),
        };
        is_counted(message.term())
            && match message {
                Message::AskVote { last, .. } => is_place(*last),
                Message::Vote { .. } | Message::Over { .. } => true,
                Message::Append { after, entry, committed, .. } => {
                    is_place(*after)
                        && is_counted(*committed)
                        && entry.as_ref().is_none_or(is_entry)
                }
                Message::Matches { index, .. } => is_counted(*index),
                Message::Differs { index, length, .. } => is_counted(*index) && is_counted(*length),
            }
    }

    fn waits_after(request: &replicated_lock::Request) -> bool {
        *request == replicated_lock::Request::Enter
    }
}

wire!(enum Command {
    0 = Enter { who, asked },
    1 = Leave { who, asked },
    2 = Expire { token },
});

wire!(struct Entry<Command> { term, command });

wire!(struct Place { term, index });

wire!(enum raft::Message<Command> {
    0 = AskVote { term, last },
    1 = Vote { term },
    2 = Over { term },
    3 = Append { term, after, entry, committed },
    4 = Matches { term, index },
    5 = Differs { term, index, length },
});

wire!(enum replicated_lock::Message {
    0 = Raft(message),
    1 = Ask(command),
});
