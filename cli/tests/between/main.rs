//! `bakery --engine`: locks between machines, on real servers. What cannot be had on a machine is skipped,
//! with a line that begins with `SKIPPED`.

mod arena;
mod deaths;
mod looks;
mod losses;
mod runs;
mod signals;
#[allow(dead_code, reason = "what they have in common is larger than what is used here")]
#[path = "../cli/support.rs"]
mod support;
mod usage;

/// Makes a test of each of these functions on each of these engines.
macro_rules! on {
    ($($engine:ident),+: $($test:path as $name:ident),+ $(,)?) => {
        on!(@all [$($engine),+] $([$test, $name])+);
    };
    (@all $engines:tt $($test:tt)+) => { $(on!(@one $engines $test);)+ };
    (@one [$($engine:ident),+] [$test:path, $name:ident]) => {
        mod $name {
            $(#[test]
            fn $engine() {
                let name = concat!(stringify!($name), "-", stringify!($engine));
                crate::arena::run(stringify!($engine), name, $test);
            })+
        }
    };
}

on!(consul, dynamodb, etcd, postgres, zookeeper:
    crate::runs::the_command_runs_with_a_token_that_grows as the_command_runs_with_a_token_that_grows,
);

on!(etcd, postgres:
    crate::runs::first_come_first_served as first_come_first_served,
    crate::runs::one_that_does_not_wait_leaves_nothing as one_that_does_not_wait_leaves_nothing,
    crate::runs::those_who_share_are_together as those_who_share_are_together,
    crate::runs::so_many_at_a_time as so_many_at_a_time,
    crate::runs::a_lock_within_itself_is_refused as a_lock_within_itself_is_refused,
    crate::signals::in_line_they_are_obeyed_and_the_place_is_left as in_line_signals_are_obeyed,
    crate::signals::the_command_gets_them as the_command_gets_signals,
    crate::deaths::the_next_one_is_told_of_one_that_was_killed as the_next_one_is_told,
    crate::deaths::with_wrapper_and_guardian_killed_the_command_is_as_well as with_its_guardian_killed,
    crate::losses::one_that_is_cut_off_is_ended_before_the_next_begins as one_that_is_cut_off,
    crate::losses::a_stopped_wrapper_does_not_keep_its_command as a_stopped_wrapper,
    crate::losses::with_all_servers_stopped_it_gets_term_and_kill as with_all_servers_stopped,
    crate::losses::one_that_ends_at_term_is_not_killed as one_that_ends_at_term,
    crate::looks::the_line_is_shown as the_line_is_shown,
    crate::looks::a_wait_ends_when_it_is_free as a_wait_ends_when_it_is_free,
    crate::looks::a_hold_lets_go as a_hold_lets_go,
);
