//! Runs the models by name: see [`stateright_tests::command`].

fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    stateright_tests::command(&arguments)
}
