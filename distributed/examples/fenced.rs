//! A holder that is stopped for longer than its lease, and goes on as if nothing had happened: what it writes
//! then is refused, because the table that the lock protects keeps the greatest token that it has seen.
//!
//! ```sh
//! cargo run --release --manifest-path distributed/Cargo.toml --all-features --example fenced -- --engine etcd
//! ```
//!
//! The table, and both who write to it, are processes of their own. With `gullible` at the end, the table takes
//! whatever comes: then the late write gets in, and the program fails.

mod start;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::{Result, bail, ensure};
use bakery_distributed::{Error, Options, blocking::connect};
use rustix::process::Signal;
use start::{play, start, tell};

const ABOUT: &str = "\
A holder is stopped past its lease, another one writes, and the first goes on: its write is refused.

  gullible        last, for a table that does not look at tokens: the late write gets in";

const LOCK: &str = "fenced";

fn main() -> Result<()> {
    play(ABOUT, &[("run", run), ("table", table), ("write", write)])
}

fn run(url: &str, words: &[&str]) -> Result<()> {
    ensure!(matches!(words, [] | ["gullible"]), "what is {words:?}? See --help");
    let mut table = start(url, "table", words)?;
    let address = table.hear()?;
    let mut first = start(url, "write", &[&address, "first"])?;
    println!("first:  {}", first.hear()?);
    first.signal(Signal::STOP)?;
    println!("        (is stopped, just before it writes)");

    let mut second = start(url, "write", &[&address, "second"])?;
    println!("second: {}", second.hear()?);
    second.ask("write")?;
    println!("second: {}", second.hear()?);
    second.succeed()?;

    first.ask("write")?;
    first.signal(Signal::CONT)?;
    println!("        (the first goes on)");
    println!("first:  {}", first.hear()?);
    first.succeed()?;

    let text = ask(&address, "read")?;
    println!("table:  {text}");
    ensure!(text == "by the second", "a write of one that had lost the lock got in");
    Ok(())
}

/// Locks, makes sure that it holds the lock, and writes when it is told to: as late as anything may be.
fn write(url: &str, words: &[&str]) -> Result<()> {
    let [table, name] = words else { bail!("where is the table, and who is this?") };
    let options = Options::default().called(name);
    let mut me = connect(url)?.mutex(LOCK)?.with(options).join()?;
    // One write leaves nothing half-written that would have to be repaired.
    let guard = me.lock_or_repair(|_| Ok::<_, Error>(()))?;
    guard.check()?;
    let after = guard.death().map(|death| format!(", after {death}")).unwrap_or_default();
    tell(&format!("certainly inside, with token {}{after}", guard.token()));
    std::io::stdin().lock().read_line(&mut String::new())?;
    let answer = ask(table, &format!("write {} by the {name}", guard.token()))?;
    tell(&format!(
        "writes; {answer} (its guard: {})",
        if guard.is_lost() { "lost" } else { "held" }
    ));
    guard.unlock()?;
    Ok(me.leave()?)
}

/// Keeps one text, and the greatest token that it has seen; unless it is gullible.
fn table(_: &str, words: &[&str]) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    tell(&listener.local_addr()?.to_string());
    std::thread::spawn(|| {
        // Nobody has anything to say to it any more.
        std::io::stdin().lock().lines().for_each(drop);
        std::process::exit(0);
    });
    let (mut seen, mut text) = (0, String::new());
    // One after the other, so that comparing and writing are one step.
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream?);
        let mut request = String::new();
        stream.read_line(&mut request)?;
        let answer = match request.trim_end().splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["write", token, new] => {
                let token: u64 = token.parse()?;
                if token < seen && words != ["gullible"] {
                    format!("refused: token {seen} has been here")
                } else {
                    (seen, text) = (token.max(seen), new.to_owned());
                    "done".to_owned()
                }
            }
            _ => text.clone(),
        };
        writeln!(stream.get_mut(), "{answer}")?;
    }
    Ok(())
}

/// What the table answers.
fn ask(table: &str, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(table)?;
    writeln!(stream, "{request}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}
