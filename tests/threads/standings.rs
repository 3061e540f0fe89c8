//! What can be read of participants from outside.

use bakery_lock::algorithm::{
    Algorithm, Bakery, BlackWhite, Fast, Fenced, Filter, Intent, NobodySleeps, Peterson, Slot,
    Standing, Swapped, Ticket, Tournament, Turn,
};

fn line(standing: Standing) -> u64 {
    let Standing::Line(place) = standing else { panic!("{standing:?} is no place in the line") };
    place
}

/// Enters so many, in this order; then lets in whoever's turn it is until nobody is left. Whoever is
/// inside stands before all others; those outside stand outside.
fn stands<A: Algorithm>(algorithm: &A, order: &[u32], waiters_stand_in_line: bool) {
    let slots = || (0..).map(Slot::new).take(algorithm.capacity());
    let mut waiting: Vec<_> = order.iter().map(|&index| Slot::new(index)).collect();
    for &slot in &waiting {
        algorithm.join(slot);
    }
    assert!(slots().all(|slot| algorithm.standing(slot) == Standing::Outside));
    for (entered, &slot) in waiting.iter().enumerate() {
        algorithm.enter(slot, Intent::Stay, &NobodySleeps).unwrap();
        if waiters_stand_in_line || entered == 0 {
            line(algorithm.standing(slot));
        }
        for later in &waiting[entered + 1..] {
            assert_eq!(algorithm.standing(*later), Standing::Outside);
        }
    }
    while !waiting.is_empty() {
        let turn = |slot: &Slot| algorithm.poll(*slot, &NobodySleeps) == Turn::Mine;
        let inside = waiting.remove(waiting.iter().position(turn).expect("it is somebody's turn"));
        let place = (line(algorithm.standing(inside)), inside);
        for other in &waiting {
            match algorithm.standing(*other) {
                Standing::Line(behind) => assert!(place < (behind, *other)),
                standing => assert!(!waiters_stand_in_line, "{other:?}: {standing:?}"),
            }
        }
        if A::FIRST_COME_FIRST_SERVED {
            assert!(waiting.is_sorted_by_key(|slot| (algorithm.standing(*slot), *slot)));
        }
        algorithm.leave(inside, &NobodySleeps);
        assert_eq!(algorithm.standing(inside), Standing::Outside);
    }
}

macro_rules! standings {
    ($($name:ident: $new:expr, $orders:expr, $in_line:expr;)*) => {$(
        #[test]
        fn $name() {
            for order in $orders {
                // Twice: what the first round leaves behind is in nobody's way.
                let algorithm = $new;
                stands(&algorithm, &order, $in_line);
                stands(&algorithm, &order, $in_line);
            }
        }
    )*};
}

const THREE: [[u32; 3]; 4] = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [3, 0, 2]];
const TWO: [[u32; 2]; 2] = [[0, 1], [1, 0]];

standings! {
    bakery: Bakery::<4>::new(), THREE, true;
    black_white: BlackWhite::<4>::new(), THREE, true;
    // Those who wait outside, for the owner to go, are told from nobody else.
    fast: Fast::<4>::new(), THREE, false;
    peterson_fenced: Peterson::<Fenced>::new(), TWO, true;
    peterson_swapped: Peterson::<Swapped>::new(), TWO, true;
    filter: Filter::<4>::new(), THREE, true;
    tournament: Tournament::<4>::new(), THREE, true;
    ticket: Ticket::<4>::new(), THREE, true;
}
