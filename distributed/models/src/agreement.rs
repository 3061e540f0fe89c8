//! Nodes that agree on something: what they have ever sent, and everything that can happen next.
//!
//! What was sent once may arrive at any time: never, twice, after what was sent later, in another life of
//! who sent it. So a state has everything that was ever sent.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::Ordering::Relaxed;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::algorithm::{Algorithm, Durable, Event, Id, Output};
use crate::explore::{MOST_STATES, Violation, told};

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) nodes: Id,
    /// How often each one's alarm goes off.
    pub(crate) alarms: &'static [u8],
    /// How often each one dies, and begins again.
    pub(crate) deaths: &'static [u8],
    /// Whether it has forgotten what it had stored, then.
    pub(crate) forgets: bool,
    pub(crate) late: Late,
}

/// What may arrive although nothing should come of it any more ([`Subject::is_over`]): many more states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    Nothing,
    Answers,
    All,
}

/// What something does not break in a model that is one value of this.
pub(crate) type Claimed = Result<(), &'static str>;

/// What is agreed on, and what is claimed of that.
pub(crate) trait Subject: Copy + Send + Sync + 'static {
    type Request: Copy;
    type Answer;
    type Message: Copy + Debug + Ord + Hash + Send + Sync;
    type Stored: Default;
    type Node: Durable<
            Request = Self::Request,
            Answer = Self::Answer,
            Message = Self::Message,
            Stored = Self::Stored,
        > + Clone
        + Debug
        + Eq
        + Hash
        + Send
        + Sync;
    /// What has been seen from outside.
    type Seen: Clone + Debug + PartialEq + Hash + Send + Sync;

    fn begin(&self, me: Id, nodes: Id, stored: Self::Stored) -> Self::Node;
    fn nothing_seen(&self, nodes: Id) -> Self::Seen;
    /// What the program at a node asks for next, which has asked so often.
    fn request(&self, seen: &Self::Seen, who: Id, asked: u8) -> Option<Self::Request>;
    fn asks(&self, seen: &mut Self::Seen, who: Id, request: Self::Request);
    fn answers(
        &self,
        nodes: &[Self::Node],
        seen: &mut Self::Seen,
        who: Id,
        answer: Self::Answer,
    ) -> Claimed;
    fn dies(&self, seen: &mut Self::Seen, who: Id);
    /// Whether this message would change nothing any more, or what comes of it would not.
    fn is_over(&self, nodes: &[Self::Node], packet: &Packet<Self::Message>) -> bool;
    fn is_answer(&self, message: &Self::Message) -> bool;
    /// What is claimed of all states.
    fn look(&self, nodes: &[Self::Node], seen: &mut Self::Seen) -> Claimed;
    /// What a program asks for to bring everything to an end, of which one node never comes back.
    fn end(
        &self,
        node: &Self::Node,
        seen: &Self::Seen,
        who: Id,
        dead: Option<Id>,
    ) -> Option<Self::Request>;
    /// Whether everything has come to its end.
    fn is_done(&self, nodes: &[Self::Node], seen: &Self::Seen, dead: Option<Id>) -> bool;
}

#[derive(Clone, Copy)]
pub(crate) struct System<S> {
    pub(crate) bounds: Bounds,
    pub(crate) subject: S,
}

#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct State<N, M, S> {
    nodes: Vec<N>,
    sent: BTreeSet<Packet<M>>,
    asked: Vec<u8>,
    alarms: Vec<u8>,
    deaths: Vec<u8>,
    seen: S,
    broken: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Packet<M> {
    pub(crate) from: Id,
    pub(crate) to: Id,
    pub(crate) message: M,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step<M> {
    Ask(Id),
    Arrive(Packet<M>),
    Alarm(Id),
    Die(Id),
}

type StateOf<S> = State<<S as Subject>::Node, <S as Subject>::Message, <S as Subject>::Seen>;

/// The number of states, if what is claimed holds in each, and if each can come to its end by any majority.
pub(crate) fn explore<S: Subject>(system: System<S>) -> Result<usize, Violation> {
    let most = MOST_STATES.load(Relaxed);
    let checker = system
        .checker()
        .target_state_count(most)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    if let Some((_, path)) = checker.discoveries().into_iter().next() {
        let last = path.last_state();
        let claim = last.broken.or_else(|| system.stuck(last)).unwrap_or_default().to_owned();
        return Err(Violation { claim, steps: told(path.into_actions()) });
    }
    let states = checker.unique_state_count();
    if states >= most {
        return Err(Violation { claim: "the states have no end".to_owned(), steps: Vec::new() });
    }
    Ok(states)
}

impl<S: Subject> System<S> {
    /// Has a node take notice. What it sends.
    fn tell(
        &self,
        state: &mut StateOf<S>,
        who: Id,
        event: Event<S::Request, S::Message>,
    ) -> Vec<Packet<S::Message>> {
        let mut sent = Vec::new();
        for output in state.nodes[usize::from(who)].step(event) {
            match output {
                Output::Send { to, message } => sent.push(Packet { from: who, to, message }),
                Output::Answer(answer) => {
                    let claimed = self.subject.answers(&state.nodes, &mut state.seen, who, answer);
                    state.broken = state.broken.or(claimed.err());
                }
                // An alarm may go off at any time, or be late.
                Output::SetAlarm(_) => {}
            }
        }
        let claimed = self.subject.look(&state.nodes, &mut state.seen);
        state.broken = state.broken.or(claimed.err());
        sent
    }

    fn ask(&self, state: &mut StateOf<S>, who: Id, request: S::Request) -> Vec<Packet<S::Message>> {
        self.subject.asks(&mut state.seen, who, request);
        self.tell(state, who, Event::Asked(request))
    }

    fn die(&self, state: &mut StateOf<S>, who: Id) {
        let node = &mut state.nodes[usize::from(who)];
        let stored = if self.bounds.forgets { S::Stored::default() } else { node.stored() };
        *node = self.subject.begin(who, self.bounds.nodes, stored);
        self.subject.dies(&mut state.seen, who);
    }

    /// What goes wrong from here on if everything is lost that is on its way, any one node never comes back,
    /// and then nothing else happens: the others' alarms go off one after another.
    fn stuck(&self, state: &StateOf<S>) -> Option<&'static str> {
        let nodes = self.bounds.nodes;
        // Of two nodes none is left out: the other one is no majority.
        let dead: Vec<_> = if nodes > 2 { (0..nodes).map(Some).collect() } else { vec![None] };
        dead.into_iter().find_map(|dead| self.stuck_without(state, dead))
    }

    fn stuck_without(&self, state: &StateOf<S>, dead: Option<Id>) -> Option<&'static str> {
        const ROUNDS: usize = 8;
        let mut state = State { sent: BTreeSet::new(), ..state.clone() };
        for _ in 0..ROUNDS {
            for who in (0..self.bounds.nodes).filter(|&who| Some(who) != dead) {
                if self.subject.is_done(&state.nodes, &state.seen, dead) {
                    return None;
                }
                let mut sent = VecDeque::new();
                let node = &state.nodes[usize::from(who)];
                if let Some(request) = self.subject.end(node, &state.seen, who, dead) {
                    sent.extend(self.ask(&mut state, who, request));
                }
                sent.extend(self.tell(&mut state, who, Event::Alarm));
                self.deliver(&mut state, sent, dead);
                if state.broken.is_some() {
                    return state.broken;
                }
            }
        }
        (!self.subject.is_done(&state.nodes, &state.seen, dead)).then_some(STUCK)
    }

    fn deliver(
        &self,
        state: &mut StateOf<S>,
        mut sent: VecDeque<Packet<S::Message>>,
        dead: Option<Id>,
    ) {
        const MOST: usize = 500;
        for _ in 0..MOST {
            let Some(Packet { from, to, message }) = sent.pop_front() else { return };
            if Some(to) != dead && state.broken.is_none() {
                sent.extend(self.tell(state, to, Event::Came { from, message }));
            }
        }
        state.broken = Some("nodes send without an end");
    }
}

const STUCK: &str = "a majority does not come to an end";

impl<S: Subject> Model for System<S> {
    type State = StateOf<S>;
    type Action = Step<S::Message>;

    fn init_states(&self) -> Vec<Self::State> {
        let nodes = self.bounds.nodes;
        vec![State {
            nodes: (0..nodes)
                .map(|me| self.subject.begin(me, nodes, S::Stored::default()))
                .collect(),
            sent: BTreeSet::new(),
            asked: vec![0; nodes.into()],
            alarms: self.bounds.alarms.to_vec(),
            deaths: self.bounds.deaths.to_vec(),
            seen: self.subject.nothing_seen(nodes),
            broken: None,
        }]
    }

    fn actions(&self, state: &Self::State, steps: &mut Vec<Self::Action>) {
        if state.broken.is_some() {
            return;
        }
        for who in 0..self.bounds.nodes {
            let at = usize::from(who);
            if self.subject.request(&state.seen, who, state.asked[at]).is_some() {
                steps.push(Step::Ask(who));
            }
            if state.alarms.get(at).is_some_and(|&left| left > 0) {
                steps.push(Step::Alarm(who));
            }
            if state.deaths.get(at).is_some_and(|&left| left > 0) {
                steps.push(Step::Die(who));
            }
        }
        steps.extend(state.sent.iter().copied().map(Step::Arrive));
    }

    fn next_state(&self, state: &Self::State, step: Self::Action) -> Option<Self::State> {
        let mut next = state.clone();
        let sent = match step {
            Step::Ask(who) => {
                let asked = &mut next.asked[usize::from(who)];
                let request = self.subject.request(&next.seen, who, *asked)?;
                *asked += 1;
                self.ask(&mut next, who, request)
            }
            Step::Arrive(Packet { from, to, message }) => {
                self.tell(&mut next, to, Event::Came { from, message })
            }
            Step::Alarm(who) => {
                next.alarms[usize::from(who)] -= 1;
                self.tell(&mut next, who, Event::Alarm)
            }
            Step::Die(who) => {
                next.deaths[usize::from(who)] -= 1;
                self.die(&mut next, who);
                Vec::new()
            }
        };
        next.sent.extend(sent);
        next.sent.retain(|packet| {
            let is_kept = match self.bounds.late {
                Late::Nothing => false,
                Late::Answers => self.subject.is_answer(&packet.message),
                Late::All => true,
            };
            is_kept || !self.subject.is_over(&next.nodes, packet)
        });
        // What changes nothing is no step.
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("safe", |_, state: &Self::State| state.broken.is_none()),
            Property::always("goes on", |system: &Self, state: &Self::State| {
                state.broken.is_some() || system.stuck(state).is_none()
            }),
        ]
    }
}
