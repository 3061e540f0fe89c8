//! The same for every algorithm, and with every way of waiting.

/// A test for each of the algorithms named.
macro_rules! each_kind {
    ($test:ident: $($name:ident $kind:ident),*) => {
        mod $test {
            $(
                #[test]
                fn $name() {
                    super::$test(bakery_lock::shared::Kind::$kind);
                }
            )*
        }
    };
    ($test:ident) => {
        each_kind!(
            $test: bakery Bakery, black_white BlackWhite, fast FastUnrecoverable, peterson Peterson, filter Filter,
            tournament Tournament, ticket Ticket, bypass Bypass
        );
    };
}

/// Runs the same code with the way of waiting that has this name.
macro_rules! with_waiting {
    ($name:expr, $wait:ident => $body:expr) => {
        match $name {
            "spin" => {
                type $wait = bakery_lock::wait::Spin;
                $body
            }
            "spin-yield" => {
                type $wait = bakery_lock::wait::SpinYield;
                $body
            }
            "park" => {
                type $wait = bakery_lock::wait::Park;
                $body
            }
            other => panic!("{other:?} is no way of waiting"),
        }
    };
}
