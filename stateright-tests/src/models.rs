//! What is claimed of each algorithm, and within which bounds it is checked.

use crate::bounds::{Bounds, Claims, Reset};
use crate::machine::Stores;
use crate::model::{
    EXCLUSION, Model, NO_ORDER, ORDER, PLACES, by_one, n, no_deadlock, no_lockout, numbers,
    passages, safe,
};
use crate::moves::Make;

pub(crate) fn bakery(two: Make, three: Make, four: Make) -> Vec<Model> {
    let name = "bakery";
    vec![
        safe(name, ORDER, n(2).attempts(3), two).quick(),
        safe(name, by_one(1), n(2).attempts(3), two).quick(),
        safe(name, ORDER, n(2).attempts(2).stores(Stores::ByRegister), two).quick(),
        safe(name, ORDER, n(2).attempts(2).late(), two).quick(),
        safe(name, ORDER, n(2).attempts(2).withdrawing(), two).quick(),
        safe(name, ORDER, n(2).attempts(2).crashes(2, Reset::Recover), two).quick(),
        no_lockout(name, n(2).attempts(2), two).quick(),
        safe(name, ORDER, n(3).attempts(1), three).quick(),
        safe(name, ORDER, n(3).attempts(1).crashes(1, Reset::Recover), three).quick(),
        safe(name, ORDER, n(3).attempts(1).late(), three).quick(),
        safe(name, ORDER, n(3).attempts(2), three),
        safe(name, by_one(1), n(3).attempts(2), three),
        safe(name, ORDER, n(3).attempts(2).stores(Stores::InOrder), three),
        safe(name, ORDER, n(3).attempts(2).stores(Stores::ByRegister), three),
        safe(name, ORDER, n(3).attempts(2).late(), three),
        safe(name, ORDER, n(3).attempts(2).withdrawing(), three),
        safe(name, ORDER, n(3).attempts(2).crashes(2, Reset::Recover), three),
        no_lockout(name, n(3).attempts(2), three),
        no_lockout(name, n(3).attempts(2).withdrawing(), three),
        no_lockout(name, n(3).attempts(2).crashes(1, Reset::Recover), three),
        no_lockout(name, n(3).attempts(1).dying(2), three),
        safe(name, ORDER, n(3).attempts(2).crashes(4, Reset::Recover), three).long(),
        safe(name, ORDER, n(3).attempts(3), three).long(),
        safe(name, ORDER, n(4).attempts(1), four).long(),
        safe(name, EXCLUSION, n(4).attempts(1).stores(Stores::ByRegister), four).long(),
        safe(name, EXCLUSION, n(4).attempts(1).crashes(1, Reset::Recover), four).long(),
    ]
}

pub(crate) fn black_white(two: Make, three: Make) -> Vec<Model> {
    let name = "black_white";
    vec![
        safe(name, Claims { numbers: Some(2), ..ORDER }, n(2), two).quick(),
        safe(name, numbers(2), n(2).stores(Stores::ByRegister), two).quick(),
        safe(name, ORDER, n(2).attempts(2).late(), two).quick(),
        safe(name, ORDER, n(2).attempts(3).withdrawing(), two).quick(),
        safe(name, ORDER, n(2).crashes(3, Reset::Recover), two).quick(),
        safe(name, numbers(2 + 3), n(2).crashes(3, Reset::Recover), two).quick(),
        no_lockout(name, n(2), two).quick(),
        no_lockout(name, n(2).attempts(3).withdrawing(), two).quick(),
        safe(name, ORDER, n(3).attempts(1), three).quick(),
        safe(name, ORDER, n(3).attempts(1).withdrawing(), three).quick(),
        safe(name, numbers(3), n(3), three).quick(),
        no_lockout(name, n(3).attempts(1), three).quick(),
        safe(name, ORDER, n(3), three),
        safe(name, by_one(1), n(3), three),
        safe(name, numbers(3), n(3).stores(Stores::InOrder), three),
        no_lockout(name, n(3), three),
        no_lockout(name, n(3).attempts(1).withdrawing(), three),
        no_lockout(name, n(3).attempts(1).crashes(2, Reset::Recover), three),
        no_lockout(name, n(3).attempts(1).dying(2), three),
        safe(name, numbers(3 + 1), n(3).crashes(1, Reset::Recover), three),
        safe(name, numbers(3), n(3).crashes(1, Reset::Recover), three).fails("numbers are bounded"),
        safe(name, EXCLUSION, n(3).crashes(1, Reset::Leave), three).fails("exclusion"),
        safe(name, numbers(3), n(3).stores(Stores::ByRegister), three).long(),
        safe(name, ORDER, n(3).attempts(2).crashes(1, Reset::Recover), three).long(),
        safe(name, numbers(3 + 2), n(3).attempts(2).crashes(2, Reset::Recover), three).long(),
        safe(name, numbers(3 + 2), n(3).attempts(2).crashes(2, Reset::Either), three).long(),
        no_lockout(name, n(3).attempts(2).crashes(1, Reset::Recover), three).long(),
    ]
}

pub(crate) fn fast(two: Make, three: Make) -> Vec<Model> {
    let name = "fast";
    vec![
        safe(name, EXCLUSION, n(2), two).quick(),
        safe(name, EXCLUSION, n(2).stores(Stores::ByRegister), two).quick(),
        safe(name, EXCLUSION, n(2).withdrawing(), two).quick(),
        no_deadlock(name, n(2), two).quick(),
        no_deadlock(name, n(2).stores(Stores::ByRegister), two).quick(),
        no_deadlock(name, n(2).attempts(2).withdrawing(), two).quick(),
        no_deadlock(name, n(2).withdrawing(), two).fails("nobody gets in any more"),
        safe(name, EXCLUSION, n(3), three).quick(),
        no_deadlock(name, n(3), three).quick(),
        safe(name, EXCLUSION, n(3).stores(Stores::InOrder), three).quick(),
        safe(name, EXCLUSION, n(3).stores(Stores::ByRegister), three),
        safe(name, EXCLUSION, n(3).withdrawing(), three),
        safe(name, by_one(9), n(2), two).fails("bypassed more than 9"),
        no_lockout(name, n(2), two).fails("one never gets in"),
        safe(name, EXCLUSION, n(2).crashes(1, Reset::Leave), two).fails("exclusion"),
    ]
}

pub(crate) fn peterson(fenced: Make, swapped: Make) -> Vec<Model> {
    let mut models = Vec::new();
    for (name, form) in [("peterson with fences", fenced), ("peterson with a swap", swapped)] {
        models.extend([
            safe(name, Claims { bypass: Some(1), ..ORDER }, n(2), form).quick(),
            safe(name, ORDER, n(2).stores(Stores::InOrder), form).quick(),
            safe(name, ORDER, n(2).stores(Stores::ByRegister), form).quick(),
            safe(name, ORDER, n(2).withdrawing(), form).quick(),
            safe(name, ORDER, n(2).crashes(5, Reset::Recover), form).quick(),
            no_lockout(name, n(2), form).quick(),
            no_lockout(name, n(2).stores(Stores::ByRegister), form).quick(),
            no_lockout(name, n(2).withdrawing(), form).quick(),
            no_lockout(name, n(2).crashes(5, Reset::Recover), form).quick(),
            no_lockout(name, n(2).dying(5), form).quick(),
            safe(name, by_one(0), n(2), form).fails("bypassed more than 0"),
        ]);
    }
    models
}

pub(crate) fn filter(two: Make, fenced: Make, swapped: Make) -> Vec<Model> {
    let name = "filter with fences";
    let mut models = vec![
        safe(name, ORDER, n(2), two).quick(),
        safe(name, EXCLUSION, n(2).stores(Stores::ByRegister), two).quick(),
        no_lockout(name, n(2), two).quick(),
        no_lockout(name, n(2).withdrawing(), two).quick(),
        safe(name, NO_ORDER, n(3), fenced).fails("somebody went in before"),
    ];
    for (name, form) in [("filter with fences", fenced), ("filter with swaps", swapped)] {
        models.extend([
            safe(name, EXCLUSION, n(3), form).quick(),
            no_lockout(name, n(3), form).quick(),
            safe(name, EXCLUSION, n(3).stores(Stores::InOrder), form),
            safe(name, EXCLUSION, n(3).stores(Stores::ByRegister), form),
            safe(name, EXCLUSION, n(3).withdrawing(), form),
            safe(name, EXCLUSION, n(3).crashes(1, Reset::Recover), form),
            no_lockout(name, n(3).crashes(1, Reset::Recover), form),
            no_lockout(name, n(3).dying(1), form),
            safe(name, by_one(9), n(3), form).fails("bypassed more than 9"),
            safe(name, EXCLUSION, n(3).crashes(3, Reset::Recover), form).long(),
            no_lockout(name, n(3).withdrawing(), form).long(),
        ]);
    }
    models
}

pub(crate) fn tournament(fenced: Make, swapped: Make, four: Make) -> Vec<Model> {
    let mut models = Vec::new();
    for (name, form) in [("tournament with fences", fenced), ("tournament with swaps", swapped)] {
        models.extend([
            safe(name, EXCLUSION, n(3), form).quick(),
            safe(name, EXCLUSION, n(3).stores(Stores::InOrder), form).quick(),
            safe(name, EXCLUSION, n(3).stores(Stores::ByRegister), form).quick(),
            safe(name, EXCLUSION, n(3).withdrawing(), form).quick(),
            safe(name, EXCLUSION, n(3).crashes(2, Reset::Recover), form).quick(),
            no_lockout(name, n(3), form).quick(),
            no_lockout(name, n(3).withdrawing(), form).quick(),
            no_lockout(name, n(3).crashes(2, Reset::Recover), form),
            no_lockout(name, n(3).dying(2), form),
            safe(name, by_one(9), n(3), form).fails("bypassed more than 9"),
        ]);
    }
    models.extend([
        safe("tournament with fences", EXCLUSION, n(4), four),
        no_lockout("tournament with fences", n(4), four),
        safe("tournament with fences", EXCLUSION, n(4).crashes(1, Reset::Recover), four),
        safe("tournament with fences", EXCLUSION, n(4).stores(Stores::ByRegister), four).long(),
    ]);
    models
}

pub(crate) fn ticket(two: Make, three: Make) -> Vec<Model> {
    let name = "ticket";
    let all_moves = |n: Bounds| n.withdrawing().trying();
    vec![
        safe(name, PLACES, n(2).attempts(3), two).quick(),
        safe(name, PLACES, all_moves(n(2).attempts(2)), two).quick(),
        no_lockout(name, all_moves(n(2).attempts(2)), two).quick(),
        safe(name, PLACES, n(2).attempts(1).withdrawing().crashes(1, Reset::Recover), two).quick(),
        no_lockout(name, n(2).attempts(1).withdrawing().crashes(1, Reset::Recover), two).quick(),
        safe(name, PLACES, all_moves(n(2).attempts(1).dying(1)), two).quick(),
        no_lockout(name, all_moves(n(2).attempts(1).dying(1)), two).quick(),
        safe(name, PLACES, n(3).attempts(3), three).quick(),
        safe(name, PLACES, n(3).attempts(2).stores(Stores::ByRegister), three).quick(),
        no_lockout(name, n(3).attempts(3), three).quick(),
        safe(name, PLACES, n(3).attempts(1).withdrawing(), three).quick(),
        no_lockout(name, n(3).attempts(1).withdrawing(), three).quick(),
        safe(name, PLACES, n(2).attempts(2).withdrawing().crashes(1, Reset::Recover), two),
        no_lockout(name, n(2).attempts(2).withdrawing().crashes(1, Reset::Recover), two),
        safe(name, PLACES, n(2).attempts(1).crashes(2, Reset::Recover), two),
        no_lockout(name, n(2).attempts(1).crashes(2, Reset::Recover), two),
        safe(name, PLACES, all_moves(n(2).attempts(3)), two),
        no_lockout(name, all_moves(n(2).attempts(3)), two),
        safe(name, PLACES, all_moves(n(2).attempts(2).dying(1)), two),
        no_lockout(name, all_moves(n(2).attempts(2).dying(1)), two),
        safe(name, PLACES, n(2).attempts(2).crashes(2, Reset::Recover), two).long(),
        no_lockout(name, n(2).attempts(2).crashes(2, Reset::Recover), two).long(),
        safe(name, PLACES, all_moves(n(2).attempts(2).dying(2)), two).long(),
        no_lockout(name, all_moves(n(2).attempts(2).dying(2)), two).long(),
        safe(name, PLACES, n(3).attempts(1).crashes(1, Reset::Recover), three),
        safe(name, PLACES, n(3).attempts(1).dying(1), three).nearest(40_000_000),
        safe(name, PLACES, n(3).attempts(1).dying(2), three).nearest(40_000_000),
        safe(name, PLACES, all_moves(n(3).attempts(1).dying(1)), three).nearest(40_000_000),
        safe(name, PLACES, n(3).attempts(2).withdrawing(), three).nearest(40_000_000),
    ]
}

pub(crate) fn ticket_queue(two: Make, three: Make) -> Vec<Model> {
    let name = "ticket_queue";
    let claims = Claims { standings: false, ..ORDER };
    let all_moves = |n: Bounds| n.withdrawing().trying();
    vec![
        safe(name, claims, n(2).attempts(3), two).quick(),
        safe(name, claims, all_moves(n(2).attempts(2)), two).quick(),
        safe(name, claims, all_moves(n(2).attempts(2)).stores(Stores::ByRegister), two).quick(),
        no_lockout(name, all_moves(n(2).attempts(2)), two).quick(),
        safe(name, claims, n(3).attempts(3), three).quick(),
        safe(name, claims, n(3).attempts(2).stores(Stores::ByRegister), three).quick(),
        no_lockout(name, n(3).attempts(3), three).quick(),
        safe(name, claims, all_moves(n(3).attempts(1)), three).quick(),
        no_lockout(name, all_moves(n(3).attempts(1)), three).quick(),
        safe(name, claims, all_moves(n(2).attempts(3)), two),
        no_lockout(name, all_moves(n(2).attempts(3)), two),
        safe(name, claims, all_moves(n(3).attempts(1)).stores(Stores::ByRegister), three),
    ]
}

/// With a bound of 2; in order, with one of 0.
pub(crate) fn bypass_queue(two: Make, three: Make, in_order: Make) -> Vec<Model> {
    let name = "bypass_queue";
    let order = Claims { standings: false, ..ORDER };
    let all_moves = |n: Bounds| n.withdrawing().trying();
    vec![
        // Half of the bound, and one for each other that may have been there before.
        safe(name, passages(1 + 1), n(2).attempts(4), two).quick(),
        safe(name, passages(1 + 1), all_moves(n(2).attempts(2)), two).quick(),
        safe(name, passages(1 + 1), n(2).attempts(3).stores(Stores::ByRegister), two).quick(),
        no_lockout(name, n(2).attempts(3), two).quick(),
        no_lockout(name, all_moves(n(2).attempts(2)), two).quick(),
        safe(name, order, n(3).attempts(1), in_order).quick(),
        safe(name, order, all_moves(n(2).attempts(2)), in_order).quick(),
        safe(name, passages(1 + 1), all_moves(n(2).attempts(3)), two),
        safe(name, passages(2 + 2), n(3).attempts(2), three).long(),
        safe(name, order, n(3).attempts(2), in_order).long(),
        no_lockout(name, n(3).attempts(2), three).long(),
    ]
}

/// The same with slots, whose participants may die.
pub(crate) fn bypass(two: Make, three: Make, in_order: Make) -> Vec<Model> {
    let name = "bypass";
    let order = Claims { standings: false, ..PLACES };
    let all_moves = |n: Bounds| n.withdrawing().trying();
    vec![
        safe(name, passages(1 + 1), all_moves(n(2).attempts(2)), two).quick(),
        no_lockout(name, all_moves(n(2).attempts(2)), two).quick(),
        safe(name, order, n(3).attempts(1), in_order).quick(),
        safe(name, order, all_moves(n(2).attempts(2)), in_order).quick(),
        safe(name, EXCLUSION, n(2).attempts(2).withdrawing().crashes(1, Reset::Recover), two)
            .quick(),
        no_lockout(name, all_moves(n(2).attempts(2).dying(1)), two).quick(),
        no_lockout(name, n(2).attempts(1).crashes(2, Reset::Recover), two).quick(),
        safe(name, passages(1 + 1), n(2).attempts(3), two).quick(),
        safe(name, passages(1 + 1), n(2).attempts(4), two),
        safe(name, passages(1 + 1), n(2).attempts(3).stores(Stores::ByRegister), two),
        safe(name, passages(1 + 1), all_moves(n(2).attempts(3)), two),
        no_lockout(name, n(2).attempts(3), two),
        safe(name, EXCLUSION, all_moves(n(2).attempts(1).dying(1)), two),
        safe(name, EXCLUSION, n(2).attempts(2).crashes(2, Reset::Recover), two).long(),
        no_lockout(name, n(2).attempts(2).crashes(2, Reset::Recover), two).long(),
        safe(name, EXCLUSION, all_moves(n(2).attempts(2).dying(1)), two).long(),
        safe(name, order, n(3).attempts(1).crashes(1, Reset::Recover), in_order).long(),
        safe(name, passages(2 + 2), n(3).attempts(2), three).long(),
        safe(name, EXCLUSION, n(3).attempts(1).crashes(2, Reset::Recover), three)
            .nearest(40_000_000),
        safe(name, order, n(3).attempts(2), in_order).long(),
        no_lockout(name, n(3).attempts(2), three).long(),
        no_lockout(name, n(3).attempts(1).dying(2), three).long(),
    ]
}

/// An algorithm of a type that is written with so many slots, as one of its form without a number.
macro_rules! whole {
    ($new:expr, $form:ty) => {
        $crate::moves::Make::Whole(|| Box::new(Box::new($new) as Box<$form>))
    };
}

/// The algorithms of a source file, by the names that its types have where this is expanded: a
/// mutant's copy of the file has types of its own.
macro_rules! models_of {
    (bakery) => {
        $crate::models::bakery(
            $crate::models::whole!(Bakery::<2>::new(), BakeryOn<[BakerySlot]>),
            $crate::models::whole!(Bakery::<3>::new(), BakeryOn<[BakerySlot]>),
            $crate::models::whole!(Bakery::<4>::new(), BakeryOn<[BakerySlot]>),
        )
    };
    (black_white) => {{
        type Form = Box<BlackWhiteOn<[BlackWhiteSlot]>>;
        let number: fn(&dyn std::any::Any, $crate::algorithm::Slot) -> u32 =
            |it, slot| it.downcast_ref::<Form>().expect("it was made so").number(slot);
        $crate::models::black_white(
            $crate::moves::Make::WithNumbers(
                || Box::new(Box::new(BlackWhite::<2>::new()) as Form),
                number,
            ),
            $crate::moves::Make::WithNumbers(
                || Box::new(Box::new(BlackWhite::<3>::new()) as Form),
                number,
            ),
        )
    }};
    (fast) => {{
        type Form = Box<FastOn<[FastSlot]>>;
        $crate::models::fast(
            $crate::moves::Make::WithFewerMoves(|| Box::new(Box::new(Fast::<2>::new()) as Form)),
            $crate::moves::Make::WithFewerMoves(|| Box::new(Box::new(Fast::<3>::new()) as Form)),
        )
    }};
    (peterson) => {
        $crate::models::peterson(
            $crate::models::whole!(Peterson::<Fenced>::new(), Peterson<Fenced>),
            $crate::models::whole!(Peterson::<Swapped>::new(), Peterson<Swapped>),
        )
    };
    (filter) => {{
        use $crate::algorithm::Swapped;
        $crate::models::filter(
            $crate::models::whole!(Filter::<2, Fenced>::new(), FilterOn<[FilterSlot], Fenced>),
            $crate::models::whole!(Filter::<3, Fenced>::new(), FilterOn<[FilterSlot], Fenced>),
            $crate::models::whole!(Filter::<3, Swapped>::new(), FilterOn<[FilterSlot], Swapped>),
        )
    }};
    (tournament) => {{
        use $crate::algorithm::Swapped;
        type Form<W> = TournamentOn<[TournamentSlot], W>;
        $crate::models::tournament(
            $crate::models::whole!(Tournament::<3, Fenced>::new(), Form<Fenced>),
            $crate::models::whole!(Tournament::<3, Swapped>::new(), Form<Swapped>),
            $crate::models::whole!(Tournament::<4, Fenced>::new(), Form<Fenced>),
        )
    }};
    (ticket_queue) => {{
        $crate::hands::hands! {
            Hands: TicketQueue, TicketInHand, true, TicketInHand::ticket, TicketInHand::holding
        }
        $crate::models::ticket_queue(
            $crate::models::whole!(Hands::new(2), Hands),
            $crate::models::whole!(Hands::new(3), Hands),
        )
    }};
    (bypass_queue) => {{
        $crate::hands::bypass_hands!(Hands, Hand, 2);
        $crate::hands::bypass_hands!(InOrder, HandInOrder, 0);
        $crate::models::bypass_queue(
            $crate::models::whole!(Hands::new(2), Hands),
            $crate::models::whole!(Hands::new(3), Hands),
            $crate::models::whole!(InOrder::new(3), InOrder),
        )
    }};
    (bypass) => {{
        type Form<const B: u32> = BypassOn<[$crate::algorithm::TicketSlot], B>;
        $crate::models::bypass(
            $crate::models::whole!(Bypass::<2, 2>::new(), Form<2>),
            $crate::models::whole!(Bypass::<3, 2>::new(), Form<2>),
            $crate::models::whole!(Bypass::<3, 0>::new(), Form<0>),
        )
    }};
    (ticket) => {
        $crate::models::ticket(
            $crate::models::whole!(Ticket::<2>::new(), TicketOn<[TicketSlot]>),
            $crate::models::whole!(Ticket::<3>::new(), TicketOn<[TicketSlot]>),
        )
    };
}
#[cfg(feature = "mutants")]
pub(crate) use models_of;
pub(crate) use whole;

/// All models of the library's sources.
pub(crate) fn all() -> Vec<Model> {
    use crate::algorithm::{
        Bakery, BakeryOn, BakerySlot, BlackWhite, BlackWhiteOn, BlackWhiteSlot, Bypass,
        BypassInHand, BypassOn, BypassPlace, BypassQueue, Fast, FastOn, FastSlot, Fenced, Filter,
        FilterOn, FilterSlot, Peterson, Swapped, Ticket, TicketInHand, TicketOn, TicketQueue,
        TicketSlot, Tournament, TournamentOn, TournamentSlot,
    };
    let lists = [
        models_of!(bakery),
        models_of!(black_white),
        models_of!(fast),
        models_of!(peterson),
        models_of!(filter),
        models_of!(tournament),
        models_of!(ticket),
        models_of!(ticket_queue),
        models_of!(bypass_queue),
        models_of!(bypass),
    ];
    lists.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::model::{Effort, Model};

    /// All regular models of a source, in all its forms.
    fn run(source: &str) {
        let of_this =
            |it: &Model| it.source.split(' ').next() == Some(source) && it.effort < Effort::Long;
        let models: Vec<_> = all().into_iter().filter(of_this).collect();
        assert!(!models.is_empty(), "no models of {source}");
        for model in models {
            match model.run() {
                Ok(found) => println!("{model}: {found}"),
                Err(why) => panic!("{model}: {why}"),
            }
        }
    }

    #[test]
    fn bakery() {
        run("bakery");
    }

    #[test]
    fn black_white() {
        run("black_white");
    }

    #[test]
    fn bypass() {
        run("bypass");
    }

    #[test]
    fn bypass_queue() {
        run("bypass_queue");
    }

    #[test]
    fn fast() {
        run("fast");
    }

    #[test]
    fn filter() {
        run("filter");
    }

    #[test]
    fn peterson() {
        run("peterson");
    }

    #[test]
    fn ticket() {
        run("ticket");
    }

    #[test]
    fn ticket_queue() {
        run("ticket_queue");
    }

    #[test]
    fn tournament() {
        run("tournament");
    }
}
