//! What came of opening something.

use bakery_lock::shared::{Error, Mutex};

pub type Opened<T = u64> = Result<Mutex<T>, Error>;

/// That opening a segment that holds a `u64`, or `[something else]`, failed with this error.
macro_rules! assert_refused {
    ([$type:ty] $outcome:expr, $error:pat $(if $guard:expr)?, $($what:tt)+) => {{
        let outcome: $crate::outcome::Opened<$type> = $outcome;
        assert!(matches!(&outcome, Err($error) $(if $guard)?), "{}: {outcome:?}", format!($($what)+));
    }};
    ($outcome:expr, $($more:tt)+) => {
        assert_refused!([u64] $outcome, $($more)+)
    };
}
