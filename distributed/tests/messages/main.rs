//! The algorithms by messages between real processes, over real sockets.
#![cfg(feature = "messages")]

mod attempts;
mod bad_bytes;
mod child;
mod cluster;
mod disturbed;
mod impostor;
mod journal;
mod minority;
mod passages;
#[path = "../suite/process.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod process;
mod suspected;

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

/// What all promise, and what this one does.
macro_rules! suite {
    ($($name:ident $algorithm:ident { $($subject:ident::$test:ident)* })*) => {
        $(
            mod $name {
                tests! { $algorithm:
                    passages::five_processes_pass_100_times_over_tcp
                    passages::five_processes_pass_100_times_over_unix_sockets
                    disturbed::one_that_is_killed_inside_comes_back
                    disturbed::one_that_is_killed_while_it_waits_comes_back
                    disturbed::each_of_them_is_killed_again_and_again
                    disturbed::links_that_break_all_the_time_lose_and_double_nothing
                    attempts::an_attempt_that_is_dropped_gives_up
                    attempts::a_forgotten_guard_is_unlocked_by_the_next_attempt
                    attempts::a_node_alone_goes_in
                    attempts::a_node_that_cannot_be_is_refused
                    bad_bytes::of_strangers_cost_them_their_connection_and_nobody_else_anything
                    bad_bytes::of_a_node_cost_it_its_connection
                    bad_bytes::whatever_a_node_can_read_does_not_end_it
                    bad_bytes::many_that_say_nothing_keep_no_node_out
                    $($subject::$test)*
                }
            }
        )*
    };
}

suite! {
    coordinator Coordinator {
        suspected::the_others_go_on_without_one_that_is_stopped_inside
        suspected::the_others_go_on_without_a_coordinator_that_is_stopped_inside
        suspected::the_others_go_on_without_one_that_is_cut_off_inside
        suspected::one_that_was_stopped_suspects_nobody
        minority::one_that_is_dead_is_not_waited_for
    }
    ricart_agrawala RicartAgrawala {
        attempts::no_more_is_begun_when_too_much_is_kept
        disturbed::one_that_is_stopped_outside_is_waited_for
        bad_bytes::half_of_them_cost_whoever_stops_there_its_connection
        disturbed::one_that_is_stopped_inside_goes_on
        disturbed::one_that_is_cut_off_inside_goes_on
    }
    token_ring TokenRing {
        attempts::a_token_that_nobody_wants_goes_round_slowly
        disturbed::one_that_is_stopped_outside_is_waited_for
        disturbed::one_that_is_stopped_inside_goes_on
        disturbed::one_that_is_cut_off_inside_goes_on
    }
    quorum Voting {
        disturbed::one_that_is_stopped_inside_goes_on
        disturbed::one_that_is_cut_off_inside_goes_on
        minority::one_that_is_dead_is_not_waited_for
        minority::a_minority_lets_nobody_in
    }
    raft ReplicatedLock {
        disturbed::one_that_is_stopped_inside_goes_on
        disturbed::one_that_is_cut_off_inside_goes_on
        minority::one_that_is_dead_is_not_waited_for
        minority::a_minority_lets_nobody_in
        suspected::one_that_is_expired_is_told
        journal::all_of_them_go_on_by_their_journals
        journal::one_whose_disk_is_full_ends
        journal::a_journal_that_is_not_this_nodes_is_refused
    }
}
