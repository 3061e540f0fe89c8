//! Runs the models by name: see [`bakery_models::command`].

fn main() -> std::process::ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    bakery_models::command(&words)
}
