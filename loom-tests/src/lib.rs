//! The library's own algorithms and waiting, compiled a second time with loom's atomics.

#[path = "../../src/algorithm/mod.rs"]
pub mod algorithm;
mod atomic;
#[path = "../../src/attempt.rs"]
mod attempt;
#[path = "../../src/wait/mod.rs"]
pub mod wait;

#[cfg(test)]
mod smoke {
    use crate::algorithm::*;
    use loom::{cell::UnsafeCell, sync::Arc, thread};

    fn exclusion<A: Algorithm + Send + Sync + 'static>(
        new: fn() -> A,
        threads: u32,
        rounds: usize,
        bound: Option<usize>,
    ) {
        let mut b = loom::model::Builder::new();
        b.preemption_bound = bound;
        b.max_branches = 100_000;
        b.check(move || {
            let shared = Arc::new((new(), UnsafeCell::new(0u32)));
            let run = move |s: Arc<(A, UnsafeCell<u32>)>, i: u32| {
                let (a, data) = &*s;
                let me = Slot::new(i);
                a.join(me);
                for _ in 0..rounds {
                    a.enter(me, Intent::Stay, &NobodySleeps).unwrap();
                    while a.poll(me, &NobodySleeps) != Turn::Mine {
                        thread::yield_now();
                    }
                    data.with_mut(|d| unsafe { *d += 1 });
                    a.leave(me, &NobodySleeps);
                }
            };
            let hs: Vec<_> = (1..threads)
                .map(|i| {
                    let s = shared.clone();
                    thread::spawn(move || run(s, i))
                })
                .collect();
            run(shared.clone(), 0);
            for h in hs {
                h.join().unwrap();
            }
            shared.1.with(|d| assert_eq!(unsafe { *d }, threads * rounds as u32));
        });
    }
    #[test]
    fn bakery() {
        exclusion(Bakery::<2>::new, 2, 1, None);
        exclusion(Bakery::<2>::new, 2, 2, Some(2));
    }
    #[test]
    fn bw() {
        exclusion(BlackWhite::<2>::new, 2, 1, None);
        exclusion(BlackWhite::<2>::new, 2, 2, Some(2));
    }
    #[test]
    fn fast() {
        exclusion(Fast::<2>::new, 2, 1, Some(3));
        exclusion(Fast::<2>::new, 2, 2, Some(2));
    }
    #[test]
    fn pf() {
        exclusion(Peterson::<Fenced>::new, 2, 1, None);
        exclusion(Peterson::<Fenced>::new, 2, 2, Some(2));
    }
    #[test]
    fn ps() {
        exclusion(Peterson::<Swapped>::new, 2, 1, None);
        exclusion(Peterson::<Swapped>::new, 2, 2, Some(2));
    }
    #[test]
    fn filter() {
        exclusion(Filter::<2>::new, 2, 1, None);
        exclusion(Filter::<2, Swapped>::new, 2, 2, Some(2));
    }
    #[test]
    fn filter3() {
        exclusion(Filter::<3, Swapped>::new, 3, 1, Some(1));
    }
    #[test]
    fn tour() {
        exclusion(Tournament::<2>::new, 2, 1, None);
        exclusion(Tournament::<2, Swapped>::new, 2, 2, Some(2));
    }
    #[test]
    fn tour3() {
        exclusion(Tournament::<3, Swapped>::new, 3, 1, Some(1));
    }
    #[test]
    fn ticket() {
        exclusion(Ticket::<2>::new, 2, 1, None);
        exclusion(Ticket::<2>::new, 2, 2, Some(2));
    }
}
