//! What is so with ZooKeeper and with no other engine, on real servers.
#![cfg(feature = "zookeeper")]

#[macro_use]
#[path = "../own/mod.rs"]
mod own;

mod nodes;
mod others;

use own::arena;

tests! { zookeeper:
    nodes::an_entry_that_is_repeated_is_the_same_one
    nodes::tokens_grow_when_a_directory_begins_again
    nodes::whoever_loses_its_node_finds_out
    nodes::a_session_that_nobody_renews_ends_after_one_and_a_half_of_its_time
    nodes::a_time_that_the_servers_do_not_keep_is_refused
    others::curators_mutex_stands_in_the_same_line
    others::a_node_of_zkcli_stands_in_the_same_line
}
