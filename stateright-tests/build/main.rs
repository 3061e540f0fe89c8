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

/// The sources, and the macro that has their models.
const SOURCES: [&str; 10] = [
    "bakery",
    "black_white",
    "bypass_queue",
    "fast",
    "filter",
    "mark",
    "peterson",
    "ticket",
    "ticket_queue",
    "tournament",
];

fn main() {
    println!("cargo::rerun-if-changed=build");
    if env::var_os("CARGO_FEATURE_MUTANTS").is_none() {
        return;
    }
    let library =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../src/algorithm");
    let mut modules = String::new();
    let mut list = String::new();
    for name in SOURCES {
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
        format!(
            "pub fn models() -> Vec<crate::models::Model> {{ crate::models::models_of!({of}) }}"
        )
    };
    if name != "mark" {
        return format!("{}\n{}", without_inner_docs(mutated), models(name));
    }
    // The mark has no models of its own: the bakery's, with this mark.
    let bakery = fs::read_to_string(library.join("bakery.rs")).expect("it is in the tree");
    let bakery = without_inner_docs(&bakery).replace("crate::algorithm::mark::", "super::mark::");
    format!(
        "mod mark {{\n{}\n}}\nmod bakery {{\n{bakery}\n{}\n}}\npub use bakery::models;",
        without_inner_docs(mutated),
        models("bakery"),
    )
}

/// A module in the middle of a file begins without `//!`.
fn without_inner_docs(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}
