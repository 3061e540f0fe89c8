//! Raft: one leader a term, one log, and nothing of it is lost.

use std::collections::BTreeMap;

use crate::agreement::{Bounds, Claimed, Late, Packet, Subject};
use crate::algorithm::Id;
use crate::algorithm::raft::{Answer, Entry, Message, Raft, Stored};
use crate::model::Model;
use crate::subjects::model;

/// How often each one's program asks for something.
#[derive(Clone, Copy)]
pub(crate) struct Commands(&'static [u8]);

/// What is seen of logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Logs<C> {
    leaders: BTreeMap<u64, Id>,
    committed: Vec<Entry<C>>,
}

impl<C> Default for Logs<C> {
    fn default() -> Self {
        Self { leaders: BTreeMap::new(), committed: Vec::new() }
    }
}

impl<C: Copy + Eq> Logs<C> {
    pub(crate) fn look<'a>(
        &mut self,
        nodes: &(impl Iterator<Item = &'a Raft<C>> + Clone),
    ) -> Claimed
    where
        C: 'a,
    {
        for (who, node) in (0..).zip(nodes.clone()) {
            if let Some(term) = node.leads()
                && *self.leaders.entry(term).or_insert(who) != who
            {
                return Err("two lead in one term");
            }
            if node.storage().log.len() > LONGEST {
                return Err("the log has no end");
            }
            let committed = usize::try_from(node.committed()).expect("a few");
            let Some(committed) = node.storage().log.get(..committed) else {
                return Err("more is committed than there is");
            };
            if committed.iter().zip(&self.committed).any(|(here, there)| here != there) {
                return Err("two entries are committed in one place");
            }
            if committed.len() > self.committed.len() {
                self.committed = committed.to_vec();
            }
        }
        let last = self.leaders.keys().last();
        for node in nodes.clone() {
            let leads = node.leads();
            if leads.is_some()
                && leads.as_ref() == last
                && !node.storage().log.starts_with(&self.committed)
            {
                return Err("a leader lacks what is committed");
            }
            for other in nodes.clone() {
                let (here, there) = (&node.storage().log, &other.storage().log);
                let mut both = here.iter().zip(there);
                let same = both.rposition(|(here, there)| here.term == there.term);
                if same.is_some_and(|same| here[..=same] != there[..=same]) {
                    return Err("two logs are the same behind where they differ");
                }
            }
        }
        Ok(())
    }

    /// Whether all who live have the same log, and know it.
    pub(crate) fn is_done<'a>(
        mut nodes: impl Iterator<Item = (Id, &'a Raft<C>)> + Clone,
        dead: Option<Id>,
    ) -> bool
    where
        C: 'a,
    {
        let leader = nodes.clone().find(|(who, node)| Some(*who) != dead && node.leads().is_some());
        leader.is_some_and(|(_, leader)| {
            let log = &leader.storage().log;
            nodes.all(|(who, node)| {
                let is_same = node.storage().log == *log && node.committed() == log.len() as u64;
                Some(who) == dead || is_same
            })
        })
    }
}

/// No model's log is as long.
const LONGEST: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    logs: Logs<u8>,
    /// What each one's program has been told in its life.
    told: Vec<Vec<(u64, u8)>>,
}

impl Subject for Commands {
    type Request = u8;
    type Answer = Answer<u8>;
    type Message = Message<u8>;
    type Stored = Stored<u8>;
    type Node = Raft<u8>;
    type Seen = Seen;

    fn begin(&self, me: Id, nodes: Id, stored: Self::Stored) -> Self::Node {
        Raft::new(me, nodes, stored)
    }

    fn nothing_seen(&self, nodes: Id) -> Seen {
        Seen { logs: Logs::default(), told: vec![Vec::new(); nodes.into()] }
    }

    fn request(&self, _: &Seen, who: Id, asked: u8) -> Option<u8> {
        let commands = self.0.get(usize::from(who))?;
        (asked < *commands).then_some(10 * (asked + 1) + who)
    }

    fn asks(&self, _: &mut Seen, _: Id, _: u8) {}

    fn answers(&self, _: &[Self::Node], seen: &mut Seen, who: Id, answer: Self::Answer) -> Claimed {
        match answer {
            Answer::Committed { index, command } => {
                seen.told[usize::from(who)].push((index, command));
            }
            Answer::Refused { .. } => {}
        }
        Ok(())
    }

    fn dies(&self, seen: &mut Seen, who: Id) {
        seen.told[usize::from(who)].clear();
    }

    fn look(&self, nodes: &[Self::Node], seen: &mut Seen) -> Claimed {
        seen.logs.look(&nodes.iter())?;
        for (node, told) in nodes.iter().zip(&seen.told) {
            let log = (1..=node.committed()).zip(&node.storage().log);
            let commands = log.filter_map(|(index, entry)| Some((index, entry.command?)));
            if !commands.eq(told.iter().copied()) {
                return Err("a program is not told what is committed");
            }
        }
        Ok(())
    }

    fn is_over(&self, nodes: &[Self::Node], packet: &Packet<Self::Message>) -> bool {
        let &Packet { from, to, message } = packet;
        let [from, to] = [from, to].map(|who| &nodes[usize::from(who)]);
        is_over(from, to, &message)
    }

    fn is_answer(&self, message: &Self::Message) -> bool {
        matches!(message, Message::Vote { .. } | Message::Matches { .. })
    }

    fn end(&self, node: &Self::Node, _: &Seen, who: Id, _: Option<Id>) -> Option<u8> {
        // Of the first leader, once.
        let command = 90 + who;
        let log = &node.storage().log;
        let is_new = !log.iter().any(|entry| entry.command == Some(command));
        (is_new && node.leads().is_some()).then_some(command)
    }

    fn is_done(&self, nodes: &[Self::Node], _: &Seen, dead: Option<Id>) -> bool {
        Logs::is_done((0..).zip(nodes), dead)
    }
}

/// Whether nothing comes of a message any more.
pub(crate) fn is_over<C: Copy + Eq>(from: &Raft<C>, to: &Raft<C>, message: &Message<C>) -> bool {
    let (term, now) = (message.term(), to.storage().term);
    term < now
        || match message {
            Message::Over { .. } => term == now,
            Message::Vote { .. } => term == now && to.leads().is_some(),
            Message::AskVote { .. } => {
                from.leads() == Some(term) || from.storage().term > term && now == term
            }
            _ => false,
        }
}

pub(crate) fn models() -> Vec<Model> {
    let three = Bounds { nodes: 3, alarms: &[], deaths: &[], forgets: false, late: Late::Nothing };
    let two = Bounds { nodes: 2, ..three };
    let of = |what, bounds, fails, commands| model("raft", what, bounds, fails, Commands(commands));
    vec![
        of("2 commands", Bounds { alarms: &[1, 1], ..two }, None, &[1, 1]),
        of("1 command", Bounds { alarms: &[2, 1], ..two }, None, &[1]),
        of("1 command", Bounds { alarms: &[1, 1], deaths: &[1], ..two }, None, &[1]),
        of("1 command", Bounds { alarms: &[1], ..three }, None, &[1]),
        of("no command", Bounds { alarms: &[1, 1], ..three }, None, &[]),
        of("no command", Bounds { alarms: &[2, 1], late: Late::Answers, ..three }, None, &[]),
        of("1 command", Bounds { alarms: &[1, 1], ..three }, None, &[1]),
        of("1 command", Bounds { alarms: &[2, 1], ..three }, None, &[1]),
        of("no command", Bounds { alarms: &[1, 1], deaths: &[0, 0, 1], ..three }, None, &[]),
        of("no command, as in figure 8", Bounds { alarms: &[2, 2], ..three }, None, &[]),
        of(
            "no command",
            Bounds { alarms: &[1, 1], deaths: &[0, 0, 1], forgets: true, ..three },
            Some("a leader lacks what is committed"),
            &[],
        ),
    ]
}
