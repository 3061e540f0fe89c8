//! Raft: all keep one log.
//!
//! Diego Ongaro and John Ousterhout, *In Search of an Understandable Consensus Algorithm*, USENIX ATC 2014.
//! Figure 2 of the paper is this file, without its section 6 (changes of who takes part) and 7 (snapshots).
//!
//! Time is cut into **terms**, with one leader each at most: a node that has heard of no leader for long begins
//! a term and asks for votes; each node has one vote a term, and gives it to nobody whose log is behind its own.
//! The leader appends what programs ask for, and sends it to all; each takes an entry only after one that
//! is the same as the leader's, and drops what differs. An entry **of the leader's own term** that a majority
//! has is *committed*, and with it all before: then every later leader has it, and nodes hand it to their
//! programs, in order. An older term's entry is not committed by being counted, however many have it (figure 8
//! of the paper): so a leader begins by an entry without a command. 2 (N - 1) messages for an entry, and
//! N - 1 that tell all.
//!
//! Here a message has one entry at most. Real ones have many; nothing else would change.
//!
//! **When a node is slow, cut off or dead**, the others go on as long as a majority lives: at once, unless it was
//! the leader; else after an election, which takes as long as the longer patience, or some times that. A
//! leader that was cut off believes that it leads, and commits nothing. Nothing is committed without a
//! majority. A node that begins again needs its **term, vote and log**, stored before it answers: if it
//! forgets them, two may lead, and what was committed may be lost. Messages may be lost, doubled and late.

use super::{Algorithm, Durable, Event, Id, Nodes, Patience};

/// A node of Raft.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Raft<C> {
    me: Id,
    nodes: Id,
    stored: Stored<C>,
    role: Role,
    /// Who leads, as far as this node has heard in this term.
    leader: Option<Id>,
    /// So many entries are committed, and have been handed to the program.
    committed: u64,
}

/// What a node needs to go on after a death.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored<C> {
    /// The greatest that was heard of.
    pub term: u64,
    /// Who has this node's vote in that term.
    pub vote: Option<Id>,
    /// The log.
    pub log: Vec<Entry<C>>,
}

/// One entry of the log. The first has index 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry<C> {
    /// The term of the leader that appended it.
    pub term: u64,
    /// What a program asked for; nothing at the beginning of a term.
    pub command: Option<C>,
}

/// Where a log ends, or an entry is. The greater one is more up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The entry's term.
    pub term: u64,
    /// Its index; 0 before the first.
    pub index: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    Follower,
    /// Those have voted for it.
    Candidate(Nodes),
    /// Of each node: what to send next, and how much of its log is known to be the leader's.
    Leader(Vec<Progress>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Progress {
    next: u64,
    matches: u64,
}

/// What nodes of Raft send each other. Each has the sender's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message<C> {
    /// Vote for the sender.
    AskVote {
        /// The sender's.
        term: u64,
        /// Where its log ends.
        last: Place,
    },
    /// The sender votes for the receiver.
    Vote {
        /// In this term.
        term: u64,
    },
    /// The receiver's term is over.
    Over {
        /// The sender's.
        term: u64,
    },
    /// The sender leads. Append this entry, if there is one, after that place.
    Append {
        /// The leader's.
        term: u64,
        /// Where the receiver's log has to be the same.
        after: Place,
        /// What comes next.
        entry: Option<Entry<C>>,
        /// How many entries are committed.
        committed: u64,
    },
    /// The sender has it.
    Matches {
        /// The leader's.
        term: u64,
        /// So much of the log is the leader's.
        index: u64,
    },
    /// The sender's log is another at that place.
    Differs {
        /// The leader's.
        term: u64,
        /// Of the place.
        index: u64,
        /// How long the sender's log is.
        length: u64,
    },
}

/// What the program at a node of Raft is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer<C> {
    /// This command is committed. All programs are told the same ones, in order, from the first one on.
    Committed {
        /// The entry's.
        index: u64,
        /// What was asked for.
        command: C,
    },
    /// This node does not lead: ask that one.
    Refused {
        /// Who leads, if it is known.
        leader: Option<Id>,
    },
}

type Output<C> = super::Output<Answer<C>, Message<C>>;
type Outputs<C> = Vec<Output<C>>;

impl<C> Default for Stored<C> {
    fn default() -> Self {
        Self { term: 0, vote: None, log: Vec::new() }
    }
}

impl<C> Stored<C> {
    fn length(&self) -> u64 {
        self.log.len() as u64
    }

    fn entry(&self, index: u64) -> Option<&Entry<C>> {
        self.log.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    fn place(&self, index: u64) -> Place {
        Place { term: self.entry(index).map_or(0, |entry| entry.term), index }
    }

    fn has(&self, place: Place) -> bool {
        place.index <= self.length() && self.place(place.index) == place
    }
}

impl<C> Message<C> {
    /// The sender's.
    #[must_use]
    pub fn term(&self) -> u64 {
        let (Self::AskVote { term, .. }
        | Self::Vote { term }
        | Self::Over { term }
        | Self::Append { term, .. }
        | Self::Matches { term, .. }
        | Self::Differs { term, .. }) = self;
        *term
    }
}

impl<C: Copy + Eq> Raft<C> {
    /// A node that begins, of so many; or goes on, by what it had stored. An alarm comes first, after
    /// [`Patience::Long`].
    #[must_use]
    pub fn new(me: Id, nodes: Id, stored: Stored<C>) -> Self {
        Self { me, nodes, stored, role: Role::Follower, leader: None, committed: 0 }
    }

    /// What is stored, without a copy.
    #[must_use]
    pub fn storage(&self) -> &Stored<C> {
        &self.stored
    }

    /// The term in which this node leads.
    #[must_use]
    pub fn leads(&self) -> Option<u64> {
        matches!(self.role, Role::Leader(_)).then_some(self.stored.term)
    }

    /// Who leads, as far as this node has heard.
    #[must_use]
    pub fn leader(&self) -> Option<Id> {
        self.leader
    }

    /// How many entries are committed, as far as this node has heard.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.committed
    }

    fn is_majority(&self, nodes: usize) -> bool {
        nodes * 2 > usize::from(self.nodes)
    }

    fn others(&self) -> Nodes {
        Nodes::others(self.nodes, self.me)
    }

    fn came(&mut self, from: Id, message: Message<C>, out: &mut Outputs<C>) {
        let term = message.term();
        if term > self.stored.term {
            self.follow(term);
        }
        let now = self.stored.term;
        if term < now {
            if matches!(message, Message::AskVote { .. } | Message::Append { .. }) {
                out.push(Output::Send { to: from, message: Message::Over { term: now } });
            }
            return;
        }
        match message {
            Message::AskVote { last, .. } => self.asked_to_vote(from, last, out),
            Message::Vote { .. } => self.voted(from, out),
            Message::Over { .. } => {}
            Message::Append { after, entry, committed, .. } => {
                self.append(from, after, entry, committed, out);
            }
            Message::Matches { index, .. } => self.matches(from, index, out),
            Message::Differs { index, length, .. } => self.differs(from, index, length, out),
        }
    }

    /// A new term has begun.
    fn follow(&mut self, term: u64) {
        self.stored.term = term;
        self.stored.vote = None;
        self.role = Role::Follower;
        self.leader = None;
    }
}

/// Elections.
impl<C: Copy + Eq> Raft<C> {
    fn alarm(&mut self, out: &mut Outputs<C>) {
        if self.leads().is_some() {
            self.tell_all(out);
        } else {
            self.stand(out);
        }
    }

    fn stand(&mut self, out: &mut Outputs<C>) {
        self.follow(self.stored.term + 1);
        self.stored.vote = Some(self.me);
        self.role = Role::Candidate(Nodes::NONE);
        let last = self.stored.place(self.stored.length());
        let message = Message::AskVote { term: self.stored.term, last };
        out.extend(self.others().iter().map(|to| Output::Send { to, message }));
        out.push(Output::SetAlarm(Patience::Long));
        self.voted(self.me, out);
    }

    fn asked_to_vote(&mut self, from: Id, last: Place, out: &mut Outputs<C>) {
        let is_behind = last < self.stored.place(self.stored.length());
        let is_given = self.stored.vote.is_some_and(|to| to != from);
        if !is_behind && !is_given {
            self.stored.vote = Some(from);
            let message = Message::Vote { term: self.stored.term };
            out.push(Output::Send { to: from, message });
            out.push(Output::SetAlarm(Patience::Long));
        }
    }

    fn voted(&mut self, from: Id, out: &mut Outputs<C>) {
        let Role::Candidate(votes) = &mut self.role else { return };
        votes.insert(from);
        let votes = votes.len();
        if self.is_majority(votes) {
            let progress = Progress { next: self.stored.length() + 1, matches: 0 };
            self.role = Role::Leader(vec![progress; self.nodes.into()]);
            self.leader = Some(self.me);
            // What it finds in its log is committed along with this.
            self.add(None, out);
        }
    }
}

/// The leader's part.
impl<C: Copy + Eq> Raft<C> {
    fn ask(&mut self, command: C, out: &mut Outputs<C>) {
        if self.leads().is_some() {
            self.add(Some(command), out);
        } else {
            out.push(Output::Answer(Answer::Refused { leader: self.leader }));
        }
    }

    fn add(&mut self, command: Option<C>, out: &mut Outputs<C>) {
        self.stored.log.push(Entry { term: self.stored.term, command });
        self.tell_all(out);
        self.matches(self.me, self.stored.length(), out);
    }

    fn tell_all(&self, out: &mut Outputs<C>) {
        for to in self.others().iter() {
            self.tell(to, out);
        }
        out.push(Output::SetAlarm(Patience::Short));
    }

    /// Sends a node what it lacks next.
    fn tell(&self, to: Id, out: &mut Outputs<C>) {
        let Role::Leader(progress) = &self.role else { return };
        let next = progress[usize::from(to)].next;
        let message = Message::Append {
            term: self.stored.term,
            after: self.stored.place(next - 1),
            entry: self.stored.entry(next).copied(),
            committed: self.committed,
        };
        out.push(Output::Send { to, message });
    }

    fn matches(&mut self, node: Id, index: u64, out: &mut Outputs<C>) {
        let length = self.stored.length();
        let Role::Leader(progress) = &mut self.role else { return };
        let its = &mut progress[usize::from(node)];
        if index <= its.matches {
            return;
        }
        *its = Progress { next: index + 1, matches: index };
        let have = progress.iter().filter(|its| its.matches >= index).count();
        let is_own = self.stored.place(index).term == self.stored.term;
        if is_own && self.is_majority(have) && index > self.committed {
            self.commit(index, out);
            self.tell_all(out);
        } else if node != self.me && index < length {
            self.tell(node, out);
        }
    }

    fn differs(&mut self, node: Id, index: u64, length: u64, out: &mut Outputs<C>) {
        let Role::Leader(progress) = &mut self.role else { return };
        let its = &mut progress[usize::from(node)];
        // An answer to an older message is none.
        if its.next == index + 1 && index > its.matches {
            its.next = index.min(length + 1);
            self.tell(node, out);
        }
    }
}

/// The followers' part.
impl<C: Copy + Eq> Raft<C> {
    fn append(
        &mut self,
        from: Id,
        after: Place,
        entry: Option<Entry<C>>,
        committed: u64,
        out: &mut Outputs<C>,
    ) {
        self.role = Role::Follower;
        self.leader = Some(from);
        out.push(Output::SetAlarm(Patience::Long));
        let term = self.stored.term;
        if !self.stored.has(after) {
            let length = self.stored.length();
            let message = Message::Differs { term, index: after.index, length };
            out.push(Output::Send { to: from, message });
            return;
        }
        let mut index = after.index;
        if let Some(entry) = entry {
            index += 1;
            // Only what differs is dropped: an old message may know less than what has been appended since.
            if self.stored.entry(index) != Some(&entry) {
                self.stored.log.truncate(usize::try_from(after.index).unwrap_or(usize::MAX));
                self.stored.log.push(entry);
            }
        }
        out.push(Output::Send { to: from, message: Message::Matches { term, index } });
        // What comes after need not be the leader's.
        self.commit(committed.min(index), out);
    }

    /// Hands on what is committed now.
    fn commit(&mut self, index: u64, out: &mut Outputs<C>) {
        while self.committed < index {
            self.committed += 1;
            let index = self.committed;
            if let Some(command) = self.stored.entry(index).and_then(|entry| entry.command) {
                out.push(Output::Answer(Answer::Committed { index, command }));
            }
        }
    }
}

impl<C: Copy + Eq> Algorithm for Raft<C> {
    /// To have this in the log.
    type Request = C;
    type Answer = Answer<C>;
    type Message = Message<C>;

    fn step(&mut self, event: Event<C, Message<C>>) -> Vec<Output<C>> {
        let mut out = Vec::new();
        match event {
            Event::Asked(command) => self.ask(command, &mut out),
            Event::Began(_) | Event::Down(_) | Event::Up(_) => {}
            Event::Came { from, message } => self.came(from, message, &mut out),
            Event::Alarm => self.alarm(&mut out),
        }
        out
    }
}

impl<C: Copy + Eq> Durable for Raft<C> {
    type Stored = Stored<C>;

    fn stored(&self) -> Stored<C> {
        self.stored.clone()
    }
}
