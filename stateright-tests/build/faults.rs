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
        "what is passed over may be taken up at that moment",
        "        let exchanged = self.place.compare_exchange(place, passed, Release, Relaxed);
        exchanged.map_or_else(|now| now == passed, |_| true)",
        "        self.place.store(passed, Release);
        true",
    ),
    (
        "ticket",
        "a ticket is passed over without asking whether another has done so",
        "            match self.served.compare_exchange(served, next, Release, Relaxed) {",
        "            match Ok::<u64, u64>(self.served.fetch_add(SERVE_NEXT, Release)) {",
    ),
    (
        "ticket",
        "a leaver's slot is given up before the next is served",
        "        let mut served = self.queue.served.fetch_add(",
        "        self.slot(me).settle(None);
        let mut served = self.queue.served.fetch_add(",
    ),
    (
        "ticket",
        "a mark is taken away behind the look at the slots",
        "            served = self.queue.served.fetch_and(!taken_away, Acquire) & !taken_away;
            let first = in_full(served, next);
            let survey = self.survey(first, 1);
",
        "            let first = in_full(self.queue.served.load(Acquire), next);
            let survey = self.survey(first, 1);
            served = self.queue.served.fetch_and(!taken_away, Acquire) & !taken_away;
",
    ),
    (
        "ticket",
        "the next ticket is looked at after the slots",
        "            let survey = self.survey(first, line);
",
        "            let survey = self.survey(first, line);
            let line = self.queue.look().0.saturating_sub(first);
",
    ),
    (
        "ticket",
        "a slot is given up before others are helped",
        "        let (_, is_written) = self.help(wake);
",
        "        slot.settle(None);
        let (_, is_written) = self.help(wake);
",
    ),
    (
        "ticket",
        "a ticket is given up behind its mark",
        "        slot.give_up(mine);
        // Release: see `pass_over`. Acquire: if the turn has come, the last critical section has to be
        // seen.
        let served = self.queue.served.fetch_or(mark(low(mine)), AcqRel);
",
        "        let served = self.queue.served.fetch_or(mark(low(mine)), AcqRel);
        slot.give_up(mine);
",
    ),
    (
        "ticket_queue",
        "what was withdrawn is passed over without asking whether another has done so",
        "                let taken = self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed);
                if taken.is_err() {
                    return served;
                }
",
        "                self.withdrawn.fetch_add(without.wrapping_sub(withdrawn), Relaxed);
",
    ),
    (
        "ticket_queue",
        "the next one is served before the mark is taken away",
        "                let taken = self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed);
",
        "                self.served.store(served.wrapping_add(1), Release);
                let taken = self.withdrawn.compare_exchange(withdrawn, without, Relaxed, Relaxed);
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
