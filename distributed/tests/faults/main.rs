//! Random faults for a while, and a checker that has seen every grant.
//!
//! Real processes lock and unlock, try, time out, give up, are stopped and killed; the servers are killed, stopped,
//! cut off and started again. Each process writes down what its guards say. `BAKERY_FAULT_SECONDS` says for how
//! long (600), `BAKERY_FAULT_SEED` repeats the choices of a run.
#![cfg(any(
    feature = "consul",
    feature = "dynamodb",
    feature = "etcd",
    feature = "postgres",
    feature = "zookeeper"
))]

#[allow(dead_code, reason = "what other tests need of it")]
#[path = "../suite/arena.rs"]
mod arena;
mod checker;
mod client;
mod events;
mod linear;
mod processes;
mod servers;
mod storm;

/// What this program does when a test has started it again; by itself it does nothing.
#[test]
fn client() {
    if let Some(words) = processes::words() {
        client::run(&words).unwrap();
    }
}

macro_rules! storms {
    ($($feature:literal $engine:ident)*) => {
        $(
            #[cfg(feature = $feature)]
            #[test]
            #[ignore = "takes ten minutes, or BAKERY_FAULT_SECONDS"]
            fn $engine() {
                storm::run(stringify!($engine)).unwrap();
            }
        )*
    };
}

storms! {
    "consul" consul
    "dynamodb" dynamodb
    "etcd" etcd
    "postgres" postgres
    "zookeeper" zookeeper
}
