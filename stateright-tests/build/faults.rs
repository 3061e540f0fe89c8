//! Faults that people make: more than one token each.

use crate::Mutant;

/// In which file, what it is, what is written, what is written instead.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "bakery",
        "numbers read twice in the search for the greatest",
        "others.map(|(_, number)| number).fold(IDLE, u64::max);",
        "others.map(|(slot, _)| self.number(slot)).fold(IDLE, |greatest, number| {
                if number.load(Acquire) > greatest { number.load(Acquire) } else { greatest }
            });",
    ),
    (
        "bakery",
        "a mark kept from before the doorway",
        "        mine.store(CHOOSING, Relaxed);
        // Orders CHOOSING before the scan: see fence 1 above.
        fence(SeqCst);
        // Each number is read once: read twice, the comparison and the maximum could see two
        // different ones.
        let others = self.joined().filter(|&(slot, _)| slot != me);
",
        "        let others = self.joined().filter(|&(slot, _)| slot != me);
        mine.store(CHOOSING, Relaxed);
        fence(SeqCst);
",
    ),
    (
        "bakery",
        "alone beside one who is choosing",
        "greatest == IDLE",
        "greatest <= CHOOSING",
    ),
    ("bakery", "no tie break", "(number, slot) >= mine", "number >= mine.0"),
    (
        "bakery",
        "nobody waits for whoever is choosing",
        "number == IDLE ||",
        "number <= CHOOSING ||",
    ),
    (
        "bypass",
        "the line is announced before there is a ticket",
        "            self.line.enter(me, intent, wake)?;
            self.gate.announce();",
        "            self.gate.announce();
            self.line.enter(me, intent, wake)?;",
    ),
    (
        "bypass",
        "the gate's holder is not told from the head of the line",
        "        if self.has_gate(me) {
            return Turn::Mine;
        }
",
        "",
    ),
    (
        "black_white",
        "withdrawing turns the colour",
        "        self.word(me).store(Word::IDLE.0, Release);",
        "        self.leave(me, wake);",
    ),
    (
        "black_white",
        "leaving does not turn the colour",
        "            self.colour.store(1 - word.colour(), Release);",
        "",
    ),
    (
        "black_white",
        "the slot is cleared before the colour is turned",
        "            self.colour.store(1 - word.colour(), Release);
        }
        mine.store(Word::IDLE.0, Release);",
        "            mine.store(Word::IDLE.0, Release);
            self.colour.store(1 - word.colour(), Release);
        }
        mine.store(Word::IDLE.0, Release);",
    ),
    (
        "peterson",
        "the turn is written before the flag",
        "        self.flags[side].store(me.number() + 1, Relaxed);
        if W::give_way(&self.turn, other(side), || self.opposite(side) == DOWN) {
            W::wake(wake, channel);
        }",
        "        if W::give_way(&self.turn, other(side), || self.opposite(side) == DOWN) {
            W::wake(wake, channel);
        }
        self.flags[side].store(me.number() + 1, Relaxed);",
    ),
    (
        "peterson",
        "takes the turn instead of giving it away",
        "W::give_way(&self.turn, other(side),",
        "W::give_way(&self.turn, other(1 - side),",
    ),
    (
        "filter",
        "the victim is written before the level",
        "        slots[me.index()].level.store(level, Release);
        // Never alone: that would be another look at every slot, on every level.
        W::give_way(&slots[level as usize].victim, me.number(), || false);",
        "        W::give_way(&slots[level as usize].victim, me.number(), || false);
        slots[me.index()].level.store(level, Release);",
    ),
    ("filter", "only the same level is looked at", ">= level)", "== level)"),
    (
        "ticket",
        "a ticket is marked that may be served by now",
        "            if self.served.compare_exchange_weak(served, marked, Relaxed, Relaxed).is_ok() {
                return Withdrawal::Done;
            }",
        "            self.served.fetch_or(marked & 0xffff_ffff, Relaxed);
            return Withdrawal::Done;",
    ),
    (
        "ticket",
        "what was withdrawn is passed over without asking whether another has done so",
        "            let skipped = self.served.compare_exchange(served, without, Relaxed, Relaxed);
            served = skipped.map_or_else(|now| now, |_| without);",
        "            let step = without.wrapping_sub(served);
            served = self.served.fetch_add(step, Relaxed).wrapping_add(step);",
    ),
    (
        "ticket",
        "a leaver's slot is given up before the next is served",
        "        self.queue.serve_next(wake);
        self.slot(me).settle(None);",
        "        self.slot(me).settle(None);
        self.queue.serve_next(wake);",
    ),
    (
        "ticket",
        "a slot is given up before its ticket is marked",
        "        let outcome = self.queue.withdraw(slot.ticket());
        if outcome == Withdrawal::Done {
            slot.settle(None);
        }
        outcome",
        "        let mine = slot.ticket();
        slot.settle(None);
        self.queue.withdraw(mine)",
    ),
    (
        "ticket",
        "the next ticket is looked at after the slots",
        "        let is_out = |ahead| {",
        "        let next = self.queue.look().0;
        let line = next.saturating_sub(first);
        let is_out = |ahead| {",
    ),
    (
        "ticket",
        "a slot is given up before others are helped",
        "        self.queue.help(wake);
        slot.settle(None);",
        "        slot.settle(None);
        self.queue.help(wake);",
    ),
    (
        "ticket",
        "one who died choosing is named for ever, though another has to be reset first",
        "choosing.or(orphaned)",
        "orphaned.or(choosing)",
    ),
    (
        "ticket_queue",
        "what was withdrawn is passed over without asking whether another has done so",
        "            if self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed).is_err() {
                return served;
            }
",
        "            self.withdrawn.fetch_add(without.wrapping_sub(withdrawn), Relaxed);
",
    ),
    (
        "ticket_queue",
        "the next one is served before the mark is taken away",
        "            if self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed).is_err() {
                return served;
            }
            // Release: hands the last critical section on.
            self.served.store(served.wrapping_add(1), Release);
",
        "            self.served.store(served.wrapping_add(1), Release);
            if self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed).is_err() {
                return served;
            }
",
    ),
    ("fast", "the flags are not looked at", "on = self.raised();", "on = None;"),
    (
        "fast",
        "the winner is not asked for",
        "if winner == me.number() + 1 { phase::INSIDE }",
        "if winner != NOBODY { phase::INSIDE }",
    ),
];

/// The faults of a file, each of which is possible in exactly one place.
pub(crate) fn of(name: &str, source: &str) -> Vec<Mutant> {
    let of_this = FAULTS.iter().filter(|(file, ..)| *file == name);
    of_this
        .map(|(_, change, written, instead)| {
            let places = source.matches(written).count();
            assert_eq!(places, 1, "{name}.rs has {places} places for: {change}");
            let at = source.find(written).expect("there is one");
            Mutant {
                line: source[..at].lines().count() + 1,
                change: (*change).to_owned(),
                text: source.replacen(written, instead, 1),
            }
        })
        .collect()
}
