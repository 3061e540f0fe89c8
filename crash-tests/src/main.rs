//! See the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    crash_tests::command(&std::env::args().skip(1).collect::<Vec<_>>())
}
