//! Writes the mutants: copies of the algorithms' sources, each with one fault, as modules of one file that
//! `src/mutants.rs` includes.

#[path = "build/faults.rs"]
mod faults;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The models of a lock: how a node begins.
const LOCKS: &[(&str, &str)] = &[
    ("coordinator", "|me, nodes, _| Coordinator::new(me, nodes)"),
    ("ricart_agrawala", "|me, nodes, _| RicartAgrawala::new(me, nodes)"),
    ("token_ring", "TokenRing::new"),
    ("voting", "|me, nodes, _| Voting::new(me, nodes)"),
];

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/subjects");
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let library = here.join("../src/algorithm");
    println!("cargo::rerun-if-changed={}", library.display());
    let (mut modules, mut list) = (String::new(), String::new());
    if env::var_os("CARGO_FEATURE_MUTANTS").is_some() {
        for (number, &(file, change, written, instead)) in faults::FAULTS.iter().enumerate() {
            let source = read(&library.join(format!("{file}.rs")));
            let places = source.matches(written).count();
            assert_eq!(places, 1, "{file}.rs has {places} places for: {change}");
            let text = module(file, &source.replacen(written, instead, 1), &here);
            let _ = writeln!(modules, "mod m{number} {{ {text} }}");
            let _ = writeln!(
                list,
                "Mutant {{ file: {file:?}, change: {change:?}, models: m{number}::models }},"
            );
        }
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo")).join("mutants.rs");
    let text = format!("{modules}\npub(crate) const MUTANTS: &[Mutant] = &[\n{list}];\n");
    fs::write(out, text).expect("it is ours to write");
}

/// A mutant beside its models.
fn module(file: &str, mutant: &str, here: &Path) -> String {
    let models = match LOCKS.iter().find(|(lock, _)| *lock == file) {
        Some((_, begin)) => format!(
            "use super::{file}::*; pub fn models() -> Vec<crate::model::Model> {{
                crate::models::of({file:?}, |bounds| {{
                    let system = crate::system::System {{ bounds, begin: {begin} }};
                    crate::explore::explore(&system)
                }})
            }}"
        ),
        None => without_inner_docs(&read(&here.join(format!("src/subjects/{file}.rs"))))
            .replace(&format!("crate::algorithm::{file}::"), &format!("super::{file}::")),
    };
    let mutant = without_inner_docs(mutant);
    format!(
        "use crate::algorithm::*;\npub mod {file} {{\n{mutant}\n}}\nmod its {{\n{models}\n}}
        pub(crate) use its::models;"
    )
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it is in the tree")
}

/// A module in the middle of a file begins without `//!`.
fn without_inner_docs(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}
