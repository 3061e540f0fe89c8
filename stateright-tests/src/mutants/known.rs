//! Mutants that break nothing that these models claim, and why.

/// What is changed where, by parts of the text; and why that is no fault, or who finds it.
struct Known {
    file: &'static str,
    /// The line of code before, or a part of it.
    after: &'static str,
    line: &'static str,
    change: &'static str,
    why: &'static str,
}

const fn known(
    file: &'static str,
    after: &'static str,
    line: &'static str,
    change: &'static str,
    why: &'static str,
) -> Known {
    Known { file, after, line, change, why }
}

const CLOSED: &str =
    "the doorway closes for numbers that no model gets to; `words` in tests/threads finds it";
const NEVER_ALONE: &str =
    "nobody is alone then, which takes a fence more; `words` in tests/threads finds it";
const WAITS: &str =
    "one that is alone waits for those who are choosing then; `words` in tests/threads finds it";
const WATCHED: &str =
    "whom a waiter watches, and how long it spins, is for speed; the next poll decides";
const EARLY: &str = "whom it wakes early is for speed; `announcements` in tests/threads finds it";
const DAMAGE: &str = "for registers that were overwritten; `registers` in tests/threads finds it";
const CODE: &str = "the same thing by another number";
const PRIVATE: &str = "nobody reads it before it is written again";
const BACK: &str = "not claimed here, or for longer lines; `recovery` in tests/threads finds it";
const ONLOOKERS: &str = "for whoever looks on, and nothing that these models claim; `standings` in \
     tests/threads asks for what one thread can bring about";
const HEARD: &str =
    "whose death a waiter hears of, which no model trusts: `predecessor` in tests/threads finds it";
const QUEUE: &str = "`queue` or `wrap` in tests/threads finds it";
const SOON: &str = "how soon a doorway counts as closed";
const DROP_IN: &str = "for the drop-in mutex only, whose models with loom find it";
const HINT: &str = "whether to look closer, which decides";
const PLACE: &str = "`deadlines` in tests/threads finds it";
const MARKED: &str = "which tickets share a mark: `announcements` in tests/threads finds it";
const ORPHAN: &str = "what is left is an orphan's ticket then, and passed over as one";
const UNASKED: &str = "how many are written down, which is not asked here";
const LOOK: &str = "a look, or a mark set again, without need";
const SHARED: &str =
    "of two who gave up and share a mark: beyond these models' lines, and no test asks for it";
const RANGE: &str = "as a ticket it would be out of range";
const PASSED_TOO: &str = "a ticket that has been passed is settled in the same way";
const LONGER: &str = "two deaths at the gate, which only the long models have";
const ROOMS: &str =
    "only the drop-in mutexes have room: the models with loom, and `deadlines` in tests/threads";
const WAKES: &str = "whom it wakes: the models with loom find it";
const FENCES: &str = "one of the fences between every two accesses: see the type's documentation";

const PASSED: &str =
    "how often those in line are passed, by longer lines: `bypass` in tests/threads finds it";
const FEWER: &str =
    "passages are counted, or the gate closed, without need: nobody is passed more often";
const FAIRLY: &str = "leaving to the line: `bypass` in tests/threads finds it";
const SPARED: &str = "a look that spares those who come in vain a ticket";
const ONE_EACH: &str = "there is a new hand for each attempt";
const HANDS: &str = "how many share a hand, which nobody asks";

const BAKERY: &str = "bakery.rs";
const BLACK_WHITE: &str = "black_white.rs";
const BYPASS: &str = "/bypass.rs";
const BYPASS_QUEUE: &str = "bypass_queue.rs";
const FAST: &str = "fast.rs";
const FILTER: &str = "filter.rs";
const GATE: &str = "gate.rs";
const MARK: &str = "mark.rs";
const PETERSON: &str = "peterson.rs";
const TICKET: &str = "/ticket.rs";
const TICKET_QUEUE: &str = "ticket_queue.rs";
const TOURNAMENT: &str = "tournament.rs";

const ALL: &[Known] = &[
    known(BAKERY, "", "const ALONE: u64 = 2", "`2` -> `3`", CODE),
    known(BAKERY, "", "mine.store(CHOOSING", "`CHOOSING` -> `ALONE`", ONLOOKERS),
    known(BAKERY, "", "if mine.0 == ALONE", "`ALONE`", WAITS),
    known(BAKERY, "", "let others = self.joined()", "`filter` lets all through", NEVER_ALONE),
    known(BAKERY, "", ".fold(IDLE, ", "`IDLE` -> `CHOOSING`", NEVER_ALONE),
    known(BAKERY, "", ".checked_add(1)", "`1` -> `2`", "numbers may have gaps"),
    known(BAKERY, "else {", "mine.store(IDLE, Release)", "", CLOSED),
    known(BAKERY, "fn next(", "let numbers = self.joined()", "", EARLY),
    known(BAKERY, "", "numbers.filter(", "", EARLY),
    known(BAKERY, "", "ahead += 1", "", WATCHED),
    known(BAKERY, "ahead += 1", "if number == CHOOSING", "", WATCHED),
    known(BAKERY, "", "break;", "", WATCHED),
    known(
        BAKERY,
        "",
        "by.on.is_some_and(",
        ".is_some_and(",
        "whoever is blocked is blocked by somebody",
    ),
    known(BLACK_WHITE, "", "const ALONE: Self = Self(2)", "`2` -> `3`", CODE),
    known(BLACK_WHITE, "", "mine.store(Word::CHOOSING", "`CHOOSING` -> `ALONE`", ONLOOKERS),
    known(BLACK_WHITE, "", "if mine == Word::ALONE", "`ALONE`", WAITS),
    known(BLACK_WHITE, "", "let is_later = ", "", WATCHED),
    known(BLACK_WHITE, "return Standing::Doorway", "word == Word::ALONE", "`ALONE`", ONLOOKERS),
    known(BLACK_WHITE, "", "let others = self.joined()", "`&&` -> `||`", NEVER_ALONE),
    known(BLACK_WHITE, "", "let others = self.joined()", "lets all through", NEVER_ALONE),
    known(BLACK_WHITE, "", "return Standing::Line(0)", "`0` -> `1`", ONLOOKERS),
    known(BLACK_WHITE, "", "colour: Register32::new(0)", "", "the colours are alike"),
    known(BLACK_WHITE, "", "(word.number(), slot) < ", "`<` -> `<=`", "nobody meets itself"),
    known(BLACK_WHITE, "else {", "mine.store(Word::IDLE.0, Release)", "", CLOSED),
    known(BLACK_WHITE, "fn next(", "let colour = ", "", EARLY),
    known(BLACK_WHITE, "", "let tickets = self.joined()", "", EARLY),
    known(BLACK_WHITE, "", "(word.colour() == colour, word.number(), slot)", "", EARLY),
    known(BLACK_WHITE, "", "ahead += 1", "", WATCHED),
    known(BLACK_WHITE, "", "let place = ", "", WATCHED),
    known(BLACK_WHITE, "let place = ", "if word == Word::CHOOSING", "", WATCHED),
    known(BLACK_WHITE, "", "break;", "", WATCHED),
    known(BLACK_WHITE, "", "by.on.is_some_and(", "", "whoever is blocked is blocked by somebody"),
    known(BLACK_WHITE, "", "u64::from(word.0) == by.seen", "", WATCHED),
    known(
        BLACK_WHITE,
        "",
        "self.colour.store(1 - ",
        "`-` -> `+`",
        "colours are read by their last bit",
    ),
    known(MARK, "", "Self(AtomicU32::new(0))", "", "a mark may be too high"),
    known(MARK, "", "over.number() + 1", "`1` -> `2`", "a mark may be too high"),
    known(MARK, "", "self.0.load(Relaxed) < wanted", "`<` -> `<=`", "raised to where it is"),
    known(MARK, "", "&slots[..mark.min(", "", DAMAGE),
    known(MARK, "", "Self(0)", "", "the form without read-modify-writes is not compiled here"),
    known(
        PETERSON,
        "",
        "self.flags[side].store(me.number() + 1",
        "`1` -> `2`",
        "any number but 0 is raised",
    ),
    known(PETERSON, "if alone()", "return false", "", WAKES),
    known(PETERSON, "", "true", "`true` -> `false`", WAKES),
    known(PETERSON, "", "Slot::new(flag - 1)", "`-`", WATCHED),
    known(PETERSON, "", "Slot::new(flag - 1)", "`1`", WATCHED),
    known(PETERSON, "", "if side == 0 { 1 } else { 0 }", "", CODE),
    known(PETERSON, "fn capacity", "2", "", "`capacity` in tests/threads finds it"),
    known(TOURNAMENT, "", "height: Register32::new(0)", "", PRIVATE),
    known(TOURNAMENT, "", ".clamp(1, leaf.ilog2())", "`1` -> `0`", DAMAGE),
    known(TOURNAMENT, "", "seen: 0", "", "nobody looks at it"),
    known(PETERSON, "", "seen: 0", "", "nobody looks at it"),
    known(TOURNAMENT, "", "(1, None) => ", "`1` -> `0`", "one level more, where nobody is met"),
    known(TOURNAMENT, "", "height.store(0, Relaxed)", "", PRIVATE),
    known(TOURNAMENT, "", "for height in path.rev()", "", "the order of wake-ups"),
    known(
        FILTER,
        "",
        "victim: AtomicU32::new(0)",
        "`0` -> `1`",
        "a victim is written before it is read",
    ),
    known(FILTER, "", ".clamp(1, self.last_level())", "`1` -> `0`", DAMAGE),
    known(FILTER, "", "for level in 1..=top", "", "whom it wakes: the models with loom find it"),
    known(FAST, "", "const RAISED: u32 = 1", "`1` -> `2`", CODE),
    known(FAST, "", "const OUTSIDE: u32 = 0", "", CODE),
    known(FAST, "", "const CONTENDING: u32 = 1", "`1` -> `0`", CODE),
    known(FAST, "", "const INSIDE: u32 = 2", "`2` -> `3`", CODE),
    known(FAST, "", "const CHANNEL: u32 = 0", "", CODE),
    known(FAST, "", "phase: Register32::new(phase::OUTSIDE)", "OUTSIDE", PRIVATE),
    known(FAST, "", "slot.phase.store(phase::OUTSIDE, Relaxed)", "", PRIVATE),
    known(
        FAST,
        "",
        "self.x.store(my_name, Relaxed)",
        "left out",
        "all take the slow path, a lock by itself",
    ),
    known(
        FAST,
        "",
        "{ phase::INSIDE } else { phase::CONTENDING }",
        "`INSIDE` -> `CONTENDING`",
        "all take the slow path, a lock by itself",
    ),
    known(
        FAST,
        "} else {",
        "phase::OUTSIDE",
        "`OUTSIDE` -> `CONTENDING`",
        "the slow path, whose end asks for `y` too",
    ),
    known(BAKERY, "", "CHOOSING => Standing::Doorway", "", ONLOOKERS),
    known(BLACK_WHITE, "return Standing::Outside", "word == Word::CHOOSING", "", ONLOOKERS),
    known(BLACK_WHITE, "", "u64::from(is_new) << 32", "`32`", CODE),
    known(FAST, "", "Standing::", "", ONLOOKERS),
    known(FILTER, "fn standing", "", "", ONLOOKERS),
    known(FILTER, "", "Standing::", "", ONLOOKERS),
    known(FILTER, "let level = self.level(of)", "let place = ", "", ONLOOKERS),
    known(TOURNAMENT, "fn standing", "", "", ONLOOKERS),
    known(BYPASS, "", "if !self.line.is_served(me)", "", HEARD),
    known(BYPASS, "", "self.line.right_before(me, wake, name)", "", HEARD),
    known(BYPASS, "else if let Some(holder)", "name(holder)", "", HEARD),
    known(TICKET, "", "const MOST: u64 = 8", "", HEARD),
    known(TICKET, "", "for before in 1..=MOST", "", HEARD),
    known(TICKET, "", "mine.wrapping_sub(before)", "", HEARD),
    known(TICKET, "let ticket_before", "let slots = (0..)", "", HEARD),
    known(TICKET, "let mut places", "places.find(", "", HEARD),
    known(TOURNAMENT, "let height = self.height(of)", "let place = ", "", ONLOOKERS),
    known(TOURNAMENT, "", "Standing::Line(", "", ONLOOKERS),
    known(TOURNAMENT, "", ".filter(|slot| slot.index() < self.capacity())", "", DAMAGE),
    known(TICKET, "", "1 << (half % MARKS)", "", MARKED),
    known(TICKET, "", "const PASSED: u64 = 1 << 62", "`62` -> `61`", CODE),
    known(TICKET, "", "let passed = place | PASSED", "`|` -> `&`", ORPHAN),
    known(TICKET, "", "OUTSIDE | ORPHANED => continue", "`ORPHANED` -> `OUTSIDE`", RANGE),
    known(TICKET, "", "survey.written += ", "`<` -> `<=`", ORPHAN),
    known(TICKET, "", "survey.written += ", "", BACK),
    known(TICKET, "", "let survey = self.survey(first, 1)", "", UNASKED),
    known(TICKET, "", "if survey.marks & taken_away != 0", "`!=` -> `==`", SHARED),
    known(TICKET, "", "if survey.marks & taken_away != 0", "", LOOK),
    known(TICKET, "", ".fetch_or(taken_away, Relaxed) | taken_away", "", SHARED),
    known(TICKET, "", "", "a mark is taken away behind the look at the slots", SHARED),
    known(TICKET, "", "let mut orphans = 0..", "`0` -> `1`", "one orphan fewer at a time"),
    known(TICKET, "", "if survey.marks != 0", "`0` -> `1`", LOOK),
    known(TICKET, "", "if survey.marks != 0", "", BACK),
    known(TICKET, "", "let is_orphan = line > 0", "`0` -> `1`", BACK),
    known(TICKET, "", "break (first, ahead, ", "", BACK),
    known(TICKET, "", "if !is_in_line", "", PLACE),
    known(TICKET, "if !is_in_line", "self.help(wake)", "", PLACE),
    known(TICKET, "", "fetch_add(SERVE_NEXT, Release).wrapping_add(SERVE_NEXT)", "", MARKED),
    known(TICKET, "", "if place != OUTSIDE", "`OUTSIDE` -> `CHOOSING`", LOOK),
    known(TICKET, "", "if is_kept(place) && ", "`&&` -> `||`", "`line` in tests/threads finds it"),
    known(TICKET, "", "let is_passed = ", "", BACK),
    known(TICKET, "", "CHOOSING | ORPHANED => slot.place.store(ORPHANED", "", BACK),
    known(TICKET, "", "CHOOSING | ORPHANED => slot.settle(None)", "", PASSED_TOO),
    known(TICKET, "", "Self::starting_at(0)", "", CODE),
    known(TICKET, "", "const FIRST: u64 = 3", "`3` -> `4`", CODE),
    known(TICKET, "", "(first as u64) << 32", "", QUEUE),
    known(TICKET, "}", "false", "`false` -> `true`", "so often no exchange fails here"),
    known(TICKET, "", "CHOOSING | ORPHANED => Standing::Doorway", "", BACK),
    known(TICKET_QUEUE, "fn capacity", "1", "", HANDS),
    known(TICKET_QUEUE, "", "const ATTEMPTS: usize = 16", "", SOON),
    known(TICKET_QUEUE, "", "for _ in 0..ATTEMPTS", "", SOON),
    known(TICKET_QUEUE, "", "break;", "", SOON),
    known(TICKET_QUEUE, "", "1 << (ticket % WINDOW)", "`1` -> `2`", QUEUE),
    known(TICKET_QUEUE, "", "(ticket & 0xffff_ffff)", "", QUEUE),
    known(TICKET_QUEUE, "", "const WINDOW: u64 = 16", "", QUEUE),
    known(TICKET_QUEUE, "", "const NOTED: u64 = ", "", ROOMS),
    known(TICKET_QUEUE, "", "const TAKEN_AWAY: u64 = ", "", ROOMS),
    known(TICKET_QUEUE, "", "while next.wrapping_sub(served)", "", QUEUE),
    known(
        TICKET_QUEUE,
        "",
        "let is_marked = ",
        "`<` -> `<=`",
        "a mark of 16 before, for whoever looks on",
    ),
    known(TICKET_QUEUE, "", "let is_marked = ", "", QUEUE),
    known(TICKET_QUEUE, "", "let noted = ", "", ROOMS),
    known(TICKET_QUEUE, "", "let behind = if is_marked", "", QUEUE),
    known(TICKET_QUEUE, "", "let Some(behind) = behind else", "", QUEUE),
    known(TICKET_QUEUE, "}", "false", "`false` -> `true`", QUEUE),
    known(TICKET_QUEUE, "", "withdrawn & (mark(ticket) | NOTED) != 0", "", HINT),
    known(TICKET_QUEUE, "", "&& (withdrawn & mark(ticket) != 0 || ", "`0` -> `1`", QUEUE),
    known(TICKET_QUEUE, "", "&& (withdrawn & mark(ticket) != 0 || ", "", HINT),
    known(TICKET_QUEUE, "", "else if withdrawn & NOTED != 0", "", ROOMS),
    known(TICKET_QUEUE, "", "1..WINDOW => mark(mine)", "`1` -> `0`", CODE),
    known(TICKET_QUEUE, "", "1..WINDOW => mark(mine)", "", QUEUE),
    known(TICKET_QUEUE, "", "self.room.note(mine)", "", ROOMS),
    known(TICKET_QUEUE, "", "Self::starting_at(0)", "", CODE),
    known(TICKET_QUEUE, "let taken =", "mine.wrapping_sub(", "", QUEUE),
    known(TICKET_QUEUE, "", "self.next.load(Relaxed) == served", "", QUEUE),
    known(TICKET_QUEUE, "", "served != mine && self.is_withdrawn", "`&&` -> `||`", HINT),
    known(TICKET_QUEUE, "", "self.pass_over(wake);", "left out", WAKES),
    known(TICKET_QUEUE, "", "let mut passed = false", "", "a needless wake-up"),
    known(TICKET_QUEUE, "", "passed = true", "", WAKES),
    known(TICKET_QUEUE, "", ".wrapping_add(TAKEN_AWAY)", "", CODE),
    known(TICKET_QUEUE, "", "match mine.wrapping_sub(", "", QUEUE),
    known(TICKET_QUEUE, "", "Self::holding(queue, 0)", "", PRIVATE),
    known(TICKET_QUEUE, "", "Standing::Line(0)", "", ONLOOKERS),
    known(TICKET_QUEUE, "", "self.served.load(Acquire) == mine", "", DROP_IN),
    known(GATE, "", "self.announce();", "left out", LONGER),
    known(GATE, "", "const PASSAGE: u32", "", PASSED),
    known(GATE, "", "B / 2", "", PASSED),
    known(GATE, "", "const CLOSED: u32", "", PASSED),
    known(GATE, "", "Register32::new(0)", "", PRIVATE),
    known(GATE, "", "let passed = if state", "", PASSED),
    known(GATE, "", "state & HOLDER == 0", "`&` -> `|`", FEWER),
    known(GATE, "", "&& passed <= Self::CLOSED", "", PASSED),
    known(GATE, "Acquire: as above", "", "", DROP_IN),
    known(GATE, "try_pass_nobody", "", "", DROP_IN),
    known(GATE, "", "let behind = ", "", PASSED),
    known(GATE, "", "let waiting = ", "", PASSED),
    known(GATE, "", "if behind.wrapping_sub(round)", "", PASSED),
    known(GATE, "", "let mut share = ", "", PASSED),
    known(GATE, "", "share = u32::try_from", "`0` -> `1`", "for lines of more than 32 bits"),
    known(GATE, "", "share = u32::try_from", "", PASSED),
    known(GATE, "", "let held = holder(who)", "", PASSED),
    known(GATE, "", "self.round.store(round", "", PASSED),
    known(GATE, "", "self.share.store(share", "", PASSED),
    known(GATE, "", "if waiting == 0 && end()", "`&&`", FEWER),
    known(GATE, "pub(crate) fn close", "", "", FAIRLY),
    known(GATE, "if self.state.load(Relaxed) & LINE != 0", "", "", FAIRLY),
    known(BYPASS, "", "slot.index() < self.capacity()", "", DAMAGE),
    known(BYPASS, "", "if self.is_held() ||", "", SPARED),
    known(BYPASS, "", "self.0.fence();", "", WAKES),
    known(BYPASS, "", "Standing::Line(0)", "", ONLOOKERS),
    known(BYPASS_QUEUE, "", "TicketQueue::with_room(0, room)", "", CODE),
    known(BYPASS_QUEUE, "fn capacity", "1", "", HANDS),
    known(BYPASS_QUEUE, "", "Slot = Slot::new(0)", "", CODE),
    known(BYPASS_QUEUE, "", "self.gate.close();", "", FAIRLY),
    known(BYPASS_QUEUE, "self.gate.close();", "self.leave(wake);", "", FAIRLY),
    known(BYPASS_QUEUE, "", "self.place.set(BypassPlace::Gone)", "", ONE_EACH),
    known(BYPASS_QUEUE, "", "BypassPlace::Gone => false", "", "nobody asks that is not in line"),
    known(BYPASS_QUEUE, "", "Standing::Line(0)", "", ONLOOKERS),
    known(FAST, "slot.flag.store(RAISED", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "};", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "slot.flag.store(DOWN", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "registers.flag.load(Relaxed)", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "self.y.load(Relaxed) == NOBODY {", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "let winner = self.y.load", "fence(SeqCst)", "left out", FENCES),
    known(FAST, "fn owner", "", "", WATCHED),
    known(FAST, "let name = self.y.load", "", "", WATCHED),
    known(FAST, "let slot = Slot::new(name", "", "", WATCHED),
    known(
        FAST,
        "",
        "now == phase::OUTSIDE && ",
        "`&&` -> `||`",
        "it starts anew, which it may do at any time",
    ),
    known(
        FAST,
        "",
        "by.on.is_some_and(",
        ".is_some_and(",
        "whoever contends is blocked by somebody",
    ),
];

/// Why a mutant is known to survive.
pub(super) fn reason(file: &str, after: &str, line: &str, change: &str) -> Option<&'static str> {
    let known = ALL.iter().find(|known| {
        file.ends_with(known.file)
            && after.contains(known.after)
            && line.contains(known.line)
            && change.contains(known.change)
    });
    known.map(|known| known.why)
}
