//! What tests of one engine begin with.

#[allow(dead_code, reason = "not all of it is used for each engine")]
#[path = "../suite/arena.rs"]
pub mod arena;
#[allow(dead_code, reason = "not all of it is used for each engine")]
pub mod between;
#[allow(dead_code, reason = "not all of it is used for each engine")]
#[path = "../suite/disturbed.rs"]
pub mod disturbed;
#[allow(dead_code, reason = "not all of it is used for each engine")]
pub mod raw;

/// Tests of an engine, by the names of their functions.
macro_rules! tests {
    ($engine:ident: $($subject:ident::$test:ident)*) => {
        mod $engine { $(one! { $engine $test super::$subject::$test })* }
    };
    ($engine:ident: $($test:ident)*) => {
        mod $engine { $(one! { $engine $test super::$test })* }
    };
}

macro_rules! one {
    ($engine:ident $test:ident $function:path) => {
        #[test]
        fn $test() {
            crate::arena::run(stringify!($engine), stringify!($test), $function);
        }
    };
}
