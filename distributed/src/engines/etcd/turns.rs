//! Whose turn it is, and what whoever goes in writes.

use super::keys::{entries, records, to_record};
use super::lease::has_ended;
use super::member::Member;
use super::ops;
use super::wire::{Is, RequestOp, TxnRequest, TxnResponse};
use crate::engine::{Me, Patience, Turn, blocker};
use crate::engines::value::to_value;
use crate::{Mode, Result};

impl Member {
    /// Enters, unless it has, and looks; one that is alone goes in at once.
    pub(super) async fn go_to_the_end(&self, me: &Me, patience: Patience) -> Result<Turn> {
        let (line, key) = (self.etcd.keys(&me.line).line, self.key(me));
        let put = ops::put(&key, &to_value(me, &me.note), self.id);
        let mut txn = TxnRequest { failure: vec![ops::range(&line)], ..TxnRequest::default() };
        if me.mode == Mode::Exclusive {
            txn.compare = vec![ops::all_created(&line, Is::Equal, 0)];
            txn.success = vec![put.clone()];
            txn.success.extend(self.go_in(me));
        } else {
            // Not so: those who share look before they know.
            txn.compare = vec![ops::all_created(&line, Is::Greater, i64::MAX)];
        }
        if patience == Patience::Endless || me.mode == Mode::Shared {
            txn.failure.insert(0, ops::if_absent(&key, put));
        }
        let answer = match self.etcd.txn("enter a line", txn).await {
            Err(error) if has_ended(&error) => return Ok(Turn::Out),
            answer => answer?,
        };
        if answer.succeeded {
            let _ = me.order.set(answer.revision().cast_unsigned());
            return Ok(self.inside(me, answer));
        }
        let line = entries(answer.ranges().next().unwrap_or_default());
        let Some(mine) = line.iter().find(|entry| entry.place.key == key) else {
            return Ok(Turn::Out);
        };
        let _ = me.order.set(mine.place.order);
        match blocker(&line, mine.place.order, me.mode) {
            Some(before) => Ok(Turn::Blocked(before.place.clone())),
            None => self.look(me).await,
        }
    }

    /// Goes in, if nobody is before it.
    pub(super) async fn look(&self, me: &Me) -> Result<Turn> {
        let (line, key) = (self.etcd.keys(&me.line).line, self.key(me));
        let mut txn = TxnRequest { failure: vec![ops::range(&line)], ..TxnRequest::default() };
        let order = me.order.get().copied().unwrap_or_default();
        txn.compare = vec![ops::created(&key, Is::Equal, order.cast_signed())];
        if me.mode == Mode::Exclusive {
            // Nobody is before this one.
            txn.compare.push(ops::all_created(&line, Is::Greater, order.cast_signed() - 1));
            txn.success = self.go_in(me);
        } else {
            txn.success = vec![ops::range(&line), self.look_for_records(me)];
        }
        let answer = self.etcd.txn("look at a line", txn).await?;
        if answer.succeeded && me.mode == Mode::Exclusive {
            return Ok(self.inside(me, answer));
        }
        let line = entries(answer.clone().ranges().next().unwrap_or_default());
        if !line.iter().any(|entry| entry.place.key == key && entry.place.order == order) {
            return Ok(Turn::Out);
        }
        match blocker(&line, order, me.mode) {
            Some(before) => Ok(Turn::Blocked(before.place.clone())),
            None => Ok(self.inside(me, answer)),
        }
    }

    /// Leaves a record, if it is to, and looks for those of others.
    fn go_in(&self, me: &Me) -> Vec<RequestOp> {
        let record = me.is_recorded.then(|| self.leave_a_record(me, &me.note));
        record.into_iter().chain([self.look_for_records(me)]).collect()
    }

    pub(super) fn leave_a_record(&self, me: &Me, note: &str) -> RequestOp {
        // Its token; if it is not known yet, it is the record's own revision.
        let token = me.order.get().copied().unwrap_or_default();
        ops::put(&self.record(me), &to_record(me, note, token), 0)
    }

    fn look_for_records(&self, me: &Me) -> RequestOp {
        ops::range(&self.etcd.keys(&me.line).inside)
    }

    /// The turn of one that nobody blocks any more: the last range has found the records.
    fn inside(&self, me: &Me, answer: TxnResponse) -> Turn {
        let keys = self.etcd.keys(&me.line);
        let found = records(&keys, answer.ranges().last().unwrap_or_default());
        let mine = self.place(me);
        let others = found.into_iter().filter(|(place, _)| *place != mine);
        let token = me.order.get().copied().unwrap_or_default();
        Turn::Mine { token, deaths: others.map(|(_, death)| death).collect() }
    }
}
