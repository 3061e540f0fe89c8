//! What a user of the public interface may rely on, on every engine whose feature is on, with real servers
//! and real processes.
//!
//! An engine whose servers cannot be had on this machine is skipped: see the lines that begin with
//! `SKIPPED`.
#![cfg(any(
    feature = "consul",
    feature = "dynamodb",
    feature = "etcd",
    feature = "postgres",
    feature = "zookeeper"
))]

mod arena;
mod child;
mod disturbed;
mod process;

mod attempts;
mod blocking;
mod cancelled;
mod clocks;
mod deaths;
mod elections;
mod exclusion;
mod lost;
mod notes;
mod order;
mod owned;
mod restarts;
mod semaphores;
mod shared;

/// What this program does when another test has started it again; by itself it does nothing.
#[test]
fn child() {
    child::play(&[
        ("adds", exclusion::adds),
        ("holds", deaths::holds),
        ("forks", blocking::forks),
        ("lives by another clock", clocks::lives_by_another_clock),
        ("has a permit", semaphores::has_a_permit),
    ]);
}

macro_rules! tests {
    ($engine:ident: $($subject:ident::$test:ident)*) => {
        mod $engine {
            $(
                #[test]
                fn $test() {
                    crate::arena::run(stringify!($engine), stringify!($test), crate::$subject::$test);
                }
            )*
        }
    };
}

/// Every test, for each of these engines.
macro_rules! suite {
    ($($feature:literal $engine:ident)*) => {
        $(
            #[cfg(feature = $feature)]
            tests! { $engine:
                attempts::a_free_lock_is_taken_even_without_time
                attempts::one_that_tries_does_not_stand_in_line
                attempts::whoever_has_no_time_left_leaves_the_line
                attempts::a_forgotten_guard_keeps_the_lock_until_the_next_attempt
                attempts::unlocking_lets_the_next_one_in_and_a_check_says_so
                blocking::a_process_that_is_forked_off_is_refused
                blocking::a_thread_is_told_that_its_lock_is_lost
                blocking::an_async_task_may_block_as_well
                blocking::every_form_blocks
                blocking::one_that_blocks_the_holders_own_thread_gets_in_after_its_lease
                blocking::threads_wait_in_line_and_leave_it
                blocking::whoever_waits_for_the_loss_hears_of_the_unlocking
                cancelled::attempts_that_are_dropped_anywhere_leave_nothing
                cancelled::an_entry_that_is_under_way_when_it_is_dropped_leaves_nothing
                clocks::a_clock_that_is_stepped_changes_nothing
                deaths::whoever_comes_after_one_that_was_killed_is_told
                deaths::of_one_that_is_not_recorded_nobody_is_told
                deaths::one_that_was_stopped_finds_itself_lost
                deaths::what_is_not_repaired_stays_so
                deaths::without_poisoning_a_death_is_told_once
                elections::a_leader_that_died_is_followed
                elections::leaders_follow_each_other_and_are_seen
                exclusion::five_processes_add_100_lines
                lost::a_holder_is_told_before_the_next_one_is_in
                lost::a_check_does_not_take_the_lease_for_the_lock
                lost::a_waiter_lives_longer_than_its_session_would_by_itself
                lost::a_waiter_whose_session_ends_is_told
                lost::unlocking_what_is_lost_does_not_hide_it
                notes::only_whoever_is_inside_changes_its_own
                order::a_wake_up_before_the_wait_is_not_lost
                order::first_come_first_served
                owned::a_failure_gives_the_participant_back
                owned::an_owned_guard_goes_into_a_task_and_gives_its_participant_back
                owned::an_owned_guard_that_is_dropped_lets_the_next_one_in
                owned::readers_holders_and_leaders_may_own_their_guards
                restarts::a_holder_is_told_while_all_servers_are_stopped
                restarts::no_single_server_takes_the_lock_with_it
                restarts::nobody_waits_for_ever_for_servers_that_hang
                restarts::one_server_alone_does_not_say_that_the_lock_is_held
                restarts::tokens_grow_through_a_restart
                semaphores::a_permit_of_one_that_was_killed_comes_back
                semaphores::no_more_than_there_are_permits
                semaphores::only_the_first_one_watches_the_permits
                semaphores::permits_are_taken_in_order
                semaphores::the_door_is_kept_until_the_permit_is_taken
                shared::readers_go_in_together_and_a_writer_alone
                shared::a_reader_that_comes_after_a_writer_waits_for_it
                shared::a_writer_that_gives_up_lets_the_readers_in
                shared::a_reader_is_told_of_a_writer_that_died
            }
        )*
    };
}

suite! {
    "consul" consul
    "dynamodb" dynamodb
    "etcd" etcd
    "postgres" postgres
    "zookeeper" zookeeper
}
