//! A lock on Raft's log: nobody is inside beside another, unless that one was expired; tokens grow.

use crate::agreement::{Bounds, Claimed, Late, Packet, Subject};
use crate::algorithm::Id;
use crate::algorithm::replicated_lock::{
    Answer, Command, Message, ReplicatedLock, Request, Stored,
};
use crate::model::Model;
use crate::subjects::model;
use crate::subjects::raft::{Logs, is_over};

/// What each one's program asks for: it leaves once it is inside.
#[derive(Clone, Copy)]
pub(crate) struct Programs(&'static [&'static [Request]]);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    logs: Logs<Command>,
    programs: Vec<Program>,
    token: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Program {
    Outside,
    Waiting,
    Inside(u64),
}

/// Whether a node knows that this one was put out.
fn is_expired(node: &ReplicatedLock, token: u64) -> bool {
    let committed = usize::try_from(node.raft().committed()).expect("a few");
    let mut log = node.raft().storage().log.iter().take(committed);
    log.any(|entry| entry.command == Some(Command::Expire { token }))
}

impl Subject for Programs {
    type Request = Request;
    type Answer = Answer;
    type Message = Message;
    type Stored = Stored;
    type Node = ReplicatedLock;
    type Seen = Seen;

    fn begin(&self, me: Id, nodes: Id, stored: Stored) -> ReplicatedLock {
        ReplicatedLock::new(me, nodes, stored)
    }

    fn nothing_seen(&self, nodes: Id) -> Seen {
        let programs = vec![Program::Outside; nodes.into()];
        Seen { logs: Logs::default(), programs, token: 0 }
    }

    fn request(&self, seen: &Seen, who: Id, asked: u8) -> Option<Request> {
        let at = usize::from(who);
        let request = *self.0.get(at)?.get(usize::from(asked))?;
        let fits = match request {
            Request::Enter => seen.programs[at] == Program::Outside,
            Request::Leave => seen.programs[at] != Program::Outside,
            Request::Expire => true,
        };
        fits.then_some(request)
    }

    fn asks(&self, seen: &mut Seen, who: Id, request: Request) {
        match request {
            Request::Enter => seen.programs[usize::from(who)] = Program::Waiting,
            Request::Leave => seen.programs[usize::from(who)] = Program::Outside,
            Request::Expire => {}
        }
    }

    fn answers(
        &self,
        nodes: &[ReplicatedLock],
        seen: &mut Seen,
        who: Id,
        answer: Answer,
    ) -> Claimed {
        let is_expired = |token| nodes.iter().any(|node| is_expired(node, token));
        match answer {
            Answer::Entered { token } => {
                let mut others = seen.programs.iter();
                if others.any(|it| matches!(it, Program::Inside(token) if !is_expired(*token))) {
                    return Err("two are inside");
                }
                if token <= seen.token {
                    return Err("a token is not greater than one before");
                }
                seen.token = token;
                let program = &mut seen.programs[usize::from(who)];
                if *program != Program::Waiting {
                    return Err("one went in that did not want to");
                }
                *program = Program::Inside(token);
            }
            Answer::Expired => {
                let program = &mut seen.programs[usize::from(who)];
                if !matches!(program, Program::Inside(token) if is_expired(*token)) {
                    return Err("one was put out by nobody");
                }
                *program = Program::Outside;
            }
        }
        Ok(())
    }

    fn dies(&self, seen: &mut Seen, who: Id) {
        seen.programs[usize::from(who)] = Program::Outside;
    }

    fn look(&self, nodes: &[ReplicatedLock], seen: &mut Seen) -> Claimed {
        seen.logs.look(&nodes.iter().map(ReplicatedLock::raft))?;
        let is_untold = |(node, program): (&ReplicatedLock, &Program)| matches!(program, Program::Inside(token) if is_expired(node, *token));
        if nodes.iter().zip(&seen.programs).any(is_untold) {
            return Err("one is not told that it was put out");
        }
        Ok(())
    }

    fn is_over(&self, nodes: &[ReplicatedLock], packet: &Packet<Message>) -> bool {
        let &Packet { from, to, message } = packet;
        let [from, to] = [from, to].map(|who| nodes[usize::from(who)].raft());
        match message {
            Message::Raft(message) => is_over(from, to, &message),
            Message::Ask(_) => to.leads().is_none(),
        }
    }

    fn is_answer(&self, message: &Message) -> bool {
        matches!(message, Message::Ask(_))
    }

    fn end(
        &self,
        node: &ReplicatedLock,
        seen: &Seen,
        who: Id,
        dead: Option<Id>,
    ) -> Option<Request> {
        match (seen.programs[usize::from(who)], node.status()) {
            (Program::Inside(_), _) => Some(Request::Leave),
            (_, Some((first, ..))) if Some(first) == dead => Some(Request::Expire),
            _ => None,
        }
    }

    fn is_done(&self, nodes: &[ReplicatedLock], seen: &Seen, dead: Option<Id>) -> bool {
        let rafts = (0..).zip(nodes).map(|(who, node)| (who, node.raft()));
        Logs::is_done(rafts, dead)
            && (0..).zip(nodes).zip(&seen.programs).all(|((who, node), program)| {
                Some(who) == dead || *program == Program::Outside && node.status().is_none()
            })
    }
}

pub(crate) fn models() -> Vec<Model> {
    use Request::{Enter, Expire, Leave};
    let three = Bounds { nodes: 3, alarms: &[1], deaths: &[], forgets: false, late: Late::Nothing };
    let two = Bounds { nodes: 2, ..three };
    let of = |what, bounds, fails, programs| {
        model("replicated_lock", what, bounds, fails, Programs(programs))
    };
    vec![
        of("1 passage", two, None, &[&[Enter, Leave]]),
        of("1 passage of a follower", two, None, &[&[], &[Enter, Leave]]),
        of("2 passages", two, None, &[&[Enter, Leave], &[Enter, Leave]]),
        of("2 passages of one", two, None, &[&[Enter, Leave, Enter, Leave]]),
        of("2 of a follower", two, None, &[&[], &[Enter, Leave, Enter, Leave]]),
        of("1 passage, expired", two, None, &[&[Enter], &[Enter, Expire]]),
        of("2 passages, left and expired", two, None, &[&[Enter, Leave], &[Enter, Expire]]),
        of("2 passages, expired twice", two, None, &[&[Enter, Expire, Expire], &[Enter]]),
        of("1 passage", Bounds { deaths: &[0, 1], ..two }, None, &[&[Enter], &[Enter, Enter]]),
        of("1 passage of a follower", three, None, &[&[], &[Enter, Leave]]),
    ]
}
