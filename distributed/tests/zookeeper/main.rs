//! What is so with ZooKeeper and with no other engine, on real servers.
#![cfg(feature = "zookeeper")]

#[path = "../suite/arena.rs"]
mod arena;

mod cut_off;
mod nodes;
mod others;

macro_rules! tests {
    ($($subject:ident::$test:ident)*) => {
        mod zookeeper {
            $(
                #[test]
                fn $test() {
                    crate::arena::run("zookeeper", stringify!($test), crate::$subject::$test);
                }
            )*
        }
    };
}

tests! {
    cut_off::whoever_is_on_a_follower_that_is_cut_off_is_told_before_the_next_one_is_in
    cut_off::whoever_is_on_a_leader_that_is_cut_off_is_told_before_the_next_one_is_in
    cut_off::when_the_leader_is_killed_the_lock_is_kept_or_its_holder_is_told
    nodes::an_entry_that_is_repeated_is_the_same_one
    nodes::tokens_grow_when_a_directory_begins_again
    nodes::whoever_loses_its_node_finds_out
    nodes::a_session_that_nobody_renews_ends_after_one_and_a_half_of_its_time
    nodes::a_time_that_the_servers_do_not_keep_is_refused
    others::curators_mutex_stands_in_the_same_line
    others::a_node_of_zkcli_stands_in_the_same_line
}
