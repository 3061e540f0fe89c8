//! How participants end: by panics, and by signals.

use bakery_lock::shared::Kind;

use crate::child::Child;
use crate::obey::two;

fn a_panic_inside_releases(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    assert_eq!(one.ask("lock"), "in");
    other.tell("lock");
    other.until_asleep();
    assert_eq!(one.ask("panic"), "out");
    other.expect("in");
    assert_eq!(other.ask("leave"), "out");
    // Whoever has panicked is no worse a participant for it.
    assert_eq!(one.ask("lock"), "in");
    assert_eq!(one.ask("leave"), "out");
    [one, other].into_iter().for_each(Child::finish);
    assert_eq!(shared.peek(|ledger| ledger.left), 3);
}

each_kind!(a_panic_inside_releases);

/// Whoever is killed outside is in nobody's way: it leaves a slot that stays taken, and no more.
fn a_kill_outside_stops_nobody(kind: Kind) {
    let (shared, mut one, mut other) = two(kind);
    for child in [&mut one, &mut other] {
        assert_eq!(child.ask("lock"), "in");
        assert_eq!(child.ask("leave"), "out");
    }
    one.kill();
    for _ in 0..3 {
        assert_eq!(other.ask("lock"), "in");
        assert_eq!(other.ask("leave"), "out");
    }
    other.finish();
    assert_eq!(shared.peek(|ledger| ledger.left), 5);
}

each_kind!(a_kill_outside_stops_nobody);
