//! The locks and the ways of waiting that a check is repeated for: one list of each, one test for
//! each pair.

/// What the tests that the macros write have in sight.
pub mod names {
    pub use bakery_lock::algorithm::*;
    pub use bakery_lock::wait::*;
    pub use bakery_lock::*;

    pub use crate::support::{Pair, bounded};
}

/// A test of `check::<Algorithm, Wait>` for each algorithm of a list and each way of waiting.
macro_rules! by_wait {
    ($check:ident $($name:ident: $algorithm:ty,)*) => {
        mod $check { $(
            mod $name {
                #[allow(clippy::wildcard_imports)]
                use crate::every::names::*;

                #[test]
                fn spin() {
                    bounded(super::super::$check::<$algorithm, Spin>);
                }

                #[test]
                fn spin_yield() {
                    bounded(super::super::$check::<$algorithm, SpinYield>);
                }

                #[cfg(target_os = "linux")]
                #[test]
                fn park() {
                    bounded(super::super::$check::<$algorithm, Park>);
                }
            }
        )* }
    };
}

/// A test of `check::<Algorithm>` for each algorithm of a list.
macro_rules! once {
    ($check:ident $($name:ident: $algorithm:ty,)*) => {
        mod $check {
            #[allow(clippy::wildcard_imports)]
            use crate::every::names::*;
            $(
                #[test]
                fn $name() {
                    bounded(super::$check::<$algorithm>);
                }
            )*
        }
    };
}

/// All algorithms, in every form, also with room for numbers that are no powers of two.
macro_rules! all_algorithms {
    ($each:ident: $check:ident) => {
        and_timed! { $each $check fast: Fast<5>, }
    };
}

/// Those that can do `try_lock`, and therefore timeouts.
macro_rules! timed_algorithms {
    ($each:ident: $check:ident) => {
        and_timed! { $each $check }
    };
}

/// Those that serve first who came first.
macro_rules! fair_algorithms {
    ($each:ident: $check:ident) => {
        and_fair! { $each $check }
    };
}

macro_rules! and_timed {
    ($($before:tt)*) => {
        and_fair! {
            $($before)*
            filter_fenced: Filter<4, Fenced>,
            filter_swapped: Filter<4, Swapped>,
            filter_for_three: Filter<3, Fenced>,
            filter_for_five: Filter<5, Swapped>,
            tournament_fenced: Tournament<4, Fenced>,
            tournament_swapped: Tournament<4, Swapped>,
            tournament_for_three: Tournament<3, Swapped>,
            tournament_for_five: Tournament<5, Fenced>,
            bypass: Bypass<4, 6>,
            bypass_of_none: Bypass<5, 0>,
        }
    };
}

macro_rules! and_fair {
    ($each:ident $($before:tt)*) => {
        $each! {
            $($before)*
            bakery: Bakery<5>,
            black_white: BlackWhite<5>,
            ticket: Ticket<5>,
            peterson_fenced: Peterson<Fenced>,
            peterson_swapped: Peterson<Swapped>,
        }
    };
}

/// A test of `check(mutex)` for each drop-in mutex and each way of waiting.
macro_rules! mutexes {
    ($check:ident) => {
        mutexes! { $check
            ticket: MutexWith<Pair, W>,
            bypass: BypassMutexWith<Pair, 1024, W>,
            bypass_of_6: BypassMutexWith<Pair, 6, W>,
            bypass_of_none: BypassMutexWith<Pair, 0, W>,
            bakery: BakeryMutexWith<Pair, 4, W>,
            black_white: BlackWhiteMutexWith<Pair, 4, W>,
            peterson: PetersonMutexWith<Pair, W>,
            filter: FilterMutexWith<Pair, 4, W>,
            filter_for_three: FilterMutexWith<Pair, 3, W>,
            tournament: TournamentMutexWith<Pair, 4, W>,
            tournament_for_three: TournamentMutexWith<Pair, 3, W>,
            bakery_shared: BakeryMutexWith<Pair, 1, W>,
            black_white_shared: BlackWhiteMutexWith<Pair, 2, W>,
        }
    };
    ($check:ident $($name:ident: $mutex:ty,)*) => {
        mod $check { $(
            #[allow(clippy::wildcard_imports)]
            mod $name {
                mod spin {
                    use crate::every::names::*;
                    type W = Spin;

                    #[test]
                    fn test() {
                        bounded(|| super::super::super::$check::<_, W>(<$mutex>::default()));
                    }
                }

                mod spin_yield {
                    use crate::every::names::*;
                    type W = SpinYield;

                    #[test]
                    fn test() {
                        bounded(|| super::super::super::$check::<_, W>(<$mutex>::default()));
                    }
                }

                #[cfg(target_os = "linux")]
                mod park {
                    use crate::every::names::*;
                    type W = Park;

                    #[test]
                    fn test() {
                        bounded(|| super::super::super::$check::<_, W>(<$mutex>::default()));
                    }
                }
            }
        )* }
    };
}
