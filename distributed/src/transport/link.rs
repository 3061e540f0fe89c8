//! One node's end of its link to another: exactly once and in order, whatever becomes of connections.
//!
//! Messages are numbered from 1, anew for each pair of lives of the two. What was sent is kept until the
//! other says that it has come, and is sent again on each new connection; what comes again is known by its
//! number. A life is what a node is from one start to the next; its number grows. Whoever hears of a new
//! life forgets what was for the old one.
//!
//! No I/O, no clock.

use std::collections::VecDeque;
use std::fmt;

/// How many messages may be on their way that the other has not confirmed. The rest waits here, and not in
/// the connection of one that does not read.
const WINDOW: u64 = 256;

/// This node's end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link<M> {
    life: u32,
    /// The other's life, once it was met.
    other: Option<u32>,
    /// Whether there is a connection on which both have introduced themselves.
    is_open: bool,
    /// How many of the other's messages have come.
    received: u64,
    /// Whether it has been told.
    is_told: bool,
    /// How many of this node's messages have come, as far as it was told.
    confirmed: u64,
    /// Those that have not.
    kept: VecDeque<M>,
    /// The last one that was sent on this connection.
    on_its_way: u64,
    /// The last one that was ever sent.
    sent: u64,
}

/// What both say first on each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Greeting {
    /// Which life of the sender's this is.
    pub life: u32,
    /// Which one of the receiver's it knows.
    pub known: Option<u32>,
    /// How many messages of that life have come.
    pub received: u64,
}

/// What is said on a connection after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packet<M> {
    /// A message.
    Message {
        /// Its number.
        number: u64,
        /// What is said.
        message: M,
    },
    /// So many have come.
    Received {
        /// The number of the last one.
        number: u64,
    },
}

/// What a node says that does as this file does not say. It loses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is a life that is over.
    IsOver,
    /// It knows a later life of this node.
    KnowsALaterLife,
    /// It leaves messages out.
    LeavesOut,
    /// It confirms what was not sent.
    ConfirmsTooMuch,
    /// It speaks before it has introduced itself.
    SpeaksTooEarly,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IsOver => "it is a life that is over: a later one has been met",
            Self::KnowsALaterLife => "it has met a later life of this node",
            Self::LeavesOut => "it leaves messages out",
            Self::ConfirmsTooMuch => "it confirms what it was not sent",
            Self::SpeaksTooEarly => "it speaks before it has introduced itself",
        })
    }
}

impl<M: Clone> Link<M> {
    /// That of a node in this life, which knows nothing of the other yet.
    #[must_use]
    pub fn new(life: u32) -> Self {
        Self {
            life,
            other: None,
            is_open: false,
            received: 0,
            is_told: true,
            confirmed: 0,
            kept: VecDeque::new(),
            on_its_way: 0,
            sent: 0,
        }
    }

    /// What to say first on a new connection. From now on nothing counts that comes on an older one.
    pub fn greet(&mut self) -> Greeting {
        self.close();
        self.greeting()
    }

    /// What to answer on a connection on which the other has said its greeting.
    #[must_use]
    pub fn greeting(&self) -> Greeting {
        Greeting { life: self.life, known: self.other, received: self.received }
    }

    /// The other has said this on a new connection. Whether it is a life that was not met before.
    ///
    /// # Errors
    ///
    /// If it does not hold together with what is known. Then the connection is none.
    pub fn greeted(&mut self, theirs: Greeting) -> Result<bool, Fault> {
        if self.other.is_some_and(|known| theirs.life < known) {
            return Err(Fault::IsOver);
        }
        let received = match theirs.known {
            Some(known) if known > self.life => return Err(Fault::KnowsALaterLife),
            Some(known) if known == self.life => theirs.received,
            _ => 0,
        };
        let is_new = self.other != Some(theirs.life);
        if received > if is_new { 0 } else { self.sent } {
            return Err(Fault::ConfirmsTooMuch);
        }
        if is_new {
            *self = Self { other: Some(theirs.life), ..Self::new(self.life) };
        }
        self.confirm(received)?;
        self.is_open = true;
        self.is_told = true;
        self.on_its_way = self.confirmed;
        Ok(is_new)
    }

    /// There is no connection any more.
    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Has a message sent; one to a node that was not met goes nowhere. Whether it goes somewhere.
    pub fn send(&mut self, message: M) -> bool {
        if self.other.is_some() {
            self.kept.push_back(message);
        }
        self.other.is_some()
    }

    /// What is to be said next on the connection, if anything.
    pub fn say(&mut self) -> Option<Packet<M>> {
        if !self.is_open {
            return None;
        }
        if !self.is_told {
            self.is_told = true;
            return Some(Packet::Received { number: self.received });
        }
        let ahead = self.on_its_way - self.confirmed;
        if ahead >= WINDOW {
            return None;
        }
        let message = self.kept.get(usize::try_from(ahead).ok()?)?.clone();
        self.on_its_way += 1;
        self.sent = self.sent.max(self.on_its_way);
        Some(Packet::Message { number: self.on_its_way, message })
    }

    /// This has come on the connection. The message that it is, unless it has come before.
    ///
    /// # Errors
    ///
    /// If it does not hold together with what came before.
    pub fn came(&mut self, packet: Packet<M>) -> Result<Option<M>, Fault> {
        match packet {
            _ if !self.is_open => Err(Fault::SpeaksTooEarly),
            Packet::Received { number } => self.confirm(number).map(|()| None),
            Packet::Message { number, .. } if number > self.received + 1 => Err(Fault::LeavesOut),
            Packet::Message { number, message } => {
                self.is_told = false;
                let is_new = number > self.received;
                self.received = self.received.max(number);
                Ok(is_new.then_some(message))
            }
        }
    }

    /// How many messages are kept, because the other has not said that they have come.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    fn confirm(&mut self, number: u64) -> Result<(), Fault> {
        if number > self.sent {
            return Err(Fault::ConfirmsTooMuch);
        }
        while self.confirmed < number {
            self.kept.pop_front();
            self.confirmed += 1;
        }
        self.on_its_way = self.on_its_way.max(self.confirmed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ends that have met, with as little said as that takes.
    fn met() -> (Link<u32>, Link<u32>) {
        let (mut one, mut two) = (Link::new(1), Link::new(1));
        assert_eq!(connect(&mut one, &mut two), Ok((true, true)));
        (one, two)
    }

    /// Whether each is new to the other.
    fn connect(one: &mut Link<u32>, two: &mut Link<u32>) -> Result<(bool, bool), Fault> {
        let is_new_to_two = two.greeted(one.greet())?;
        Ok((one.greeted(two.greeting())?, is_new_to_two))
    }

    fn carry(from: &mut Link<u32>, to: &mut Link<u32>) -> Vec<u32> {
        let packets: Vec<_> = std::iter::from_fn(|| from.say()).collect();
        packets.into_iter().filter_map(|packet| to.came(packet).unwrap()).collect()
    }

    #[test]
    fn what_was_lost_with_a_connection_is_sent_again_and_once() {
        let (mut one, mut two) = met();
        (1..=5).for_each(|message| assert!(one.send(message)));
        let sent: Vec<_> = std::iter::from_fn(|| one.say()).collect();
        // Two of them come; and one confirmation of them is lost.
        assert_eq!(two.came(sent[0]), Ok(Some(1)));
        assert_eq!(two.came(sent[1]), Ok(Some(2)));
        assert_eq!(two.say(), Some(Packet::Received { number: 2 }));
        assert_eq!(connect(&mut one, &mut two), Ok((false, false)));
        assert_eq!(one.kept(), 3);
        assert_eq!(carry(&mut one, &mut two), [3, 4, 5]);
        // Whatever else comes again is known.
        assert_eq!(two.came(sent[4]), Ok(None));
        assert!(carry(&mut two, &mut one).is_empty());
        assert_eq!(one.kept(), 0);
    }

    #[test]
    fn what_was_for_a_life_that_is_over_does_not_reach_the_next_one() {
        let (mut one, mut two) = met();
        one.send(1);
        two.send(2);
        let old = one.say().unwrap();
        let mut reborn = Link::new(2);
        assert_eq!(connect(&mut one, &mut reborn), Ok((true, true)));
        assert_eq!(one.kept(), 0);
        one.send(3);
        assert_eq!(carry(&mut one, &mut reborn), [3]);
        // The numbers begin again, and what is late is known by that there was one of its number.
        assert_eq!(reborn.came(old), Ok(None));
        // The one that is over is not let in any more, and knows it.
        assert_eq!(one.greeted(two.greet()), Err(Fault::IsOver));
        assert_eq!(
            two.greeted(Greeting { life: 3, known: Some(2), received: 0 }),
            Err(Fault::KnowsALaterLife)
        );
    }

    #[test]
    fn a_message_to_one_that_was_not_met_goes_nowhere() {
        let (mut one, mut two) = (Link::new(1), Link::new(1));
        assert!(!one.send(1));
        connect(&mut one, &mut two).unwrap();
        assert_eq!(one.say(), None);
    }

    #[test]
    fn no_more_is_on_its_way_than_the_window() {
        let (mut one, mut two) = met();
        (0..1000).for_each(|message| assert!(one.send(message)));
        let sent: Vec<_> = std::iter::from_fn(|| one.say()).collect();
        assert_eq!(sent.len() as u64, WINDOW);
        let came: Vec<_> =
            sent.into_iter().filter_map(|packet| two.came(packet).unwrap()).collect();
        carry(&mut two, &mut one);
        let rest = std::iter::from_fn(|| {
            let part = carry(&mut one, &mut two);
            carry(&mut two, &mut one);
            (!part.is_empty()).then_some(part)
        });
        let all: Vec<_> = came.into_iter().chain(rest.flatten()).collect();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn what_does_not_hold_together_is_a_fault_and_changes_nothing() {
        let (mut one, _) = met();
        one.send(1);
        let before = one.clone();
        let greeting = Greeting { life: 1, known: Some(1), received: 0 };
        // Not even one that says so with a new life.
        for (life, received) in [(1, 1), (2, 1), (1, u64::MAX)] {
            let bad = Greeting { life, received, ..greeting };
            assert_eq!(one.greeted(bad), Err(Fault::ConfirmsTooMuch));
        }
        assert_eq!(one.greeted(Greeting { life: 0, ..greeting }), Err(Fault::IsOver));
        assert_eq!(one.came(Packet::Received { number: 1 }), Err(Fault::ConfirmsTooMuch));
        assert_eq!(one.came(Packet::Message { number: 2, message: 0 }), Err(Fault::LeavesOut));
        assert_eq!(one, before);
        one.close();
        assert_eq!(one.came(Packet::Received { number: 0 }), Err(Fault::SpeaksTooEarly));
        assert_eq!(one.say(), None);
    }

    #[test]
    fn the_last_numbers_do_not_overflow() {
        let (mut one, _) = met();
        let last = Packet::Message { number: u64::MAX, message: 0 };
        assert_eq!(one.came(last), Err(Fault::LeavesOut));
    }
}
