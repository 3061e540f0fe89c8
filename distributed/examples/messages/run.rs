//! A run: the processes, and what came of it.

use std::env;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::LINES;
use crate::start::Process;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// All nodes, again and again.
    All,
    /// The first one; it is not the coordinator, nor a leader but by chance.
    One,
}

/// What came of a run.
pub struct Done {
    pub total: u32,
    /// In the order in which they were inside.
    pub sections: Vec<Section>,
    /// By each node.
    pub sent: Vec<u64>,
    pub took: Duration,
}

/// One passage.
pub struct Section {
    pub node: u8,
    pub asked: u64,
    pub entered: u64,
    pub token: u64,
}

impl Section {
    pub fn wait(&self) -> Duration {
        Duration::from_nanos(self.entered - self.asked)
    }
}

impl Done {
    /// How many were in before each section that had asked after it.
    pub fn overtaken(&self) -> Vec<usize> {
        let before = |(place, section): (usize, &Section)| {
            self.sections[..place].iter().filter(|other| other.asked > section.asked).count()
        };
        self.sections.iter().enumerate().map(before).collect()
    }

    pub fn messages(&self) -> Result<f64> {
        let sent = u32::try_from(self.sent.iter().sum::<u64>())?;
        Ok(f64::from(sent) / f64::from(u32::try_from(self.sections.len())?))
    }
}

/// Has so many processes count.
pub fn run(name: &str, nodes: u8, load: Load, is_unix: bool) -> Result<Done> {
    let directory = env::temp_dir().join(format!("lines-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let done = run_in(name, nodes, load, is_unix, &directory);
    std::fs::remove_dir_all(&directory)?;
    done
}

fn addresses(nodes: u8, is_unix: bool, directory: &Path) -> Result<String> {
    if is_unix {
        let address = |node| format!("unix:{}/{node}", directory.display());
        return Ok((0..nodes).map(address).collect::<Vec<_>>().join(","));
    }
    // All of them are there before one is let go, so that none comes twice.
    let ports = (0..nodes).map(|_| TcpListener::bind("127.0.0.1:0"));
    let ports = ports.collect::<std::io::Result<Vec<_>>>()?;
    let addresses = ports.iter().map(|port| Ok(port.local_addr()?.to_string()));
    Ok(addresses.collect::<Result<Vec<_>>>()?.join(","))
}

fn run_in(name: &str, nodes: u8, load: Load, is_unix: bool, directory: &Path) -> Result<Done> {
    std::fs::write(directory.join("count"), "0")?;
    let addresses = addresses(nodes, is_unix, directory)?;
    let lines = |node| if load == Load::All || node == 0 { LINES } else { 0 };
    let start = |node: u8| {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--algorithm", name, "--node", &node.to_string()]);
        command.args(["--addresses", &addresses, "--lines", &lines(node).to_string()]);
        Process::spawn(command.arg("--directory").arg(directory))
    };
    let mut processes = (0..nodes).map(start).collect::<Result<Vec<_>>>()?;
    for process in &mut processes {
        ensure!(process.hear()? == "ready", "a process does not begin");
    }
    let began = Instant::now();
    processes.iter_mut().try_for_each(|process| process.ask("go"))?;
    let mut sections = Vec::new();
    for (process, node) in processes.iter_mut().zip(0..) {
        for _ in 0..lines(node) {
            let words = process.hear()?;
            let numbers = words.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
            let [asked, entered, token] = numbers[..] else { anyhow::bail!("{words}?") };
            sections.push(Section { node, asked, entered, token });
        }
    }
    let took = began.elapsed();
    sections.sort_by_key(|section| section.token);
    // All have been inside: nobody waits for another one's answers any more.
    processes.iter_mut().for_each(Process::hang_up);
    let sent = processes.iter_mut().map(|process| Ok(process.hear()?.parse()?));
    let sent = sent.collect::<Result<Vec<u64>>>()?;
    processes.into_iter().try_for_each(Process::succeed).context("a process failed")?;
    let total = std::fs::read_to_string(directory.join("count"))?.parse()?;
    Ok(Done { total, sections, sent, took })
}
