//! The algorithms by messages between real processes, over real sockets.
#![cfg(feature = "messages")]

mod attempts;
mod bad_bytes;
mod child;
mod cluster;
mod disturbed;
mod passages;

/// What this program does when a test has started it again; by itself it does nothing.
#[test]
fn child() {
    child::play();
}

macro_rules! tests {
    ($algorithm:ident: $($subject:ident::$test:ident)*) => {
        $(
            #[test]
            fn $test() {
                crate::$subject::$test::<bakery_distributed::algorithm::$algorithm>().unwrap();
            }
        )*
    };
}

/// Every test, for each of these algorithms.
macro_rules! suite {
    ($($name:ident $algorithm:ident)*) => {
        $(
            mod $name {
                tests! { $algorithm:
                    passages::five_processes_pass_100_times_over_tcp
                    passages::five_processes_pass_100_times_over_unix_sockets
                    disturbed::one_that_is_killed_inside_comes_back
                    disturbed::one_that_is_killed_while_it_waits_comes_back
                    disturbed::each_of_them_is_killed_again_and_again
                    disturbed::one_that_is_stopped_inside_goes_on
                    disturbed::one_that_is_cut_off_inside_goes_on
                    disturbed::links_that_break_all_the_time_lose_and_double_nothing
                    attempts::an_attempt_that_is_dropped_gives_up
                    attempts::a_forgotten_guard_is_unlocked_by_the_next_attempt
                    attempts::a_node_alone_goes_in
                    bad_bytes::cost_the_sender_its_connection_and_nobody_else_anything
                }
            }
        )*
    };
}

suite! {
    ricart_agrawala RicartAgrawala
    token_ring TokenRing
    voting Voting
}
