//! Faults that people make: more than one token each.

use crate::Mutant;

/// In which file, what it is, what is written, what is written instead.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "bakery",
        "numbers read twice in the search for the greatest",
        ".map(|slot| slot.number.load(Relaxed))
            .fold(CHOOSING, u64::max);",
        ".fold(CHOOSING, |greatest, slot| {
                if slot.number.load(Relaxed) > greatest {
                    slot.number.load(Relaxed)
                } else {
                    greatest
                }
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
        let greatest = self
            .mark
            .joined(self.slots.as_ref())
",
        "        let joined = self.mark.joined(self.slots.as_ref());
        mine.store(CHOOSING, Relaxed);
        fence(SeqCst);
        let greatest = joined
",
    ),
    ("bakery", "no tie break", "(number, slot) >= mine", "number >= mine.0"),
    (
        "bakery",
        "nobody waits for whoever is choosing",
        "number == IDLE ||",
        "number <= CHOOSING ||",
    ),
    (
        "black_white",
        "withdrawing turns the colour",
        "        self.word(me).store(Word::IDLE.0, Relaxed);",
        "        self.leave(me, wake);",
    ),
    (
        "black_white",
        "leaving does not turn the colour",
        "        self.colour.store(1 - Word(mine.load(Relaxed)).colour(), Release);",
        "",
    ),
    (
        "black_white",
        "the slot is cleared before the colour is turned",
        "        self.colour.store(1 - Word(mine.load(Relaxed)).colour(), Release);
        mine.store(Word::IDLE.0, Release);",
        "        let colour = 1 - Word(mine.load(Relaxed)).colour();
        mine.store(Word::IDLE.0, Release);
        self.colour.store(colour, Release);",
    ),
    (
        "peterson",
        "the turn is written before the flag",
        "        self.flags[side].store(me.number() + 1, Relaxed);
        W::give_way(&self.turn, other(side));",
        "        W::give_way(&self.turn, other(side));
        self.flags[side].store(me.number() + 1, Relaxed);",
    ),
    (
        "peterson",
        "takes the turn instead of giving it away",
        "W::give_way(&self.turn, other(side));",
        "W::give_way(&self.turn, other(1 - side));",
    ),
    (
        "filter",
        "the victim is written before the level",
        "        slots[me.index()].level.store(level, Release);
        W::give_way(&slots[level as usize].victim, me.number());",
        "        W::give_way(&slots[level as usize].victim, me.number());
        slots[me.index()].level.store(level, Release);",
    ),
    ("filter", "only the same level is looked at", ">= level)", "== level)"),
    (
        "ticket",
        "serving and passing over are two steps that overlap",
        "let mut served = self.served.fetch_add(SERVE_NEXT, Release).wrapping_add(SERVE_NEXT);",
        "self.served.fetch_add(SERVE_NEXT, Release);
        let mut served = self.served.load(Relaxed);",
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
