//! Who a node is connected to, and what it believes of what comes.

use super::Run;
use super::run::{Peer, Running};
use crate::algorithm::{Event, Id};
use crate::transport::link::{Greeting, Packet};
use crate::transport::{Arrival, Connection, Frame, Introduction, decode};

impl<A: Run> Running<A> {
    pub(super) fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Connected { to, connection } => self.introduce(to, connection),
            Arrival::Introduced { connection, introduction } => {
                if let Err(why) = self.introduced(connection, &introduction) {
                    self.status.refused = Some(why);
                }
            }
            Arrival::Came { connection, frame } => {
                let Some(from) = self.whose(connection) else { return };
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

    fn introduction(&self, to: Id, greeting: Greeting) -> Introduction {
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

    fn came(&mut self, from: Id, frame: Frame) -> std::result::Result<(), String> {
        let is_connected = self.status.connected.contains(from);
        if is_connected {
            self.heard(from);
        }
        let packet = match frame {
            Frame::Beat if is_connected => return Ok(()),
            Frame::Beat => return Err("it does not begin with who it is".to_owned()),
            Frame::Introduction { introduction } => {
                if is_connected {
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
                let message =
                    decode(message).filter(|message| A::is_possible(message, self.config.count()));
                Some(message.ok_or_else(|| "it says what means nothing here".to_owned())?)
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

    /// Says that this node is there.
    pub(super) fn beat(&mut self) {
        for node in self.status.connected.iter() {
            self.write(node, &[Frame::Beat]);
        }
    }

    /// Everything that links have to say.
    pub(super) fn write_all(&mut self) {
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
}
