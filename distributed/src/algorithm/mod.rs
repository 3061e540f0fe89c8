//! The classic algorithms that exclude and agree by messages alone: small state machines, to be read beside
//! the papers, of which models go through every order of what can happen (`models/`).
//!
//! For work that matters take an [engine](crate::engines). Most of these locks forget when all nodes do, and
//! some wait for a node that is down until it is back. Each says in its first lines what it promises. The
//! feature `messages` runs them between processes ([`node`](crate::node)).
//!
//! One file per algorithm. None of them does I/O, knows the time, or throws dice. A node is told what has
//! happened, by an [`Event`], and says what is to be done: [`Output`]s.
//!
//! | algorithm | messages for one passage | waits for | order | tokens |
//! |---|---|---|---|---|
//! | [`Coordinator`] | 3 | the coordinator | first come first served, as the coordinator hears of it | its term, and how many it let in |
//! | [`RicartAgrawala`] | 2 (N - 1) | every node | first come first served, by logical time | the request's time |
//! | [`Voting`] | 3 N, and 3 for each vote that is given back | a majority | by logical time, as far as the voters know it | the request's time |
//! | [`TokenRing`] | 1 to unboundedly many | every node | around the ring | how often the token was used |
//!
//! Three more agree on a value, on a log, and on what a register holds: [`Paxos`], [`Raft`] with the
//! [`ReplicatedLock`] on its log, and [`Register`]. They go on while a majority lives, whatever becomes of
//! messages, and remember across deaths ([`Durable`]).
//!
//! Two elect a leader: [`Bully`] and [`RingElection`]. One that is wrongly taken for dead may lead beside the next one:
//! each leader has a [term](Led::term), which tells them apart.
//!
//! The locks above rely on links that deliver what a node sends to another in order, and once: without that they lose
//! exclusion, which the models show.

pub mod bully;
pub mod coordinator;
mod nodes;
pub mod paxos;
pub mod raft;
pub mod register;
pub mod replicated_lock;
pub mod ricart_agrawala;
pub mod ring_election;
pub mod token_ring;
pub mod voting;

pub use bully::Bully;
pub use coordinator::Coordinator;
pub(crate) use nodes::next_term;
pub use nodes::{Id, Nodes};
pub use paxos::Paxos;
pub use raft::Raft;
pub use register::Register;
pub use replicated_lock::ReplicatedLock;
pub use ricart_agrawala::RicartAgrawala;
pub use ring_election::RingElection;
pub use token_ring::TokenRing;
pub use voting::Voting;

/// One node of an algorithm.
pub trait Algorithm {
    /// What the program at a node asks for.
    type Request;
    /// What it is told.
    type Answer;
    /// What nodes send each other.
    type Message;

    /// What is to be done now that this has happened.
    ///
    /// What cannot be at this point (a second [`Lock::Enter`], the answer to what was never asked) changes
    /// nothing.
    fn step(
        &mut self,
        event: Event<Self::Request, Self::Message>,
    ) -> Vec<Output<Self::Answer, Self::Message>>;
}

/// What a node is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<R, M> {
    /// The program here asks for something.
    Asked(R),
    /// This node has begun, or begun again: it knows nothing, and what it sent before has come or will never
    /// come. So is each of the others told of this one when it begins.
    Began(Id),
    /// This node is taken for dead: for too long nothing was heard of it. That may be wrong.
    Down(Id),
    /// This node was taken for dead, and is not: it knows what it knew.
    Up(Id),
    /// A message has come.
    Came {
        /// Who sent it.
        from: Id,
        /// The message.
        message: M,
    },
    /// The time is up that [`Output::SetAlarm`] asked for.
    Alarm,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<A, M> {
    /// This is to be sent.
    Send {
        /// To whom.
        to: Id,
        /// The message.
        message: M,
    },
    /// The program here is to be told this.
    Answer(A),
    /// After so long [`Event::Alarm`] is to come; an alarm that was set before is off.
    SetAlarm(Patience),
}

/// How long to wait for an alarm. Nothing that is promised depends on it but how soon things go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Patience {
    /// Some times as long as a message takes.
    Short,
    /// Some times as long as [`Patience::Short`], and drawn anew each time: nodes that try at once are in
    /// each other's way.
    Long,
}

/// A node that goes on after a death by what it has stored.
///
/// What a step changes of it is to be stored, for good, before anything is done that the step says.
pub trait Durable: Algorithm {
    /// What is to be stored.
    type Stored;

    /// What is to be stored now.
    fn stored(&self) -> Self::Stored;
}

/// What the program at a node of a lock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// To go in.
    Enter,
    /// To leave; or to give up, if it is not in yet.
    Leave,
}

/// The program at this node of a lock is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entered {
    /// Greater than that of everybody who was inside before: a fencing token.
    pub token: u64,
}

/// Who leads, as the program at a node of an election is told: until it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Led {
    /// Who, if it is known; it may be this node itself.
    pub by: Option<Id>,
    /// No other leader has the same: a fencing token.
    pub term: u32,
}

impl Led {
    /// It is not known who leads.
    pub const BY_NOBODY: Self = Self { by: None, term: 0 };
}
