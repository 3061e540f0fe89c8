//! A coordinator: one node keeps the queue, and tells the first in it that it may go in.
//!
//! The centralised algorithm of the textbooks (Andrew S. Tanenbaum and Maarten van Steen, *Distributed Systems:
//! Principles and Paradigms*, 2002). The coordinator is the greatest node that is up, as Hector Garcia-Molina's
//! bully is (*Elections in a Distributed Computing System*, IEEE Transactions on Computers 31, 1982); who is up,
//! whoever runs this has to find out.
//!
//! One that becomes the coordinator asks all that are up whether they are inside, or want to be since when: so
//! it has the queue that the one before it had. Its term is greater than all of which they know, and they know
//! of it before it lets anybody in. A token is the term, and how many were let in by it.
//!
//! **When a node is dead**, the others go on once they are told. **When one is slow or cut off** and taken for
//! dead, it may be inside while the next one is: no coordinator can know. The next one's token is greater. If the
//! nodes fall into two parts which take each other for dead, there are two coordinators: for that there is
//! [`Voting`](super::Voting).

use super::{Algorithm, Entered, Event, Id, Lock, Nodes, next_term};

/// A node with a coordinator: another one or itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    me: Id,
    nodes: Id,
    /// The greatest logical time that was heard of.
    clock: u64,
    /// The greatest that was heard of.
    term: u32,
    up: Nodes,
    /// Of whom this node has heard neither that they are up nor that they are down.
    unknown: Nodes,
    want: Want,
    /// Whoever asked last what this node wants.
    leader: Option<Id>,
    lead: Option<Lead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Want {
    Nothing,
    /// To go in, since then.
    ToEnter(u64),
    ToLeave,
}

/// What a coordinator knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lead {
    term: u32,
    /// Nobody was let in yet, and not everybody knows of the term.
    is_new: bool,
    /// Who has not told yet what it wants.
    missing: Nodes,
    /// Who wants to go in, and since when.
    queue: Vec<(u64, Id)>,
    inside: Option<Id>,
    /// How many were let in.
    passages: u32,
}

/// What nodes with a coordinator send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The sender is the coordinator: what do you want?
    Gather {
        /// Its term.
        term: u32,
    },
    /// What the sender wants.
    State(State),
    /// To one that was taken for dead by the sender, which took its place: the coordinator is you.
    BackToYou,
    /// The sender wants to go in.
    Request {
        /// Since when, by its logical time.
        since: u64,
    },
    /// Go in.
    Grant {
        /// Who wanted to since then.
        since: u64,
        /// The token.
        token: u64,
    },
    /// The sender has left, or does not want to go in any more.
    Release,
}

/// What a node wants, as its coordinator asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// The term in which it was asked.
    pub term: u32,
    /// The greatest term that it had heard of before.
    pub known: u32,
    /// Since when it wants to go in, by its logical time.
    pub wants: Option<u64>,
    /// Whether it is inside.
    pub is_inside: bool,
}

type Output = super::Output<Entered, Message>;

impl Coordinator {
    /// A node that begins, of so many.
    ///
    /// # Panics
    ///
    /// If there are more than 64.
    #[must_use]
    pub fn new(me: Id, nodes: Id) -> Self {
        let mut node = Self {
            me,
            nodes,
            clock: 0,
            term: 0,
            up: Nodes::NONE,
            unknown: Nodes::others(nodes, me),
            want: Want::Nothing,
            leader: None,
            lead: None,
        };
        // There is nobody to ask.
        node.elect();
        node
    }

    /// Whether this node is to be the coordinator.
    fn is_greatest(&self) -> bool {
        self.unknown.is_empty() && self.up.iter().all(|node| node < self.me)
    }

    /// Becomes the coordinator, or is it no more, after others have come or gone.
    fn elect(&mut self) -> Vec<Output> {
        match (self.is_greatest(), &self.lead) {
            (true, None) => self.gather(),
            (false, Some(_)) => {
                self.lead = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Begins a term.
    fn gather(&mut self) -> Vec<Output> {
        // No other node has the same.
        self.term = next_term(self.term, self.me, self.nodes);
        let Self { me, term, up: missing, .. } = *self;
        let (mut queue, mut inside) = (Vec::new(), None);
        match self.want {
            Want::Nothing => {}
            Want::ToEnter(since) => queue.push((since, me)),
            Want::ToLeave => inside = Some(me),
        }
        self.leader = Some(me);
        self.lead = Some(Lead { term, is_new: true, missing, queue, inside, passages: 0 });
        let mut outputs: Vec<_> = missing.iter().map(|to| ask(to, term)).collect();
        outputs.extend(self.grant());
        outputs
    }

    /// Lets the first in, if nobody is inside.
    fn grant(&mut self) -> Option<Output> {
        let lead = self.lead.as_mut()?;
        lead.is_new &= !lead.missing.is_empty();
        if !lead.missing.is_empty() || lead.inside.is_some() || lead.queue.is_empty() {
            return None;
        }
        let (since, to) = lead.queue.remove(0);
        lead.inside = Some(to);
        lead.passages += 1;
        let token = u64::from(lead.term) << 32 | u64::from(lead.passages);
        if to == self.me {
            self.want = Want::ToLeave;
            return Some(Output::Answer(Entered { token }));
        }
        Some(Output::Send { to, message: Message::Grant { since, token } })
    }

    fn enter(&mut self) -> Option<Output> {
        if self.want != Want::Nothing {
            return None;
        }
        self.clock += 1;
        let since = self.clock;
        self.want = Want::ToEnter(since);
        self.tell_leader(Message::Request { since })
    }

    fn leave(&mut self) -> Option<Output> {
        if self.want == Want::Nothing {
            return None;
        }
        self.want = Want::Nothing;
        self.tell_leader(Message::Release)
    }

    /// If nobody leads, the next one that does will ask.
    fn tell_leader(&mut self, message: Message) -> Option<Output> {
        match (self.leader, message) {
            (Some(me), Message::Request { since }) if me == self.me => self.asked(me, since),
            (Some(me), _) if me == self.me => self.released(me),
            (leader, message) => leader.map(|to| Output::Send { to, message }),
        }
    }

    fn asked(&mut self, from: Id, since: u64) -> Option<Output> {
        self.clock = self.clock.max(since);
        let lead = self.lead.as_mut()?;
        lead.queue.push((since, from));
        self.grant()
    }

    fn released(&mut self, from: Id) -> Option<Output> {
        self.lead.as_mut()?.forget(from);
        self.grant()
    }

    fn gathered(&mut self, from: Id, term: u32) -> Output {
        let known = self.term;
        if term >= known {
            self.term = term;
            self.leader = Some(from);
            self.lead = None;
        }
        let wants = match self.want {
            Want::ToEnter(since) => Some(since),
            _ => None,
        };
        let is_inside = self.want == Want::ToLeave;
        Output::Send { to: from, message: Message::State(State { term, known, wants, is_inside }) }
    }

    fn told(&mut self, from: Id, state: State) -> Vec<Output> {
        let State { term, known, wants, is_inside } = state;
        let Some(lead) = self.lead.as_mut().filter(|lead| lead.term == term) else {
            // It answers a question of an earlier term.
            return Vec::new();
        };
        // The same one can only be of an earlier life of this node.
        if known > term || known == term && lead.is_new {
            self.term = self.term.max(known);
            return self.gather();
        }
        lead.missing.remove(from);
        lead.forget(from);
        if let Some(since) = wants {
            self.clock = self.clock.max(since);
            lead.queue.push((since, from));
            lead.queue.sort_unstable();
        }
        if is_inside {
            lead.inside = Some(from);
        }
        self.grant().into_iter().collect()
    }

    fn granted(&mut self, from: Id, since: u64, token: u64) -> Option<Output> {
        if self.leader != Some(from) || self.want != Want::ToEnter(since) {
            return None;
        }
        self.want = Want::ToLeave;
        Some(Output::Answer(Entered { token }))
    }

    /// It is up: with what it knew, or without.
    fn came_up(&mut self, node: Id) -> Vec<Output> {
        self.up.insert(node);
        self.unknown.remove(node);
        let has_led = self.lead.is_some();
        let mut outputs = self.elect();
        match &mut self.lead {
            Some(lead) if has_led => {
                lead.missing.insert(node);
                outputs.push(ask(node, lead.term));
            }
            None if has_led => outputs.push(Output::Send { to: node, message: Message::BackToYou }),
            _ => {}
        }
        outputs
    }

    fn went_down(&mut self, node: Id) -> Vec<Output> {
        self.up.remove(node);
        self.unknown.remove(node);
        self.forgotten(node);
        let mut outputs = self.elect();
        outputs.extend(self.grant());
        outputs
    }

    fn forgotten(&mut self, node: Id) {
        if let Some(lead) = &mut self.lead {
            lead.missing.remove(node);
            lead.forget(node);
        }
    }
}

impl Lead {
    fn forget(&mut self, node: Id) {
        self.queue.retain(|&(_, waiting)| waiting != node);
        self.inside = self.inside.filter(|&inside| inside != node);
    }
}

fn ask(to: Id, term: u32) -> Output {
    Output::Send { to, message: Message::Gather { term } }
}

impl Algorithm for Coordinator {
    type Request = Lock;
    type Answer = Entered;
    type Message = Message;

    fn step(&mut self, event: Event<Lock, Message>) -> Vec<Output> {
        let output = match event {
            Event::Asked(Lock::Enter) => self.enter(),
            Event::Asked(Lock::Leave) => self.leave(),
            Event::Began(node) => {
                self.forgotten(node);
                return self.came_up(node);
            }
            Event::Up(node) => return self.came_up(node),
            Event::Down(node) => return self.went_down(node),
            Event::Alarm => None,
            Event::Came { from, message } => match message {
                Message::Gather { term } => Some(self.gathered(from, term)),
                Message::State(state) => return self.told(from, state),
                Message::BackToYou if self.is_greatest() => return self.gather(),
                Message::BackToYou => None,
                Message::Request { since } => self.asked(from, since),
                Message::Grant { since, token } => self.granted(from, since, token),
                Message::Release => self.released(from),
            },
        };
        output.into_iter().collect()
    }
}
