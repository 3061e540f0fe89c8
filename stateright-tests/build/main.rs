//! Writes the mutants: copies of the algorithms' sources, each with one thing changed, as modules of
//! one file that `src/mutants/mod.rs` includes.

mod faults;
mod tokens;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A copy of a source with a change.
struct Mutant {
    line: usize,
    /// What was changed, in a few words.
    change: String,
    text: String,
}

/// The sources of which a crate has the mutants, by the names of the macro that has their models.
fn sources(package: &str) -> &'static [&'static str] {
    match package {
        "mutants-of-registers" => {
            &["bakery", "black_white", "fast", "filter", "mark", "peterson", "tournament"]
        }
        "mutants-of-tickets" => &["bypass", "bypass_queue", "gate", "ticket", "ticket_queue"],
        _ => panic!("{package} is not known to have mutants"),
    }
}

fn main() {
    let package = env::var("CARGO_PKG_NAME").expect("set by cargo");
    println!("cargo::rerun-if-changed=../build");
    let library = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo"))
        .join("../../src/algorithm");
    let mut modules = String::new();
    let mut list = String::new();
    for &name in sources(&package) {
        let path = library.join(format!("{name}.rs"));
        println!("cargo::rerun-if-changed={}", path.display());
        let source = fs::read_to_string(&path).expect("it is in the tree");
        let mutants = faults::of(name, &source).into_iter().chain(tokens::of(name, &source));
        for (index, mutant) in mutants.enumerate() {
            let Mutant { line, change, text } = mutant;
            let module = format!("{name}_{index}");
            let text = module_text(name, &text, &library);
            let _ = writeln!(modules, "mod {module} {{\n{text}\n}}");
            let around = around(&source, line);
            let _ = writeln!(
                list,
                "Mutant {{ file: \"src/algorithm/{name}.rs\", line: {line}, change: {change:?}, \
                 source: {around:?}, models: {module}::models }},"
            );
        }
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo")).join("mutants.rs");
    let text = format!("{modules}\npub(crate) const MUTANTS: &[Mutant] = &[\n{list}];\n");
    fs::write(out, text).expect("it is ours to write");
}

/// A line, and the line of code before it.
fn around(source: &str, line: usize) -> [&str; 2] {
    let is_code = |text: &&str| !text.is_empty() && !text.starts_with("//");
    let before = source.lines().take(line - 1).map(str::trim).filter(is_code).last();
    let own = source.lines().nth(line - 1).unwrap_or_default().trim();
    [before.unwrap_or_default(), own]
}

/// The body of a mutant's module: the source and its models.
fn module_text(name: &str, mutated: &str, library: &Path) -> String {
    let models = |of: &str| {
        format!("pub fn models() -> Vec<crate::model::Model> {{ crate::models::models_of!({of}) }}")
    };
    // A part of others has no models of its own: those of one that it is a part of.
    let whole = match name {
        "gate" => "bypass",
        "mark" => "bakery",
        _ => return format!("{}\n{}", without_inner_docs(mutated), models(name)),
    };
    let text = fs::read_to_string(library.join(format!("{whole}.rs"))).expect("it is in the tree");
    let text = without_inner_docs(&text)
        .replace(&format!("crate::algorithm::{name}::"), &format!("super::{name}::"));
    format!(
        "mod {name} {{\n{}\n}}\nmod {whole} {{\n{text}\n{}\n}}\npub use {whole}::models;",
        without_inner_docs(mutated),
        models(whole),
    )
}

/// A module in the middle of a file begins without `//!`.
fn without_inner_docs(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}
