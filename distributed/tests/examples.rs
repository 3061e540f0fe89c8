//! The examples, on servers of their own: what they print, and whether they notice what they are to notice.

use std::io::Write as _;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use bakery_servers::programs;

/// Runs an example; `None`, and a line that says so, if the servers cannot be had on this machine.
fn run(example: &str, engine: &str, words: &[&str]) -> Result<Option<(bool, String)>> {
    if let Err(error) = programs(engine) {
        // Where the harness does not hide it.
        writeln!(std::io::stderr(), "\nSKIPPED: the example {example} on {engine}: {error:#}")?;
        return Ok(None);
    }
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--all-features", "--manifest-path", manifest]);
    cargo.args(["--example", example, "--", "--engine", engine]).args(words);
    let Output { status, stdout, stderr } = cargo.output()?;
    let (told, complaints) = (String::from_utf8(stdout)?, String::from_utf8_lossy(&stderr));
    println!("{told}{complaints}");
    Ok(Some((status.success(), told)))
}

/// Whether these words are there, in this order.
fn tells(told: &str, words: &[&str]) -> Result<()> {
    let mut rest = told;
    for word in words {
        let found = rest.split_once(word);
        ensure!(found.is_some(), "{word:?} is not where it should be: {told}");
        rest = found.map_or("", |(_, after)| after);
    }
    Ok(())
}

fn a_late_write_is_refused(engine: &str) -> Result<()> {
    let Some((succeeded, told)) = run("fenced", engine, &[])? else { return Ok(()) };
    ensure!(succeeded);
    let story = ["is stopped", "second: certainly inside", "first left without unlocking"];
    tells(&told, &story)?;
    tells(&told, &["the first goes on", "refused: token", "lost", "table:  by the second"])
}

fn standbys_follow_a_leader(engine: &str) -> Result<()> {
    let Some((succeeded, told)) = run("leader", engine, &[])? else { return Ok(()) };
    ensure!(succeeded);
    tells(&told, &["one leads", "one is killed", "two leads", "one left without unlocking"])?;
    tells(&told, &["two is asked to resign", "three leads", "nobody that died"])
}

fn lines_are_counted(engine: &str) -> Result<()> {
    let Some((succeeded, told)) = run("lines", engine, &[])? else { return Ok(()) };
    ensure!(succeeded);
    tells(&told, &["Total de Líneas:  100"])
}

#[test]
fn a_table_that_does_not_look_at_tokens_is_noticed() -> Result<()> {
    let Some((succeeded, told)) = run("fenced", "postgres", &["gullible"])? else { return Ok(()) };
    ensure!(!succeeded);
    tells(&told, &["the first goes on", "done", "lost", "table:  by the first"])
}

macro_rules! on {
    ($($engine:ident: $($test:ident)*;)*) => {
        $(
            mod $engine {
                $(
                    #[test]
                    fn $test() -> anyhow::Result<()> {
                        super::$test(stringify!($engine))
                    }
                )*
            }
        )*
    };
}

on! {
    etcd: a_late_write_is_refused standbys_follow_a_leader lines_are_counted;
    postgres: a_late_write_is_refused standbys_follow_a_leader lines_are_counted;
}
