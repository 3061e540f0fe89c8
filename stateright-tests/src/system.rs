//! Participants that use an algorithm for ever, or for a number of attempts, each step of which is
//! a step of a [`stateright::Model`].

use std::any::Any;
use std::sync::Arc;

use stateright::{Model, Property};

use crate::algorithm::{self, DoorwayClosed, Intent, Slot, Standing, Turn, Withdrawal};
use crate::bounds::{Bounds, Claims, Reset};
use crate::machine::{self, Memory, Register, Rules, Step, Stores, Survey};
use crate::moves::{Make, MoreMoves, Moves};
use crate::state::{Action, Doing, Participant, State};
use crate::walk::walk;

/// That a model is not idle: somebody is found to be in the way of another.
pub(crate) const WAITS: &str = "somebody waits for somebody";

/// How many critical sections the data tells apart: one read from as many ago goes unnoticed.
const GENERATIONS: u64 = 4;

/// An algorithm and its participants.
pub(crate) struct System {
    algorithm: Arc<dyn Moves>,
    more: Option<Arc<dyn MoreMoves>>,
    /// How the number in a slot is read, where there is one.
    number: Option<fn(&dyn Any, Slot) -> u32>,
    initial: Memory,
    /// What the critical section protects, written and read without any order of its own.
    data: Register,
    pub(crate) bounds: Bounds,
    claims: Claims,
    rules: Arc<Rules>,
}

impl System {
    pub(crate) fn new(bounds: Bounds, make: Make) -> Self {
        /// So many more attempts of each participant, and crashes, in the survey.
        const MORE: u8 = 2;

        type Parts = (Arc<dyn Moves>, Option<Arc<dyn MoreMoves>>);

        let whole = |make: fn() -> Box<dyn MoreMoves>| -> Parts {
            let more: Arc<dyn MoreMoves> = make().into();
            (more.clone(), Some(more))
        };
        let ((algorithm, more), mut initial) = machine::build(|| match make {
            Make::Whole(make) | Make::WithNumbers(make, _) => whole(make),
            Make::WithFewerMoves(make) => (make().into(), None),
        });
        let number = match make {
            Make::WithNumbers(_, number) => Some(number),
            _ => None,
        };
        assert!(bounds.crashes == 0 || bounds.stores == Stores::AtOnce, "not modelled");
        let data = initial.add(0);
        initial.add_participants(bounds.participants);
        if !bounds.late {
            machine::at_once(&mut initial, || slots(bounds).for_each(|me| algorithm.join(me)));
        }
        let survey = Survey::new(&initial);
        let rules = Arc::new(Rules { stores: bounds.stores, survey, surveying: true });
        let claims = Claims::default();
        let mut system = Self { algorithm, more, number, initial, data, bounds, claims, rules };
        // Or they are over before anybody has come far.
        system.bounds.attempts = bounds.attempts.map(|attempts| attempts + MORE);
        let more_crashes = if bounds.crashes > 0 { MORE } else { 0 };
        for crashes in [bounds.crashes, bounds.crashes + more_crashes] {
            system.bounds.crashes = crashes;
            walk(&system, |action| matches!(action, Action::Crash(_)));
        }
        system.bounds = bounds;
        let rules = Arc::get_mut(&mut system.rules).expect("nobody else has it");
        rules.surveying = false;
        system
    }

    /// Claims more than exclusion.
    pub(crate) fn claiming(mut self, claims: Claims) -> Self {
        self.claims = claims;
        self
    }

    /// Takes the move of a participant a step further; what comes of it if that was the last one.
    fn advance<R>(
        &self,
        state: &mut State,
        who: usize,
        the_move: impl FnOnce(&dyn Moves, Slot) -> R,
    ) -> Option<Result<R, Pause>> {
        let slot = slot(who);
        let log = &mut state.participants[who].log;
        let step = machine::step(&mut state.memory, log, who, &self.rules, || {
            the_move(&*self.algorithm, slot)
        });
        match step {
            Step::Stalled => None,
            Step::Underway => Some(Err(Pause)),
            Step::Done(result) => Some(Ok(result)),
            Step::Broken(why) => {
                state.broken = Some(why);
                Some(Err(Pause))
            }
        }
    }

    /// The next step of a participant. `None` if it has to wait for its stores.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "as those with arguments")]
    fn step(&self, state: &mut State, who: usize) -> Option<()> {
        self.begin(state, who);
        match state.participants[who].doing {
            Doing::Joining => {
                if self.advance(state, who, |it, me| it.join(me))?.is_ok() {
                    state.participants[who].doing = Doing::Outside;
                }
            }
            Doing::Entering => {
                let intent =
                    if self.bounds.withdrawing { Intent::MayWithdraw } else { Intent::Stay };
                match self.advance(state, who, |it, me| it.enter(me, intent))? {
                    Err(Pause) => {}
                    Ok(Ok(())) => {
                        state.participants[who].doing = Doing::Polling;
                        self.find_place(state, who);
                    }
                    Ok(Err(DoorwayClosed)) => self.out(state, who),
                }
            }
            Doing::Trying => match self.advance(state, who, |_, me| self.more().try_enter(me))? {
                Err(Pause) => {}
                Ok(true) => {
                    self.find_place(state, who);
                    self.go_in(state, who);
                }
                Ok(false) => self.out(state, who),
            },
            Doing::Polling => match self.advance(state, who, |it, me| it.poll(me))? {
                Err(Pause) => {}
                Ok(Turn::Mine) => self.go_in(state, who),
                Ok(Turn::Blocked(by)) => state.participants[who].doing = Doing::Blocked(by),
            },
            Doing::Blocked(by) => {
                match self.advance(state, who, |it, me| it.is_blocked(me, by))? {
                    Ok(false) => state.participants[who].doing = Doing::Polling,
                    Ok(true) if self.bounds.looking => {
                        state.participants[who].doing = Doing::Looking;
                    }
                    Ok(true) | Err(Pause) => {}
                }
            }
            Doing::Looking => {
                if let Ok(ahead) = self.advance(state, who, |_, me| self.more().ahead_of(me))? {
                    state.participants[who].doing = Doing::Polling;
                    self.name(state, who, ahead);
                }
            }
            Doing::Inside { done: false } => self.touch(state, who),
            Doing::Leaving => {
                if self.advance(state, who, |it, me| it.leave(me))?.is_ok() {
                    self.out(state, who);
                }
            }
            Doing::Withdrawing => match self.advance(state, who, |it, me| it.withdraw(me))? {
                Err(Pause) => {}
                Ok(Withdrawal::Done) => self.out(state, who),
                Ok(Withdrawal::Mine) => self.go_in(state, who),
                Ok(Withdrawal::TooLate) => state.participants[who].doing = Doing::Polling,
            },
            Doing::Reset { inside } => {
                let reset = |it: &dyn Moves, me| {
                    match self.bounds.reset {
                        Reset::Recover => return self.more().reset(me),
                        Reset::Either if !inside => drop(it.withdraw(me)),
                        Reset::Leave | Reset::Either => it.leave(me),
                    }
                    algorithm::Reset::Done
                };
                match self.advance(state, who, reset)? {
                    Err(Pause) => {}
                    Ok(algorithm::Reset::Done) => state.participants[who].doing = Doing::Outside,
                    Ok(algorithm::Reset::Later) => {
                        state.participants[who].doing = Doing::Dead { inside, named: false };
                    }
                }
            }
            // Nobody has found out yet.
            Doing::Dead { .. } => return None,
            Doing::Away | Doing::Outside | Doing::Inside { done: true } => {
                unreachable!("`begin` has found something to do")
            }
        }
        Some(())
    }

    /// Turns to what comes next, if nothing is underway.
    fn begin(&self, state: &mut State, who: usize) {
        let in_line = |state: &State| {
            let bits = state.participants.iter().enumerate();
            let has_place = |it: &Participant| it.is_in_line() || it.place.is_some();
            bits.filter(|(_, it)| has_place(it)).fold(0, |bits, (index, _)| bits | 1 << index)
        };
        let before = if self.claims.first_come_first_served { in_line(state) } else { 0 };
        let it = &mut state.participants[who];
        match it.doing {
            Doing::Away => it.doing = Doing::Joining,
            Doing::Outside => {
                it.doing = Doing::Entering;
                it.attempts_left = it.attempts_left.map(|left| left - 1);
                it.before = before & !(1 << who);
            }
            Doing::Inside { done: true } => it.doing = Doing::Leaving,
            Doing::Dead { inside, named } if named || !self.bounds.looking => {
                it.doing = Doing::Reset { inside };
            }
            _ => {}
        }
    }

    fn go_in(&self, state: &mut State, who: usize) {
        let before = state.participants[who].before;
        if (0..state.participants.len())
            .any(|other| before & 1 << other != 0 && state.participants[other].is_in_line())
        {
            state.broken = Some("somebody went in before one that had come first".to_owned());
        }
        state.participants[who].place = None;
        self.no_longer_in_line(state, who);
        state.participants[who].doing = Doing::Inside { done: false };
        let Claims { bypass, passages, .. } = self.claims;
        if bypass.is_none() && passages.is_none() {
            return;
        }
        for index in 0..state.participants.len() {
            let other = &mut state.participants[index];
            if index != who && other.is_in_line() {
                other.bypassed[who] += 1;
                let all: u8 = other.bypassed.iter().sum();
                if let Some(most) = bypass.filter(|&most| other.bypassed[who] > most) {
                    state.broken = Some(format!("bypassed more than {most} times by one other"));
                } else if let Some(most) = passages.filter(|&most| all > most) {
                    state.broken = Some(format!("more than {most} others went first"));
                }
            }
        }
    }

    fn out(&self, state: &mut State, who: usize) {
        self.no_longer_in_line(state, who);
        state.participants[who].doing = Doing::Outside;
    }

    fn no_longer_in_line(&self, state: &mut State, who: usize) {
        let it = &mut state.participants[who];
        it.before = 0;
        it.bypassed.fill(0);
        if it.place.is_none() {
            self.nobody_comes_after(state, who);
        }
    }

    /// It is through its doorway: at the place that it had before, with those before it who were so
    /// then; or at one behind all who had one when it began.
    fn find_place(&self, state: &mut State, who: usize) {
        if !self.claims.keeps_places {
            return;
        }
        let standing =
            machine::at_once(&mut state.memory.clone(), || self.algorithm.standing(slot(who)));
        let Standing::Line(place) = standing else { return };
        match state.participants[who].place {
            Some((had, before)) if had == place => state.participants[who].before = before,
            had => {
                if had.is_some() {
                    self.nobody_comes_after(state, who);
                }
                let it = &mut state.participants[who];
                it.place = Some((place, it.before));
            }
        }
    }

    #[expect(clippy::unused_self, reason = "as the others")]
    fn nobody_comes_after(&self, state: &mut State, who: usize) {
        for other in &mut state.participants {
            other.before &= !(1 << who);
            if let Some((_, before)) = &mut other.place {
                *before &= !(1 << who);
            }
        }
    }

    /// The critical section: what the last one wrote has to be there.
    fn touch(&self, state: &mut State, who: usize) {
        let generation = (state.generation + 1) % GENERATIONS;
        if self.bounds.stores == Stores::ByRegister {
            let seen = state.memory.load(who, self.data);
            if seen != state.generation {
                state.broken = Some("what the last one inside wrote is not there".to_owned());
            }
            state.memory.store_later(who, self.data, generation, false);
            state.generation = generation;
        }
        state.participants[who].doing = Doing::Inside { done: true };
    }

    fn crash(&self, state: &mut State, who: usize) {
        if matches!(state.participants[who].doing, Doing::Entering | Doing::Trying) {
            self.find_place(state, who);
        }
        self.no_longer_in_line(state, who);
        state.crashes_left -= 1;
        let it = &mut state.participants[who];
        it.log.clear();
        let inside = match it.doing {
            Doing::Inside { .. } | Doing::Leaving => true,
            Doing::Reset { inside } => inside,
            _ => false,
        };
        it.doing = Doing::Dead { inside, named: false };
    }

    fn more(&self) -> &dyn MoreMoves {
        self.more.as_deref().expect("models of the fast mutex do not ask for it")
    }

    /// A waiter has found whom it waits for.
    #[expect(clippy::unused_self, reason = "as the others")]
    fn name(&self, state: &mut State, who: usize, ahead: Option<Slot>) {
        let Some(ahead) = ahead.map(Slot::index) else { return };
        match state.participants.get_mut(ahead) {
            Some(_) if ahead == who => state.broken = Some("one waits for itself".to_owned()),
            Some(Participant { doing: Doing::Dead { named, .. }, .. }) => *named = true,
            Some(_) => {}
            None => state.broken = Some("one waits for nobody".to_owned()),
        }
    }

    /// Whether what can be read of the participants is so. Of stores that are on their way it
    /// cannot be asked; and of order only where that is claimed.
    fn standings_agree(&self, state: &State) -> bool {
        if !self.claims.standings || self.bounds.stores != Stores::AtOnce {
            return true;
        }
        let mut memory = state.memory.clone();
        let standings: Vec<_> = machine::at_once(&mut memory, || {
            slots(self.bounds).map(|slot| self.algorithm.standing(slot)).collect()
        });
        let agrees = |who: usize| {
            let it = &state.participants[who];
            let place = |of: usize| (standings[of], of);
            let later = |other: usize| {
                let before = match state.participants[other].doing {
                    _ if !state.participants[other].is_in_line() => false,
                    _ if matches!(it.doing, Doing::Inside { .. }) => true,
                    _ => state.participants[other].before & 1 << who != 0,
                };
                !before || place(who) < place(other)
            };
            match it.doing {
                Doing::Away | Doing::Outside => standings[who] == Standing::Outside,
                Doing::Polling | Doing::Blocked(_) | Doing::Looking | Doing::Inside { .. } => {
                    matches!(standings[who], Standing::Line(_)) && (0..standings.len()).all(later)
                }
                _ => true,
            }
        };
        (0..standings.len()).all(agrees)
    }

    fn numbers_are_bounded(&self, state: &State) -> bool {
        let Some(most) = self.claims.numbers else { return true };
        let number = self.number.expect("models of numbers say how to read them");
        let algorithm: &dyn Any = &*self.algorithm;
        let look = || slots(self.bounds).all(|slot| number(algorithm, slot) <= most);
        machine::at_once(&mut state.memory.clone(), look)
    }
}

fn slot(who: usize) -> Slot {
    Slot::new(u32::try_from(who).expect("a few"))
}

fn slots(bounds: Bounds) -> impl Iterator<Item = Slot> {
    (0..bounds.participants).map(slot)
}

/// The move is not over.
struct Pause;

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let number = self.bounds.participants;
        let counts = self.claims.bypass.is_some() || self.claims.passages.is_some();
        let participant = Participant {
            doing: if self.bounds.late { Doing::Away } else { Doing::Outside },
            log: Vec::new(),
            attempts_left: self.bounds.attempts,
            before: 0,
            place: None,
            bypassed: vec![0; if counts { number } else { 0 }],
        };
        vec![State {
            memory: self.initial.clone(),
            participants: vec![participant; number],
            crashes_left: self.bounds.crashes,
            generation: 0,
            broken: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken.is_some() {
            return;
        }
        for (who, it) in state.participants.iter().enumerate() {
            match it.doing {
                Doing::Outside if it.attempts_left == Some(0) => {}
                _ => actions.push(Action::Step(who)),
            }
            if self.bounds.withdrawing && matches!(it.doing, Doing::Blocked(_)) && it.log.is_empty()
            {
                actions.push(Action::Withdraw(who));
            }
            if self.bounds.trying && it.doing == Doing::Outside && it.attempts_left != Some(0) {
                actions.push(Action::Try(who));
            }
            let arrivals = state.memory.may_arrive(who, self.bounds.stores);
            actions.extend(arrivals.map(|index| Action::Arrival(who, index)));
            let idle = matches!(it.doing, Doing::Dead { .. } | Doing::Away | Doing::Outside);
            if state.crashes_left > 0 && !idle {
                actions.push(Action::Crash(who));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Step(who) => self.step(&mut state, who)?,
            Action::Try(who) => {
                self.begin(&mut state, who);
                state.participants[who].doing = Doing::Trying;
                self.step(&mut state, who)?;
            }
            Action::Withdraw(who) => {
                state.participants[who].doing = Doing::Withdrawing;
                // It gives up its turn with this, whatever comes of it.
                if !self.claims.keeps_places {
                    self.nobody_comes_after(&mut state, who);
                }
                self.step(&mut state, who)?;
            }
            Action::Arrival(who, index) => state.memory.arrive(who, index),
            Action::Crash(who) => self.crash(&mut state, who),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("exclusion", |_, state: &State| state.inside() <= 1),
            Property::always("nothing is broken", |_, state: &State| state.broken.is_none()),
            Property::always("numbers are bounded", |system: &Self, state| {
                system.numbers_are_bounded(state)
            }),
            Property::always("standings agree", |system: &Self, state| {
                system.standings_agree(state)
            }),
            Property::sometimes(WAITS, |_, state: &State| {
                state.participants.iter().any(|it| matches!(it.doing, Doing::Blocked(_)))
            }),
        ]
    }
}
