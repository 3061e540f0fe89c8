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
//! it has forgotten the token, there is a new one: a node that begins sends a search around the ring, which
//! the token stops. Of several searches the lowest node's goes on. One that comes back has met no token: its
//! node draws a new generation, tells it to all in a second round, and then makes the token. What was lost in
//! a node that died the node before it makes good, by a search of its own.

use super::{Algorithm, Entered, Event, Id, Lock};

/// A node of the token ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenRing {
    me: Id,
    nodes: Id,
    /// Tells this node's life from its earlier ones.
    life: u32,
    /// The greatest that was heard of.
    generation: u32,
    wants: bool,
    token: Token,
}

/// Where the token is, as far as a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Token {
    /// It has not been here since this node began.
    Unseen,
    /// This node's search has come back: it tells the generation.
    Announced,
    /// It was here.
    Passed,
    /// It is here, and has been used so often in its generation.
    Here { uses: u32 },
}

/// What nodes of the token ring send to the one after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The token.
    Token {
        /// How many were lost.
        generation: u32,
        /// How often this one was used.
        uses: u32,
    },
    /// Is there a token?
    Search {
        /// Who asks.
        origin: Id,
        /// In which of its lives.
        life: u32,
        /// The greatest generation that was heard of on the way.
        generation: u32,
    },
    /// There will be one.
    New {
        /// Who makes it.
        origin: Id,
        /// In which of its lives.
        life: u32,
        /// Its generation.
        generation: u32,
    },
}

type Output = super::Output<Entered, Message>;

impl TokenRing {
    /// A node that begins, of so many. Each of its lives has another number.
    #[must_use]
    pub fn new(me: Id, nodes: Id, life: u32) -> Self {
        // There is nobody who could have it.
        let token = if nodes == 1 { Token::Here { uses: 0 } } else { Token::Unseen };
        Self { me, nodes, life, generation: 0, wants: false, token }
    }

    fn next(&self) -> Id {
        (self.me + 1) % self.nodes
    }

    fn send(&self, message: Message) -> Output {
        Output::Send { to: self.next(), message }
    }

    /// Uses the token, or passes it on.
    fn take(&mut self, generation: u32, uses: u32) -> Output {
        // Another node may have begun to make one meanwhile.
        let uses = if generation < self.generation { 0 } else { uses };
        self.generation = self.generation.max(generation);
        if self.wants {
            return self.go_in(uses);
        }
        self.token = Token::Passed;
        self.send(Message::Token { generation: self.generation, uses })
    }

    fn go_in(&mut self, uses: u32) -> Output {
        let uses = uses + 1;
        self.token = Token::Here { uses };
        let token = u64::from(self.generation) << 32 | u64::from(uses);
        Output::Answer(Entered { token })
    }

    fn search(&mut self, generation: u32) -> Output {
        self.token = Token::Unseen;
        self.generation = self.generation.max(generation);
        let Self { me: origin, life, generation, .. } = *self;
        self.send(Message::Search { origin, life, generation })
    }

    fn enter(&mut self) -> Option<Output> {
        let wanted = std::mem::replace(&mut self.wants, true);
        match self.token {
            Token::Here { uses } if !wanted => Some(self.go_in(uses)),
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<Output> {
        self.wants = false;
        match self.token {
            Token::Here { uses } if self.nodes > 1 => Some(self.take(self.generation, uses)),
            _ => None,
        }
    }

    /// The next node has begun: what was sent to it may be lost.
    fn follow(&mut self) -> Option<Output> {
        match self.token {
            Token::Here { .. } => None,
            Token::Unseen | Token::Announced | Token::Passed => Some(self.search(0)),
        }
    }

    fn searched(&mut self, origin: Id, life: u32, generation: u32) -> Option<Output> {
        match self.token {
            Token::Here { .. } => None,
            Token::Unseen if (origin, life) == (self.me, self.life) => {
                self.generation = self.generation.max(generation) + 1;
                self.token = Token::Announced;
                let Self { me: origin, life, generation, .. } = *self;
                Some(self.send(Message::New { origin, life, generation }))
            }
            _ if origin == self.me => None,
            Token::Unseen | Token::Announced if self.me < origin => Some(self.search(generation)),
            Token::Unseen | Token::Announced | Token::Passed => {
                let generation = self.generation.max(generation);
                Some(self.send(Message::Search { origin, life, generation }))
            }
        }
    }

    fn new_one(&mut self, origin: Id, life: u32, generation: u32) -> Option<Output> {
        self.generation = self.generation.max(generation);
        match self.token {
            // There is one already.
            Token::Here { .. } => None,
            Token::Announced if (origin, life) == (self.me, self.life) => {
                Some(self.take(self.generation, 0))
            }
            _ if origin == self.me => None,
            _ => Some(self.send(Message::New { origin, life, generation })),
        }
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
            Event::Began(node) if node == self.next() => self.follow(),
            Event::Began(_) | Event::Down(_) | Event::Up(_) | Event::Alarm => None,
            Event::Came { message: Message::Token { generation, uses }, .. } => {
                Some(self.take(generation, uses))
            }
            Event::Came { message: Message::Search { origin, life, generation }, .. } => {
                self.searched(origin, life, generation)
            }
            Event::Came { message: Message::New { origin, life, generation }, .. } => {
                self.new_one(origin, life, generation)
            }
        };
        output.into_iter().collect()
    }
}
