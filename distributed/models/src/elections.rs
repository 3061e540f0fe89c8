//! Nodes that elect a leader: who lives, what is on its way, when alarms go off, and everything that can happen next.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::{self, Debug};
use std::hash::Hash;

use stateright::{Model, Property};

use crate::algorithm::{Algorithm, Event, Id, Led, Output, Patience};
use crate::explore::{self, Bounded};
use crate::network::{Network, Packet};
use crate::system::Links;

/// What nodes there are, and what may happen to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) nodes: Id,
    /// How often a node dies, and begins again.
    pub(crate) deaths: u8,
    /// How often a node dies for good.
    pub(crate) ends: u8,
    /// How often a node is taken for dead that is not.
    pub(crate) suspicions: u8,
    /// How often a message is under way for longer than patience allows.
    pub(crate) late: u8,
    pub(crate) links: Links,
    /// How nodes notice that others live or do not.
    pub(crate) notice: Notice,
    pub(crate) claim: Claim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// They are told.
    Told,
    /// By alarms.
    Alarms,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// No two lead by the same term.
    Terms,
    /// Nor at once.
    One,
    /// And the later one leads by the greater term.
    Order,
}

/// Nodes of one algorithm.
#[derive(Clone, Copy)]
pub(crate) struct System<A> {
    pub(crate) bounds: Bounds,
    /// A node that begins, of so many, in which of its lives, after this one.
    pub(crate) begin: fn(Id, Id, u32, Option<&A>) -> A,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<A, M> {
    nodes: Vec<Node<A>>,
    network: Network<Sent<M>>,
    /// By which terms nodes have been said to lead, and who.
    terms: BTreeMap<u32, Id>,
    /// The greatest by which a node has led.
    term: u32,
    deaths: u8,
    ends: u8,
    suspicions: u8,
    late: u8,
    /// How many messages may still be doubled or lost.
    faults: u8,
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node<A> {
    algorithm: A,
    life: u32,
    is_dead: bool,
    led: Led,
    /// After so many ticks; if it is one for long, then or later.
    alarm: Option<(u8, Patience)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent<M> {
    message: M,
    age: Age,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Age {
    New,
    /// Sent before the last tick: the next one waits for it to arrive.
    Old,
    /// No tick waits for it.
    Late,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
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
    Alarm(Id),
    Tick,
}

pub(crate) const TWO: &str = "two lead";
const SAME: &str = "two lead by the same term";
pub(crate) const STUCK: &str = "not all come to follow the greatest that lives";
pub(crate) const SMALLER: &str = "the later one leads by a smaller term";

/// More than a message, sent just before a tick, and its answer take: each arrives before the second tick
/// after it was sent.
const SHORT: u8 = 3;
/// More than from one message to the next of a leader that sends one after each short while.
const LONG: u8 = 5;

impl<A> System<A>
where
    A: Algorithm<Request = Infallible, Answer = Led>,
    A::Message: Copy,
{
    /// Has a node take notice, and does what it says.
    fn tell(
        &self,
        state: &mut State<A, A::Message>,
        who: Id,
        event: Event<Infallible, A::Message>,
    ) {
        let at = usize::from(who);
        for output in state.nodes[at].algorithm.step(event) {
            match output {
                Output::Send { to, message } => {
                    state.network.send(who, to, Sent { message, age: Age::New });
                }
                Output::SetAlarm(patience) => state.nodes[at].set_alarm(patience),
                Output::Answer(led) => self.led(state, who, led),
            }
        }
    }

    fn led(&self, state: &mut State<A, A::Message>, who: Id, led: Led) {
        state.nodes[usize::from(who)].led = led;
        let Led { by: Some(by), term } = led else { return };
        if *state.terms.entry(term).or_insert(by) != by {
            state.broken = Some(SAME);
        }
        if by != who {
            return;
        }
        let mut nodes = (0..).zip(&state.nodes);
        let is_beside = nodes.any(|(other, node)| other != who && node.leads(other));
        if self.bounds.claim >= Claim::One && is_beside {
            state.broken = Some(TWO);
        } else if self.bounds.claim >= Claim::Order && term <= state.term {
            state.broken = Some(SMALLER);
        }
        state.term = state.term.max(term);
    }

    fn arrive(
        &self,
        state: &mut State<A, A::Message>,
        from: Id,
        to: Id,
        packet: &Packet<Sent<A::Message>>,
    ) {
        match *packet {
            Packet::Began => {
                state.network.meet(from, to);
                self.tell(state, to, Event::Began(from));
            }
            Packet::Down => self.tell(state, to, Event::Down(from)),
            Packet::Up => self.tell(state, to, Event::Up(from)),
            Packet::Message(Sent { message, .. }) => {
                self.tell(state, to, Event::Came { from, message });
            }
        }
    }

    fn end(&self, state: &mut State<A, A::Message>, who: Id, is_lost: bool) {
        let node = &mut state.nodes[usize::from(who)];
        (node.is_dead, node.led, node.alarm) = (true, Led::BY_NOBODY, None);
        state.network.ends(who, is_lost);
        for other in (0..self.bounds.nodes).filter(|&other| other != who) {
            if !state.nodes[usize::from(other)].is_dead && self.bounds.notice == Notice::Told {
                state.network.push(who, other, Packet::Down);
            }
        }
    }

    fn die(&self, state: &mut State<A, A::Message>, who: Id, is_lost: bool) {
        let node = &mut state.nodes[usize::from(who)];
        let life = node.life + 1;
        let algorithm = (self.begin)(who, self.bounds.nodes, life, Some(&node.algorithm));
        *node = Node::new(algorithm, life, self.bounds.notice);
        state.network.ends(who, is_lost);
        for other in (0..self.bounds.nodes).filter(|&other| other != who) {
            state.network.begins(who, other);
            let is_dead = state.nodes[usize::from(other)].is_dead;
            match self.bounds.notice {
                Notice::Alarms => {
                    if !is_dead {
                        state.network.begins(other, who);
                    }
                }
                Notice::Told if is_dead => self.tell(state, who, Event::Down(other)),
                Notice::Told => {
                    state.network.push(who, other, Packet::Began);
                    self.tell(state, who, Event::Began(other));
                }
            }
        }
    }

    /// How many messages may still be late after a tick, if nothing else has to happen before it.
    fn can_tick(&self, state: &State<A, A::Message>) -> Option<u8> {
        let is_old = |packet: &&_| matches!(packet, &&Packet::Message(Sent { age: Age::Old, .. }));
        let old = |(from, to)| state.network.way(from, to).iter().filter(is_old).count();
        let old: usize = state.network.pairs().map(old).sum();
        let is_due = |node: &Node<A>| node.alarm == Some((0, Patience::Short));
        let late = state.late.checked_sub(u8::try_from(old).ok()?)?;
        let can = self.bounds.notice == Notice::Alarms && !state.nodes.iter().any(is_due);
        can.then_some(late)
    }
}

impl<A> Node<A> {
    fn new(algorithm: A, life: u32, notice: Notice) -> Self {
        let mut node = Self { algorithm, life, is_dead: false, led: Led::BY_NOBODY, alarm: None };
        if notice == Notice::Alarms {
            node.set_alarm(Patience::Long);
        }
        node
    }

    fn set_alarm(&mut self, patience: Patience) {
        let ticks = match patience {
            Patience::Short => SHORT,
            Patience::Long => LONG,
        };
        self.alarm = Some((ticks, patience));
    }

    fn leads(&self, me: Id) -> bool {
        self.led.by == Some(me)
    }
}

impl<A> Model for System<A>
where
    A: Algorithm<Request = Infallible, Answer = Led> + Clone + Debug + Eq + Hash,
    A::Message: Copy + Debug + Eq + Hash,
{
    type State = State<A, A::Message>;
    type Action = Step;

    fn init_states(&self) -> Vec<Self::State> {
        let Bounds { nodes, deaths, ends, suspicions, late, links, notice, .. } = self.bounds;
        let network = match notice {
            Notice::Told => Network::new(nodes),
            Notice::Alarms => Network::without_notices(nodes),
        };
        vec![State {
            nodes: (0..nodes)
                .map(|who| Node::new((self.begin)(who, nodes, 1, None), 1, notice))
                .collect(),
            network,
            terms: BTreeMap::new(),
            term: 0,
            deaths,
            ends,
            suspicions,
            late,
            faults: u8::from(matches!(links, Links::Doubling | Links::Losing)),
            broken: None,
        }]
    }

    fn actions(&self, state: &Self::State, steps: &mut Vec<Step>) {
        if state.broken.is_some() {
            return;
        }
        for (who, node) in (0..).zip(&state.nodes).filter(|(_, node)| !node.is_dead) {
            if matches!(node.alarm, Some((0, _))) {
                steps.push(Step::Alarm(who));
            }
            if state.ends > 0 {
                steps.extend([Step::End(who, false), Step::End(who, true)]);
            }
            if state.deaths > 0 {
                steps.extend([Step::Die(who, false), Step::Die(who, true)]);
            }
        }
        if self.can_tick(state).is_some() {
            steps.push(Step::Tick);
        }
        let is_dead = |who: Id| state.nodes[usize::from(who)].is_dead;
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
            Step::Alarm(who) => {
                next.nodes[usize::from(who)].alarm = None;
                self.tell(&mut next, who, Event::Alarm);
            }
            Step::Tick => {
                next.late = self.can_tick(state)?;
                for (from, to) in next.network.pairs() {
                    for packet in next.network.way_mut(from, to) {
                        if let Packet::Message(Sent { age, .. }) = packet {
                            *age = if *age == Age::New { Age::Old } else { Age::Late };
                        }
                    }
                }
                for (ticks, _) in next.nodes.iter_mut().filter_map(|node| node.alarm.as_mut()) {
                    *ticks = ticks.saturating_sub(1);
                }
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
    A: Algorithm<Request = Infallible, Answer = Led> + Clone + Debug + Eq + Hash,
    A::Message: Copy + Debug + Eq + Hash,
{
    const STUCK: &str = STUCK;

    fn broken(state: &Self::State) -> Option<&'static str> {
        state.broken
    }

    fn is_at_its_end(&self, state: &Self::State) -> bool {
        let living = || (0..).zip(&state.nodes).filter(|(_, node)| !node.is_dead);
        let Some((greatest, leader)) = living().last() else { return true };
        // By alarms a leader goes on saying that it leads.
        let is_quiet = self.bounds.notice == Notice::Alarms || state.network.is_empty();
        is_quiet && leader.leads(greatest) && living().all(|(_, node)| node.led == leader.led)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, deaths, ends, suspicions, late, links, claim, .. } = *self;
        write!(f, "{nodes} nodes")?;
        let kinds = [
            (deaths, "deaths"),
            (ends, "deaths for good"),
            (suspicions, "wrong suspicions"),
            (late, "late messages"),
        ];
        for (number, kind) in kinds.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, ", {number} {kind}")?;
        }
        write!(f, "{links}")?;
        match claim {
            Claim::Terms => write!(f, ", one leader a term"),
            Claim::One => write!(f, ", one leader"),
            Claim::Order => write!(f, ", one leader, by a greater term"),
        }
    }
}

/// The model of an election within bounds.
pub(crate) fn model<A>(
    name: &str,
    bounds: Bounds,
    fails: Option<&'static str>,
    begin: fn(Id, Id, u32, Option<&A>) -> A,
) -> crate::model::Model
where
    A: Algorithm<Request = Infallible, Answer = Led>
        + Clone
        + Debug
        + Eq
        + Hash
        + Send
        + Sync
        + 'static,
    A::Message: Copy + Debug + Eq + Hash + Send + Sync + 'static,
{
    let explore = Box::new(move || explore::explore(&System { bounds, begin }));
    crate::model::Model { name: format!("{name}: {bounds}"), is_slow: false, fails, explore }
}
