//! Runs models and mutants by name: see [`loom_tests::command`].

fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    loom_tests::command(&arguments)
}
