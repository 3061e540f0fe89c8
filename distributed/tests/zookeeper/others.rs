//! Other clients that stand in the same lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::Who;
use bakery_distributed::engine::Patience;
use bakery_servers::zookeeper;

use crate::arena::{Arena, LIMIT, TTL, skip};
use crate::nodes::attempt;

/// A program that is asked and answers by lines.
struct Program {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no input")?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.input, "{line}")?)
    }

    /// The next line that begins so.
    fn hear(&mut self, beginning: &str) -> Result<String> {
        loop {
            let line = self.output.recv_timeout(LIMIT).context(beginning.to_owned())?;
            if line.starts_with(beginning) {
                return Ok(line);
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn servers(arena: &Arena) -> &str {
    arena.url.trim_start_matches("zookeeper://")
}

pub async fn curators_mutex_stands_in_the_same_line(arena: Arena) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zookeeper/Curator.java");
    if Command::new("javac").arg("-version").output().is_err() {
        skip("zookeeper: Curator: there is no compiler of Java");
        return Ok(());
    }
    let path = format!("/{}", arena.name);
    let mut curator =
        Program::start(zookeeper::java()?.arg(source).arg(servers(&arena)).arg(&path))?;
    curator.hear("connected")?;
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let token = guard.token();
    // It may not get past the one that is inside.
    curator.ask("try")?;
    ensure!(curator.hear("")? == "busy");
    curator.ask("acquire")?;
    arena.wait_for(|status| status.queue.len() == 1).await?;
    let waiting = other.enter().await?;
    let status = arena.wait_for(|status| status.queue.len() == 2).await?;
    ensure!(status.queue[0].who.pid == 0 && status.queue[1].who.pid == std::process::id());
    guard.unlock().await?;
    ensure!(curator.hear("")? == "acquired 2");
    ensure!(me.try_lock().await?.is_none());
    curator.ask("release")?;
    let guard = waiting.wait().await?;
    ensure!(guard.token() > token);
    curator.ask("try")?;
    ensure!(curator.hear("released")? == "released" && curator.hear("")? == "busy");
    guard.unlock().await?;
    // One that has died inside keeps nobody out who knows of no deaths.
    let session = arena.client()?.engine().open(&Who::this(), TTL).await?;
    session.enter(&attempt(&arena, 1), Patience::Endless).await?;
    session.close().await?;
    arena.wait_for(|status| status.deaths.len() == 1 && status.holders.is_empty()).await?;
    curator.ask("acquire")?;
    ensure!(curator.hear("acquired")?.starts_with("acquired"));
    Ok(())
}

pub async fn a_node_of_zkcli_stands_in_the_same_line(arena: Arena) -> Result<()> {
    let mut zkcli = zookeeper::java()?;
    zkcli.args(["org.apache.zookeeper.ZooKeeperMain", "-server", servers(&arena)]);
    zkcli.stderr(Stdio::null());
    let mut zkcli = Program::start(&mut zkcli)?;
    let mutex = arena.mutex()?;
    let (mut me, mut other) = (mutex.join().await?, mutex.join().await?);
    let guard = me.lock().await?;
    let line = format!("/{}", arena.name);
    zkcli.ask(&format!("create -s -e {line}/_c_by-hand-lock- by-hand"))?;
    arena.wait_for(|status| status.queue.len() == 1).await?;
    zkcli.ask(&format!("ls {line}"))?;
    let listed = zkcli.hear("[_c_")?;
    ensure!(listed.matches("-lock-").count() == 2, "{listed}");
    let waiting = other.enter().await?;
    guard.unlock().await?;
    let status = arena.wait_for(|status| status.queue.len() == 1).await?;
    ensure!(status.holder().is_some_and(|holder| holder.note == "by-hand"), "{status:?}");
    zkcli.ask("quit")?;
    waiting.wait().await?.unlock().await?;
    Ok(())
}
