//! One task that has all of a node: the algorithm, its links, and who waits for what.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::{Config, Error, Result, Run};
use crate::algorithm::{Event, Id, Nodes, Output};
use crate::transport::link::Link;
use crate::transport::{Arrival, Connection, Frame, Introduction, Silence, begin, decode, encode};

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
    /// How many of the algorithm's messages it has sent in this life, what goes round for nothing included.
    pub sent: u64,
    /// How many have come.
    pub received: u64,
    /// How many it keeps because they were not confirmed.
    pub kept: usize,
    /// Why a connection was closed or not taken, the last time.
    pub refused: Option<String>,
    pub(super) most_kept: usize,
}

type Happening<A> =
    Event<<A as crate::algorithm::Algorithm>::Request, <A as crate::algorithm::Algorithm>::Message>;

/// What a node has of another one.
struct Peer<A: Run> {
    link: Link<Vec<u8>>,
    connection: Option<Connection>,
    /// What pauses, and what came behind it.
    paused: VecDeque<Happening<A>>,
    until: Option<Instant>,
    /// What it sent last of what goes round.
    last_round: Option<A::Message>,
}

pub(super) struct Running<A: Run> {
    config: Config,
    name: String,
    algorithm: A,
    peers: Vec<Peer<A>>,
    began: Instant,
    silence: Silence,
    /// The last request's number.
    asked: u64,
    /// Whether the program waits for something.
    waits: bool,
    status: Status,
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
            name: format!("{} {}", A::NAME, config.name),
            algorithm: A::begin(me, nodes, life),
            peers: (0..nodes).map(peer).collect(),
            began: Instant::now(),
            silence,
            asked: 0,
            waits: false,
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
                _ = self.beat.tick() => self.beat(),
            }
            for _ in 0..AT_ONCE {
                let Ok(arrival) = self.arrivals.try_recv() else { break };
                self.arrived(arrival);
            }
            self.write_all();
            self.show();
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
            self.write_all();
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
                // The node may be on its way out.
                Output::Answer(answer) => drop(self.answers.send((self.asked, answer))),
                // None of these sets one.
                Output::SetAlarm(_) => {}
            }
        }
    }
}

/// What pauses.
impl<A: Run> Running<A> {
    /// Has the algorithm take notice, in the order in which things came from this node.
    fn tell(&mut self, from: Id, event: Happening<A>) {
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

/// Connections.
impl<A: Run> Running<A> {
    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Connected { to, connection } => self.introduce(to, connection),
            Arrival::Introduced { connection, introduction } => {
                if let Err(why) = self.introduced(connection, &introduction) {
                    self.status.refused = Some(why);
                }
            }
            Arrival::Came { connection, frame } => {
                let Some(from) = self.whose(connection) else { return };
                self.silence.heard(from, self.began.elapsed());
                if let Err(why) = self.came(from, frame) {
                    self.close(from, &why);
                }
            }
            Arrival::Closed { connection, why } => {
                if let Some(from) = self.whose(connection) {
                    self.close(from, &why);
                }
            }
            Arrival::TurnedAway { why } => self.status.refused = Some(why),
        }
    }

    fn whose(&self, connection: u64) -> Option<Id> {
        let is_it =
            |peer: &Peer<A>| peer.connection.as_ref().map(|one| one.number) == Some(connection);
        (0..).zip(&self.peers).find(|(_, peer)| is_it(peer)).map(|(node, _)| node)
    }

    fn close(&mut self, node: Id, why: &str) {
        let peer = &mut self.peers[usize::from(node)];
        peer.connection = None;
        peer.link.close();
        self.status.connected.remove(node);
        self.status.refused = Some(format!("node {node}: {why}"));
    }

    /// Says who this is, on a connection that this node wanted.
    fn introduce(&mut self, to: Id, connection: Connection) {
        let greeting = self.peers[usize::from(to)].link.greet();
        let introduction = self.introduction(to, greeting);
        self.status.connected.remove(to);
        self.peers[usize::from(to)].connection = Some(connection);
        self.write(to, &[Frame::Introduction { introduction }]);
    }

    fn introduction(&self, to: Id, greeting: crate::transport::link::Greeting) -> Introduction {
        let (nodes, from) = (self.config.count(), self.config.me);
        Introduction { name: self.name.clone(), nodes, from, to, greeting }
    }

    fn check(&self, theirs: &Introduction) -> std::result::Result<(), String> {
        let Introduction { name, nodes, from, to, .. } = theirs;
        let (count, me) = (self.config.count(), self.config.me);
        if *name != self.name {
            Err(format!("a node of {name:?} is none of {:?}", self.name))
        } else if (*nodes, *to) != (count, me) || *from >= count || *from == me {
            Err(format!("node {from} of {nodes} wants node {to}, and this is node {me} of {count}"))
        } else {
            Ok(())
        }
    }

    /// Somebody has connected.
    fn introduced(
        &mut self,
        connection: Connection,
        theirs: &Introduction,
    ) -> std::result::Result<(), String> {
        self.check(theirs)?;
        let (from, me) = (theirs.from, self.config.me);
        if from < me {
            return Err(format!("node {from} is the one that node {me} connects to"));
        }
        let is_new = self.greeted(theirs)?;
        self.silence.heard(from, self.began.elapsed());
        let greeting = self.peers[usize::from(from)].link.greeting();
        let introduction = self.introduction(from, greeting);
        self.peers[usize::from(from)].connection = Some(connection);
        self.write(from, &[Frame::Introduction { introduction }]);
        self.met(from, is_new);
        Ok(())
    }

    fn greeted(&mut self, theirs: &Introduction) -> std::result::Result<bool, String> {
        let from = theirs.from;
        let link = &mut self.peers[usize::from(from)].link;
        link.greeted(theirs.greeting).map_err(|fault| format!("node {from}: {fault}"))
    }

    fn met(&mut self, node: Id, is_new: bool) {
        self.status.connected.insert(node);
        self.status.met.insert(node);
        if is_new {
            self.tell(node, Event::Began(node));
        }
    }

    fn came(&mut self, from: Id, frame: Frame) -> std::result::Result<(), String> {
        use crate::transport::link::Packet;
        let packet = match frame {
            Frame::Beat => return Ok(()),
            Frame::Introduction { introduction } => {
                if self.status.connected.contains(from) {
                    return Err("it says twice who it is".to_owned());
                }
                self.check(&introduction)?;
                if introduction.from != from {
                    return Err(format!("it is node {}", introduction.from));
                }
                let is_new = self.greeted(&introduction)?;
                self.met(from, is_new);
                return Ok(());
            }
            Frame::Received { number } => Packet::Received { number },
            Frame::Message { number, bytes } => Packet::Message { number, message: bytes },
        };
        // Not counted as come if it means nothing here.
        let message = match &packet {
            Packet::Message { message, .. } => {
                Some(decode(message).ok_or_else(|| "it says what means nothing here".to_owned())?)
            }
            Packet::Received { .. } => None,
        };
        let link = &mut self.peers[usize::from(from)].link;
        let is_new = link.came(packet).map_err(|fault| fault.to_string())?.is_some();
        if let Some(message) = message
            && is_new
        {
            self.status.received += 1;
            self.tell(from, Event::Came { from, message });
        }
        Ok(())
    }

    fn beat(&mut self) {
        for node in self.status.connected.iter() {
            self.write(node, &[Frame::Beat]);
        }
    }

    /// Everything that links have to say.
    fn write_all(&mut self) {
        for node in self.status.connected.iter() {
            let link = &mut self.peers[usize::from(node)].link;
            let frames: Vec<_> = std::iter::from_fn(|| link.say().map(Frame::from)).collect();
            self.write(node, &frames);
        }
    }

    fn write(&mut self, node: Id, frames: &[Frame]) {
        let Some(connection) = &self.peers[usize::from(node)].connection else { return };
        if frames.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        for frame in frames {
            frame.write_to(&mut bytes);
        }
        if let Err(why) = connection.write(bytes) {
            self.close(node, why);
        }
    }

    fn show(&mut self) {
        self.status.silent = self.silence.silent(self.began.elapsed());
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
