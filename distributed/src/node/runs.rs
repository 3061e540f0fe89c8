//! What a node has to know of an algorithm beside its steps: how it begins, and what its messages are as bytes.

use crate::algorithm::{
    Algorithm, Id, Lock, RicartAgrawala, TokenRing, Voting, ricart_agrawala, token_ring, voting,
};
use crate::transport::{Wire, wire};

/// An algorithm that a [`Node`](super::Node) runs.
pub trait Run:
    Algorithm<
        Request: Send + 'static,
        Answer: Send + 'static,
        Message: Wire + Clone + PartialEq + Send + 'static,
    > + Send
    + 'static
{
    /// What it is called: nodes of different algorithms do not talk to each other.
    const NAME: &'static str;

    /// A node that begins, of so many, in which of its lives.
    fn begin(me: Id, nodes: Id, life: u32) -> Self;

    /// Whether this goes round for nothing if it comes again as it is, and the program here does not wait for
    /// it: then it may [pause](super::Config::pause).
    fn goes_round(message: &Self::Message) -> bool {
        let _ = message;
        false
    }

    /// Whether the program waits for something after it has asked for this.
    fn waits_after(request: &Self::Request) -> bool;
}

impl Run for RicartAgrawala {
    const NAME: &'static str = "ricart-agrawala";

    fn begin(me: Id, nodes: Id, _: u32) -> Self {
        Self::new(me, nodes)
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

    fn begin(me: Id, nodes: Id, life: u32) -> Self {
        Self::new(me, nodes, life)
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
    1 = Search { origin, life, generation },
    2 = New { origin, life, generation },
});

impl Run for Voting {
    const NAME: &'static str = "voting";

    fn begin(me: Id, nodes: Id, _: u32) -> Self {
        Self::new(me, nodes)
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
