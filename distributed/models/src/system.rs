//! Nodes, what is on its way between them, and everything that can happen next.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::hash::Hash;

use stateright::{Model, Property};

use crate::algorithm::{Algorithm, Entered, Event, Id, Lock, Output};
use crate::explore::Bounded;
use crate::network::{Network, Packet};

/// What nodes there are, and what may happen to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) nodes: Id,
    /// How often each goes in.
    pub(crate) passages: u8,
    /// How often somebody gives up who waits.
    pub(crate) withdrawals: u8,
    /// How often a node dies, and begins again.
    pub(crate) deaths: u8,
    /// How often a node dies for good.
    pub(crate) ends: u8,
    /// How often a node is taken for dead that is not: then two may be inside, with different tokens.
    pub(crate) suspicions: u8,
    pub(crate) links: Links,
}

/// What links do to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Each arrives once, in the order in which a node sent them to another.
    Exact,
    /// One of all may arrive twice.
    Doubling,
    /// One of all may be lost.
    Losing,
    /// Each arrives once, in any order.
    Reordering,
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "",
            Self::Doubling => ", a message doubled",
            Self::Losing => ", a message lost",
            Self::Reordering => ", in any order",
        })
    }
}

/// Nodes of one algorithm.
#[derive(Clone)]
pub(crate) struct System<A> {
    pub(crate) bounds: Bounds,
    /// A node that begins, of so many, in which of its lives.
    pub(crate) begin: fn(Id, Id, u32) -> A,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<A, M> {
    nodes: Vec<Node<A>>,
    network: Network<M>,
    /// The greatest token of all.
    token: u64,
    /// All of them, if they need not grow.
    tokens: BTreeSet<u64>,
    withdrawals: u8,
    deaths: u8,
    ends: u8,
    suspicions: u8,
    /// How many messages may still be doubled or lost.
    faults: u8,
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node<A> {
    algorithm: A,
    life: u32,
    program: Program,
    /// How often it still wants to go in.
    passages: u8,
}

/// What the program at a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Program {
    Outside,
    Waiting,
    Inside,
    /// There is none any more.
    Dead,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Enter(Id),
    Leave(Id),
    GiveUp(Id),
    /// What this one sent to that one arrives: the first of it, or if links reorder, the so-and-so-many-th.
    Arrive(Id, Id, usize),
    /// It arrives, and will once more.
    Double(Id, Id),
    Lose(Id, Id),
    /// It dies and begins again; what it had sent is lost or not.
    Die(Id, bool),
    /// It dies for good; likewise.
    End(Id, bool),
    /// This one takes that one for dead, until it hears of it.
    Suspect(Id, Id),
}

pub(crate) const EXCLUSION: &str = "two are inside";
pub(crate) const TOKENS: &str = "a token is not greater than one before";
const SAME: &str = "two tokens are the same";
pub(crate) const AGAIN: &str = "one goes in that has not asked to";

impl<A> System<A>
where
    A: Algorithm<Request = Lock, Answer = Entered> + Clone,
    A::Message: Copy + Eq,
{
    /// Has a node take notice, and does what it says.
    fn tell(&self, state: &mut State<A, A::Message>, who: Id, event: Event<Lock, A::Message>) {
        for output in state.nodes[usize::from(who)].algorithm.step(event) {
            match output {
                Output::Send { to, message } => state.network.send(who, to, message),
                // None of these waits for a time.
                Output::SetAlarm(_) => {}
                Output::Answer(Entered { token }) => {
                    if self.bounds.suspicions > 0 {
                        if !state.tokens.insert(token) {
                            state.broken = Some(SAME);
                        }
                    } else if state.nodes.iter().any(|node| node.program == Program::Inside) {
                        state.broken = Some(EXCLUSION);
                    } else if token <= state.token {
                        state.broken = Some(TOKENS);
                    }
                    state.token = state.token.max(token);
                    let node = &mut state.nodes[usize::from(who)];
                    if node.program == Program::Waiting {
                        node.program = Program::Inside;
                    } else {
                        state.broken = Some(AGAIN);
                    }
                }
            }
        }
    }

    fn arrive(
        &self,
        state: &mut State<A, A::Message>,
        from: Id,
        to: Id,
        packet: &Packet<A::Message>,
    ) {
        match *packet {
            Packet::Began => {
                state.network.meet(from, to);
                self.tell(state, to, Event::Began(from));
            }
            Packet::Down => self.tell(state, to, Event::Down(from)),
            Packet::Up => self.tell(state, to, Event::Up(from)),
            Packet::Message(message) => self.tell(state, to, Event::Came { from, message }),
        }
    }

    /// A node is no more, and everybody else is going to notice.
    fn end(&self, state: &mut State<A, A::Message>, who: Id, is_lost: bool) {
        let node = &mut state.nodes[usize::from(who)];
        (node.program, node.passages) = (Program::Dead, 0);
        state.network.ends(who, is_lost);
        for other in (0..self.bounds.nodes).filter(|&other| other != who) {
            if state.nodes[usize::from(other)].program != Program::Dead {
                state.network.push(who, other, Packet::Down);
            }
        }
    }

    /// A node begins, and everybody else is going to notice.
    fn die(&self, state: &mut State<A, A::Message>, who: Id, is_lost: bool) {
        let node = &mut state.nodes[usize::from(who)];
        node.life += 1;
        node.algorithm = (self.begin)(who, self.bounds.nodes, node.life);
        node.program = Program::Outside;
        state.network.ends(who, is_lost);
        for other in (0..self.bounds.nodes).filter(|&other| other != who) {
            state.network.begins(who, other);
            if state.nodes[usize::from(other)].program == Program::Dead {
                self.tell(state, who, Event::Down(other));
                continue;
            }
            state.network.push(who, other, Packet::Began);
            // It has to notice the other one as well.
            self.tell(state, who, Event::Began(other));
        }
    }
}

impl<A> Model for System<A>
where
    A: Algorithm<Request = Lock, Answer = Entered> + Clone + Debug + Eq + Hash,
    A::Message: Copy + Debug + Eq + Hash,
{
    type State = State<A, A::Message>;
    type Action = Step;

    fn init_states(&self) -> Vec<Self::State> {
        let Bounds { nodes, passages, withdrawals, deaths, ends, suspicions, links } = self.bounds;
        let node = |who| Node {
            algorithm: (self.begin)(who, nodes, 1),
            life: 1,
            program: Program::Outside,
            passages,
        };
        vec![State {
            nodes: (0..nodes).map(node).collect(),
            network: Network::new(nodes),
            token: 0,
            tokens: BTreeSet::new(),
            withdrawals,
            deaths,
            ends,
            suspicions,
            faults: u8::from(matches!(links, Links::Doubling | Links::Losing)),
            broken: None,
        }]
    }

    fn actions(&self, state: &Self::State, steps: &mut Vec<Step>) {
        if state.broken.is_some() {
            return;
        }
        for (who, node) in (0..).zip(&state.nodes) {
            match node.program {
                Program::Outside if node.passages > 0 => steps.push(Step::Enter(who)),
                Program::Waiting if state.withdrawals > 0 => steps.push(Step::GiveUp(who)),
                Program::Outside | Program::Waiting => {}
                Program::Inside => steps.push(Step::Leave(who)),
                Program::Dead => continue,
            }
            if state.ends > 0 {
                steps.extend([Step::End(who, false), Step::End(who, true)]);
            }
            if state.deaths > 0 {
                steps.extend([Step::Die(who, false), Step::Die(who, true)]);
            }
        }
        let is_dead = |who: Id| state.nodes[usize::from(who)].program == Program::Dead;
        for (from, to) in state.network.pairs() {
            let way = state.network.way(from, to);
            if state.suspicions > 0
                && state.network.has_met(from, to)
                && !is_dead(from)
                && !is_dead(to)
            {
                steps.push(Step::Suspect(to, from));
            }
            let Some(first) = way.front() else { continue };
            let arriving = if self.bounds.links == Links::Reordering { way.len() } else { 1 };
            steps.extend((0..arriving).map(|which| Step::Arrive(from, to, which)));
            if state.faults > 0 && *first != Packet::Began {
                steps.push(match self.bounds.links {
                    Links::Doubling => Step::Double(from, to),
                    _ => Step::Lose(from, to),
                });
            }
        }
    }

    fn next_state(&self, state: &Self::State, step: Step) -> Option<Self::State> {
        let mut next = state.clone();
        match step {
            Step::Enter(who) => {
                next.nodes[usize::from(who)].program = Program::Waiting;
                next.nodes[usize::from(who)].passages -= 1;
                self.tell(&mut next, who, Event::Asked(Lock::Enter));
            }
            Step::Leave(who) => {
                next.nodes[usize::from(who)].program = Program::Outside;
                self.tell(&mut next, who, Event::Asked(Lock::Leave));
            }
            Step::GiveUp(who) => {
                next.withdrawals -= 1;
                next.nodes[usize::from(who)].program = Program::Outside;
                self.tell(&mut next, who, Event::Asked(Lock::Leave));
            }
            Step::Arrive(from, to, which) => {
                let packet = next.network.way_mut(from, to).remove(which)?;
                self.arrive(&mut next, from, to, &packet);
            }
            Step::Double(from, to) => {
                next.faults -= 1;
                let packet = next.network.way(from, to).front()?.clone();
                self.arrive(&mut next, from, to, &packet);
            }
            Step::Lose(from, to) => {
                next.faults -= 1;
                next.network.way_mut(from, to).pop_front();
            }
            Step::Die(who, is_lost) => {
                next.deaths -= 1;
                self.die(&mut next, who, is_lost);
            }
            Step::End(who, is_lost) => {
                next.ends -= 1;
                self.end(&mut next, who, is_lost);
            }
            Step::Suspect(who, whom) => {
                next.suspicions -= 1;
                next.network.way_mut(whom, who).push_front(Packet::Up);
                self.tell(&mut next, who, Event::Down(whom));
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("safe", |_, state: &Self::State| state.broken.is_none())]
    }
}

impl<A> Bounded for System<A>
where
    A: Algorithm<Request = Lock, Answer = Entered> + Clone + Debug + Eq + Hash,
    A::Message: Copy + Debug + Eq + Hash,
{
    const STUCK: &str = "somebody waits for ever";

    fn broken(state: &Self::State) -> Option<&'static str> {
        state.broken
    }

    /// Whether everybody has been inside as often as it wanted, or has given up or died.
    fn is_at_its_end(&self, state: &Self::State) -> bool {
        let is_done = |node: &Node<A>| {
            node.passages == 0 && matches!(node.program, Program::Outside | Program::Dead)
        };
        state.nodes.iter().all(is_done)
    }
}
