//! One task that has all of a node: the algorithm, its links, and who waits for what.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::journal::Journal;
use super::memory::Memory as _;
use super::{Config, Error, Result, Run};
use crate::algorithm::{Event, Id, Nodes, Output, Patience};
use crate::transport::link::Link;
use crate::transport::{Arrival, Connection, Silence, begin, encode};

/// How many things may have come that were not looked at.
const ARRIVALS: usize = 1024;
/// How much is looked at before anything is written.
const AT_ONCE: usize = 64;

/// Something that the program asks for.
#[derive(Debug)]
pub(super) struct Command<R> {
    pub(super) number: u64,
    pub(super) request: R,
    pub(super) done: Option<oneshot::Sender<()>>,
}

/// How it stands between a node and the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whom it has met, in whatever life.
    pub met: Nodes,
    /// To whom it is connected.
    pub connected: Nodes,
    /// Of whom it has not heard for longer than the [patience](Config::patience): they are suspected, and
    /// nothing more is known.
    pub silent: Nodes,
    /// How often one was suspected.
    pub suspicions: u64,
    /// How many of the algorithm's messages it has sent in this life, what goes round for nothing included.
    pub sent: u64,
    /// How many have come.
    pub received: u64,
    /// How many it keeps because they were not confirmed.
    pub kept: usize,
    /// Why a connection was closed or not taken, the last time.
    pub refused: Option<String>,
    /// Why the node has ended by itself: what it has to remember could not be written.
    pub failed: Option<String>,
    pub(super) most_kept: usize,
}

type Happening<A> =
    Event<<A as crate::algorithm::Algorithm>::Request, <A as crate::algorithm::Algorithm>::Message>;

/// What a node has of another one.
pub(super) struct Peer<A: Run> {
    pub(super) link: Link<Vec<u8>>,
    pub(super) connection: Option<Connection>,
    /// What pauses, and what came behind it.
    paused: VecDeque<Happening<A>>,
    until: Option<Instant>,
    /// What it sent last of what goes round.
    last_round: Option<A::Message>,
}

pub(super) struct Running<A: Run> {
    pub(super) config: Config,
    pub(super) name: String,
    algorithm: A,
    journal: Journal<A::Memory>,
    pub(super) peers: Vec<Peer<A>>,
    began: Instant,
    silence: Silence,
    /// When this node looked last who is silent.
    looked: Duration,
    alarm: Option<Instant>,
    /// The last request's number.
    asked: u64,
    /// Whether the program waits for something.
    waits: bool,
    /// What the program is told once it is remembered.
    told: Vec<(u64, A::Answer)>,
    pub(super) status: Status,
    commands: mpsc::UnboundedReceiver<Command<A::Request>>,
    answers: mpsc::UnboundedSender<(u64, A::Answer)>,
    show: watch::Sender<Status>,
    arrivals: mpsc::Receiver<Arrival>,
    beat: Interval,
    /// Ended when this is dropped.
    tasks: JoinSet<()>,
}

impl<A: Run> Running<A> {
    pub(super) async fn begin(
        config: Config,
        commands: mpsc::UnboundedReceiver<Command<A::Request>>,
        answers: mpsc::UnboundedSender<(u64, A::Answer)>,
        show: watch::Sender<Status>,
    ) -> Result<Self> {
        let (me, nodes, life) = (config.me, config.count(), config.life);
        let name = format!("{} {}", A::NAME, config.name);
        let journal = match &config.journal {
            Some(path) if A::Memory::IS_KEPT => {
                let bad = |source| Error::BadJournal { path: path.display().to_string(), source };
                Journal::open(path, &name, nodes, me).map_err(bad)?
            }
            None if A::Memory::IS_KEPT => {
                let why = format!("{} needs a journal", A::NAME);
                return Err(Error::BadConfig { why });
            }
            _ => Journal::none(),
        };
        let (arrive, arrivals) = mpsc::channel(ARRIVALS);
        let tasks = begin(me, &config.nodes, config.patience, arrive).await.map_err(|source| {
            let address = config.nodes[usize::from(me)].clone();
            Error::Unlistenable { node: me, address, source }
        })?;
        let peer = |_| Peer {
            link: Link::new(life),
            connection: None,
            paused: VecDeque::new(),
            until: None,
            last_round: None,
        };
        let mut beat = interval(config.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silence = Silence::new(nodes, config.patience, Duration::ZERO);
        silence.heard(me, Duration::MAX);
        Ok(Self {
            name,
            algorithm: A::begin(me, nodes, life, journal.memory()),
            journal,
            peers: (0..nodes).map(peer).collect(),
            began: Instant::now(),
            silence,
            looked: Duration::ZERO,
            alarm: Some(Instant::now() + config.time(Patience::Long)),
            asked: 0,
            waits: false,
            told: Vec::new(),
            status: Status { most_kept: config.most_kept, ..Status::default() },
            commands,
            answers,
            show,
            arrivals,
            beat,
            config,
            tasks,
        })
    }

    /// Until nobody asks for anything any more.
    pub(super) async fn go_on(mut self) {
        loop {
            let pause = self.peers.iter().filter_map(|peer| peer.until).min();
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.asked(command),
                    None => break,
                },
                Some(arrival) = self.arrivals.recv() => self.arrived(arrival),
                () = sleep_until(pause.unwrap_or(self.began)), if pause.is_some() => {
                    self.end_pauses(Some(Instant::now()));
                }
                () = sleep_until(self.alarm.unwrap_or(self.began)), if self.alarm.is_some() => {
                    self.alarm = None;
                    self.step(Event::Alarm);
                }
                _ = self.beat.tick() => self.look(),
            }
            for _ in 0..AT_ONCE {
                let Ok(arrival) = self.arrivals.try_recv() else { break };
                self.arrived(arrival);
            }
            self.say();
            self.show();
            if self.status.failed.is_some() {
                break;
            }
        }
        self.tasks.shutdown().await;
    }

    fn asked(&mut self, Command { number, request, done }: Command<A::Request>) {
        self.asked = number;
        self.waits = A::waits_after(&request);
        self.step(Event::Asked(request));
        // What pauses may be what it waits for.
        self.end_pauses(None);
        if let Some(done) = done {
            self.say();
            // Whoever asked may not wait for it any more.
            let _ = done.send(());
        }
    }

    fn step(&mut self, event: Happening<A>) {
        for output in self.algorithm.step(event) {
            match output {
                Output::Send { to, message } => {
                    if self.peers[usize::from(to)].link.send(encode(&message)) {
                        self.status.sent += 1;
                    }
                }
                Output::Answer(answer) => self.told.push((self.asked, answer)),
                Output::SetAlarm(patience) => {
                    self.alarm = Some(Instant::now() + self.config.time(patience));
                }
            }
        }
    }

    /// Says what steps have said, to the others and to the program: after it is remembered.
    fn say(&mut self) {
        if let Err(error) = self.journal.remember(self.algorithm.memory()) {
            self.status.failed = Some(format!("what it remembers was not written: {error}"));
        }
        // What may be forgotten must not be said.
        if self.status.failed.is_some() {
            return;
        }
        self.write_all();
        for answer in self.told.drain(..) {
            // The node may be on its way out.
            let _ = self.answers.send(answer);
        }
    }

    fn show(&mut self) {
        self.status.kept = self.peers.iter().map(|peer| peer.link.kept()).sum();
        self.show.send_if_modified(|shown| {
            let is_new = *shown != self.status;
            if is_new {
                shown.clone_from(&self.status);
            }
            is_new
        });
    }
}

/// Suspicion.
impl<A: Run> Running<A> {
    /// This one was heard of.
    pub(super) fn heard(&mut self, node: Id) {
        self.silence.heard(node, self.began.elapsed());
        if self.status.silent.remove(node) {
            self.tell(node, Event::Up(node));
        }
    }

    /// It has begun, or it is connected again.
    pub(super) fn met(&mut self, node: Id, is_new: bool) {
        self.status.connected.insert(node);
        self.status.met.insert(node);
        if is_new {
            self.silence.heard(node, self.began.elapsed());
            self.status.silent.remove(node);
            self.tell(node, Event::Began(node));
        } else {
            self.heard(node);
        }
    }

    /// Says that this node is there, and looks who is silent.
    fn look(&mut self) {
        self.beat();
        let now = self.began.elapsed();
        // One that has not looked for so long cannot say who was silent meanwhile: it was stopped itself.
        if now.saturating_sub(self.looked) > self.config.patience / 2 {
            self.silence.forgive(now);
        }
        self.looked = now;
        for node in self.silence.silent(now).iter() {
            if self.status.silent.insert(node) {
                self.status.suspicions += 1;
                self.tell(node, Event::Down(node));
            }
        }
    }
}

/// What pauses.
impl<A: Run> Running<A> {
    /// Has the algorithm take notice, in the order in which things came from this node.
    pub(super) fn tell(&mut self, from: Id, event: Happening<A>) {
        let peer = &mut self.peers[usize::from(from)];
        if let Event::Came { message, .. } = &event
            && A::goes_round(message)
        {
            let is_idle = peer.last_round.as_ref() == Some(message);
            peer.last_round = Some(message.clone());
            if is_idle && !self.waits && peer.paused.is_empty() {
                peer.until = Some(Instant::now() + self.config.pause);
                peer.paused.push_back(event);
                return;
            }
        }
        if peer.paused.is_empty() {
            self.step(event);
        } else {
            peer.paused.push_back(event);
        }
    }

    /// Those that end by then, or all.
    fn end_pauses(&mut self, now: Option<Instant>) {
        for node in 0..self.peers.len() {
            let peer = &mut self.peers[node];
            if peer.until.is_some_and(|until| now.is_none_or(|now| until <= now)) {
                peer.until = None;
                for event in std::mem::take(&mut peer.paused) {
                    self.step(event);
                }
            }
        }
    }
}
