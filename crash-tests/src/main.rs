//! See the library.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    crash_tests::command(&std::env::args().skip(1).collect::<Vec<_>>())
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("locks between processes are for Linux");
    ExitCode::FAILURE
}
