//! A register: what is read and written is linearizable.

use stateright::semantics::register::{Register as Spec, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::agreement::{Bounds, Claimed, Late, Packet, Subject};
use crate::algorithm::register::{Answer, Message, Register, Request, Stored, Value};
use crate::algorithm::{Durable, Id};
use crate::model::Model;
use crate::subjects::model;

/// What each one's program asks for, and how many are asked and written to.
#[derive(Clone, Copy)]
pub(crate) struct Programs {
    of_each: &'static [&'static [Request]],
    reads: usize,
    writes: usize,
}

#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct Seen {
    /// By node and life: whoever dies is never told.
    history: LinearizabilityTester<(Id, u8), Spec<Value>>,
    lives: Vec<u8>,
    waits: Vec<bool>,
}

impl Subject for Programs {
    type Request = Request;
    type Answer = Answer;
    type Message = Message;
    type Stored = Stored;
    type Node = Register;
    type Seen = Seen;

    fn begin(&self, me: Id, nodes: Id, stored: Stored) -> Register {
        Register::new(me, nodes, self.reads, self.writes, stored)
    }

    fn nothing_seen(&self, nodes: Id) -> Seen {
        Seen {
            history: LinearizabilityTester::new(Spec(0)),
            lives: vec![0; nodes.into()],
            waits: vec![false; nodes.into()],
        }
    }

    fn request(&self, seen: &Seen, who: Id, asked: u8) -> Option<Request> {
        let program = self.of_each.get(usize::from(who))?;
        program.get(usize::from(asked)).copied().filter(|_| !seen.waits[usize::from(who)])
    }

    fn asks(&self, seen: &mut Seen, who: Id, request: Request) {
        let operation = match request {
            Request::Read => RegisterOp::Read,
            Request::Write(value) => RegisterOp::Write(value),
        };
        let at = usize::from(who);
        seen.waits[at] = true;
        seen.history.on_invoke((who, seen.lives[at]), operation).expect("one after another");
    }

    fn answers(&self, _: &[Register], seen: &mut Seen, who: Id, answer: Answer) -> Claimed {
        let at = usize::from(who);
        if !std::mem::take(&mut seen.waits[at]) {
            return Err("an answer to nothing");
        }
        let value = match answer {
            Answer::Read(value) => RegisterRet::ReadOk(value),
            Answer::Written => RegisterRet::WriteOk,
        };
        let history = seen.history.on_return((who, seen.lives[at]), value);
        if history.is_ok_and(|history| history.is_consistent()) {
            Ok(())
        } else {
            Err("what is read is not what was written")
        }
    }

    fn dies(&self, seen: &mut Seen, who: Id) {
        seen.lives[usize::from(who)] += 1;
        seen.waits[usize::from(who)] = false;
    }

    fn look(&self, _: &[Register], _: &mut Seen) -> Claimed {
        Ok(())
    }

    fn is_over(&self, nodes: &[Register], packet: &Packet<Message>) -> bool {
        let &Packet { from, to, message } = packet;
        let [from, to] = [from, to].map(|who| nodes[usize::from(who)].stored());
        match message {
            Message::Ask { asked } => asked < from.asked,
            Message::Write { asked, stamp, .. } => asked < from.asked && stamp <= to.stamp,
            Message::Hold { asked, .. } | Message::Written { asked } => asked < to.asked,
        }
    }

    fn is_answer(&self, message: &Message) -> bool {
        matches!(message, Message::Hold { .. } | Message::Written { .. })
    }

    fn end(&self, _: &Register, _: &Seen, _: Id, _: Option<Id>) -> Option<Request> {
        None
    }

    fn is_done(&self, nodes: &[Register], seen: &Seen, dead: Option<Id>) -> bool {
        // Of which a quorum never comes back nobody claims anything.
        let live = nodes.len() - usize::from(dead.is_some());
        let waits = (0..).zip(&seen.waits).any(|(who, &waits)| waits && Some(who) != dead);
        live < self.reads.max(self.writes) || !waits
    }
}

pub(crate) fn models() -> Vec<Model> {
    const READ: Request = Request::Read;
    const WRITE: Request = Request::Write(1);
    const ANOTHER: Request = Request::Write(2);
    const STALE: Option<&str> = Some("what is read is not what was written");
    let three = Bounds { nodes: 3, alarms: &[], deaths: &[], forgets: false, late: Late::Nothing };
    let of = |what, bounds, fails, (reads, writes), of_each| {
        model("register", what, bounds, fails, Programs { of_each, reads, writes })
    };
    vec![
        of(
            "R = W = 2, a write",
            Bounds { late: Late::Answers, ..three },
            None,
            (2, 2),
            &[&[WRITE, READ]],
        ),
        of(
            "R = W = 2, a write and 2 reads",
            Bounds { late: Late::Answers, ..three },
            None,
            (2, 2),
            &[&[READ, READ], &[WRITE]],
        ),
        of(
            "R = W = 2, 2 writes and a read",
            Bounds { late: Late::Answers, ..three },
            None,
            (2, 2),
            &[&[WRITE, ANOTHER], &[], &[READ]],
        ),
        of(
            "R = W = 2, a write and 2 reads, a new life between",
            Bounds { deaths: &[1], late: Late::Answers, ..three },
            None,
            (2, 2),
            &[&[READ, READ], &[WRITE]],
        ),
        of(
            "R = W = 2, 2 writes and 2 reads",
            three,
            None,
            (2, 2),
            &[&[WRITE, READ], &[ANOTHER, READ]],
        ),
        of("R = W = 2, a write and a read", three, None, (2, 2), &[&[WRITE], &[READ]]),
        of("R = W = 2, a write and 2 reads", three, None, (2, 2), &[&[WRITE], &[READ, READ]]),
        of("R = W = 2, 2 writes", three, None, (2, 2), &[&[WRITE], &[ANOTHER]]),
        of("R = W = 2, 2 writes, one after another", three, None, (2, 2), &[&[WRITE, ANOTHER]]),
        of("R = 1, W = 3, a write and a read", three, None, (1, 3), &[&[WRITE], &[READ]]),
        of("R = 3, W = 1, a write and a read", three, None, (3, 1), &[&[WRITE], &[READ]]),
        of(
            "R = W = 2, 2 writes, a new life between",
            Bounds { deaths: &[1], ..three },
            None,
            (2, 2),
            &[&[WRITE, ANOTHER]],
        ),
        of(
            "R = W = 2, a write",
            Bounds { deaths: &[0, 1], ..three },
            None,
            (2, 2),
            &[&[WRITE, READ]],
        ),
        of(
            "R = W = 2, a write, 2 reads by two",
            three,
            None,
            (2, 2),
            &[&[WRITE], &[READ], &[READ]],
        ),
        of("R = W = 2, 2 writes, 1 read", three, None, (2, 2), &[&[WRITE], &[ANOTHER], &[READ]]),
        of("R = 1, W = 2", three, STALE, (1, 2), &[&[WRITE], &[READ]]),
        of("R = 2, W = 1", three, STALE, (2, 1), &[&[WRITE], &[READ]]),
        of(
            "R = W = 2, a write",
            Bounds { deaths: &[0, 1], forgets: true, ..three },
            STALE,
            (2, 2),
            &[&[WRITE], &[], &[READ]],
        ),
    ]
}
