//! Mutants that no model catches, and why: one that is caught all the same is pointed out. And
//! models that are not to be run deeper, and why.

use crate::atomic::{AcqRel, Relaxed};
use crate::models::Model;
use crate::mutation::{Instead, Site};

struct Survivor {
    file: &'static str,
    /// The line of code before the site, or a part of it: fences look alike.
    after: &'static str,
    /// The site's line of code, or a part of it.
    line: &'static str,
    mutants: &'static [Instead],
    why: &'static str,
}

const ANY_FENCE: &[Instead] = &[Instead::Nothing, Instead::Weaker(AcqRel)];

const BAKERY: &str = "src/algorithm/bakery.rs";
const BLACK_WHITE: &str = "src/algorithm/black_white.rs";
const GATE: &str = "src/algorithm/gate.rs";
const FAST: &str = "src/algorithm/fast.rs";
const TICKET: &str = "src/algorithm/ticket.rs";
const TICKET_QUEUE: &str = "src/algorithm/ticket_queue.rs";
const SLOTTED: &str = "src/local/drop_in/slotted.rs";
const NOTICE: &str = "src/wait/notice.rs";
const ROOM: &str = "src/shared/segment/room.rs";
const IDENTITY: &str = "src/shared/life/identity.rs";
const LEASE: &str = "src/local/drop_in/lease.rs";

const EARLY: &str = "what is read in the slot is acted upon by an exchange, which sees the last value of what was \
                     written before, unless the slot was written, or read, out of order: load buffering, which loom \
                     does not know";

const EVERY_TWO: &str = "one of the fences between every two accesses, which make the register accesses sequentially \
                         consistent for any number of participants; with two and three nothing was found that needs it";

const MORTAL_ORDER: &str = "holds the compiler back: a dead participant's stores have all been made, in the models as well";
const LATE_TICKET: &str = "without it one is counted for the round after its own, if a value of the tickets is read that \
                           is older than that of the gate: loom shows none here";
const SIXTEEN_AGO: &str = "without it a mark is taken for that of the ticket 16 before, if a value of `served` is read \
                           that is as old; loom forgets values older than the last seven";

const NOT_IN_ORDER: &str = "whoever sleeps over what an owner wrote has to be passed by the one who heeded, which \
                            takes more preemptions than the models of three have: derived in docs/memory-order.md";

const NAPS_ONLY: &str = "nobody ever sleeps soundly then: it costs time, and no model counts that";

const PASSED: &str =
    "how often those in line are passed, by longer lines: `bypass` in tests/threads finds it";

const FOR_READERS: &str = "written for whoever looks on; the next attempt overwrites it";

const STILL_CHOOSING: &str = "for whoever looks on: CHOOSING keeps out whom ALONE keeps out; `words` in tests/threads finds it";
const RESET_BY_ONE: &str = "who died inside is given up by one and passed over by another then, which takes more participants \
                            than the models of deaths have: derived in docs/memory-order.md";
const PASSER_DIED: &str = "whoever was about to pass over what is given up has died then, and another comes again: more \
                           participants than the models have, derived in docs/memory-order.md";
const LONG_AGO: &str = "without it a ticket is taken for that of 2^32 tickets ago, if a value of `served` is read that is \
                        as old; loom forgets values older than the last seven";
const BY_EXCHANGE: &str = "whoever has read the new value with the old state acts by an exchange of that state, which fails";
const LEFT_IN_USE: &str = "the index counts as left in use then, and who locks twice with it waits for ever: \
                           tests/threads_recursion.rs finds it";
const MEMORY: &str =
    "the kernel has a slot's memory there for everybody at once, in the models as well";
const TURNS: &str = "leaving turns the colour then, with tickets of both in line, which is beyond these models; `words` in \
                     tests/threads finds it";

const FENCED_DOORWAY: &str = "in every lock that was modelled something in the doorway behind it does as much; it is \
                              there for one in which nothing does";

const SURVIVORS: &[Survivor] = &[
    Survivor {
        file: SLOTTED,
        after: "",
        line: "if busy.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: FENCED_DOORWAY,
    },
    Survivor {
        file: BAKERY,
        after: "",
        line: "mine.store(ALONE, Relaxed)",
        mutants: &[Instead::Nothing],
        why: STILL_CHOOSING,
    },
    Survivor {
        file: BLACK_WHITE,
        after: "",
        line: "mine.store(Word::ALONE.0, Relaxed)",
        mutants: &[Instead::Nothing],
        why: TURNS,
    },
    Survivor {
        file: FAST,
        after: "slot.flag.store(RAISED, Relaxed)",
        line: "fence(SeqCst)",
        mutants: ANY_FENCE,
        why: EVERY_TWO,
    },
    Survivor {
        file: FAST,
        after: "fence(SeqCst)",
        line: "self.x.store(my_name, Relaxed)",
        mutants: &[Instead::Nothing],
        why: "without it everybody takes the slow path, which is a lock by itself",
    },
    Survivor { file: FAST, after: "};", line: "fence(SeqCst)", mutants: ANY_FENCE, why: EVERY_TWO },
    Survivor {
        file: FAST,
        after: "registers.flag.load(Relaxed)",
        line: "fence(SeqCst)",
        mutants: &[Instead::Weaker(AcqRel)],
        why: EVERY_TWO,
    },
    Survivor {
        file: FAST,
        after: "self.y.load(Relaxed) == NOBODY",
        line: "fence(SeqCst)",
        mutants: ANY_FENCE,
        why: EVERY_TWO,
    },
    Survivor {
        file: FAST,
        after: "let winner = self.y.load(Relaxed)",
        line: "fence(SeqCst)",
        mutants: ANY_FENCE,
        why: EVERY_TWO,
    },
    Survivor {
        file: FAST,
        after: "",
        line: "slot.phase.store(phase::OUTSIDE, Relaxed)",
        mutants: &[Instead::Nothing],
        why: FOR_READERS,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "self.place.store(place, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: EARLY,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "let place = of.place.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: EARLY,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "self.place.store(ticket.wrapping_add(FIRST) | GIVEN_UP, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: RESET_BY_ONE,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "_ = self.place.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: PASSER_DIED,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "let exchanged = self.place.compare_exchange(place, passed, Release, Relaxed)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: PASSER_DIED,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "let next = self.queue.next.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: LONG_AGO,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "served = self.queue.served.fetch_or(survey.marks, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: RESET_BY_ONE,
    },
    Survivor {
        file: LEASE,
        after: "",
        line: "HELD.set(HELD.get() - 1)",
        mutants: &[Instead::Nothing],
        why: LEFT_IN_USE,
    },
    Survivor {
        file: IDENTITY,
        after: "self.state.fetch_add(CHANGING, Relaxed)",
        line: "fence(Release)",
        mutants: &[Instead::Nothing],
        why: BY_EXCHANGE,
    },
    Survivor {
        file: TICKET_QUEUE,
        after: "",
        line: "let withdrawn = self.withdrawn.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: SIXTEEN_AGO,
    },
    Survivor {
        file: TICKET_QUEUE,
        after: "",
        line: "self.withdrawn.fetch_or(noted, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: SIXTEEN_AGO,
    },
    Survivor {
        file: NOTICE,
        after: "",
        line: "self.heeded.store(heeded, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: NOT_IN_ORDER,
    },
    Survivor {
        file: NOTICE,
        after: "",
        line: "self.heeded.store(heeded, Release)",
        mutants: &[Instead::Nothing],
        why: NAPS_ONLY,
    },
    Survivor {
        file: NOTICE,
        after: "",
        line: "if self.heeded.load(Acquire) == UNHEEDED",
        mutants: &[Instead::Weaker(Relaxed)],
        why: NOT_IN_ORDER,
    },
    Survivor {
        file: GATE,
        after: "",
        line: "self.round.store(round, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: MORTAL_ORDER,
    },
    Survivor {
        file: GATE,
        after: "",
        line: "let state = self.state.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: LATE_TICKET,
    },
    Survivor {
        file: GATE,
        after: "",
        line: "self.share.store(share, Relaxed)",
        mutants: &[Instead::Nothing],
        why: PASSED,
    },
    Survivor {
        file: TICKET,
        after: "",
        line: "CHOOSING | ORPHANED => slot.place.store(ORPHANED, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: EARLY,
    },
    Survivor {
        file: ROOM,
        after: "",
        line: "self.joined.load(Acquire)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: MEMORY,
    },
    Survivor {
        file: ROOM,
        after: "",
        line: "self.joined.fetch_max(to, Release)",
        mutants: &[Instead::Weaker(Relaxed)],
        why: MEMORY,
    },
];

/// Why a mutant is known to survive.
pub(super) fn reason(site: &Site, source: &[String; 2], instead: Instead) -> Option<&'static str> {
    let [after, line] = source;
    let known = SURVIVORS.iter().find(|known| {
        site.file == known.file
            && after.contains(known.after)
            && line.contains(known.line)
            && known.mutants.contains(&instead)
    });
    known.map(|known| known.why)
}

const ASKS_THE_KERNEL: &str =
    "the line of those who wait for a slot is the kernel's: `room` in tests/processes";
const CLOSED: &str = "the doorway closes for numbers that no model gets to";

/// Lines that no model reaches: the file, a part of the line before, a part of the line, and why.
const UNREACHABLE: &[(&str, &str, &str, &str)] = &[
    (BAKERY, "else {", "mine.store(IDLE, Release)", CLOSED),
    (BAKERY, "mine.store(IDLE, Release)", "wake.fence()", CLOSED),
    (BAKERY, "wake.fence()", "wake.wake(", CLOSED),
    (BLACK_WHITE, "else {", "mine.store(Word::IDLE.0, Release)", CLOSED),
    (BLACK_WHITE, "mine.store(Word::IDLE.0, Release)", "wake.fence()", CLOSED),
    (BLACK_WHITE, "wake.fence()", "wake.wake(", CLOSED),
    (ROOM, "", "self.ticket.fetch_add(1, Relaxed)", ASKS_THE_KERNEL),
    (ROOM, "", "self.ticket.load(Relaxed) == 0", ASKS_THE_KERNEL),
];

/// Why no model reaches a line.
pub(super) fn unreachable(file: &str, after: &str, line: &str) -> Option<&'static str> {
    let known = UNREACHABLE
        .iter()
        .find(|known| file == known.0 && after.contains(known.1) && line.contains(known.2));
    known.map(|known| known.3)
}

const SEVEN_STORES: &str = "loom forgets that a thread has read a store that is no longer among the last \
                            seven, and lets it read an older one: see docs/checkers.md";

/// Models that fail with one preemption more, but not in an execution that the language allows.
const NOT_DEEPER: &[(&str, &str)] = &[("exclusion::fast_stepping_3_again", SEVEN_STORES)];

/// Why a model is not to be run with more preemptions than its bounds say.
pub(super) fn not_deeper(model: Model) -> Option<&'static str> {
    let name = model.to_string();
    NOT_DEEPER.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}
