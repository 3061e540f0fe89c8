//! One model in a process of its own: a mutant can panic while it panics, or never end.

use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::models::{self, Model};
use crate::mutation::{self, Instead, Site};

pub(super) enum Outcome {
    Passed,
    /// In the words of the first panic.
    Failed(String),
    TimedOut,
}

/// In the environment of a child that is to have one preemption more.
const DEEPER: &str = "LOOM_TESTS_DEEPER";

/// In front of the number of executions that a child had.
const EXECUTIONS: &str = "executions: ";

pub(super) struct Run {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    /// As far as it came to the end.
    pub(super) executions: Option<usize>,
    /// Which sites it passed.
    pub(super) sites: Vec<Site>,
}

/// The child's side.
pub(super) fn run(arguments: &[&str]) -> ExitCode {
    let (&[name], mutant) = arguments.split_at(arguments.len().min(1)) else {
        return ExitCode::FAILURE;
    };
    let mut models = models::all().chain(models::false_claims());
    let Some(model) = models.find(|model| model.to_string() == name) else {
        eprintln!("no such model: {name}");
        return ExitCode::FAILURE;
    };
    match mutant {
        [] => mutation::record(),
        [site, instead] if mutation::mutate(site, instead).is_some() => {}
        _ => {
            eprintln!("no such mutant: {mutant:?}");
            return ExitCode::FAILURE;
        }
    }
    if std::env::var_os(DEEPER).is_some() {
        models::go_deeper(1);
    }
    (model.run)();
    println!("{EXECUTIONS}{}", models::executions());
    for site in mutation::recorded() {
        println!("{}", site.to_line());
    }
    ExitCode::SUCCESS
}

/// The parent's side. Without a mutant the sites are recorded.
pub(super) fn spawn(model: Model, mutant: Option<(&Site, Instead)>, limit: Duration) -> Run {
    let mut command = command(model);
    if let Some((site, instead)) = mutant {
        command.arg(site.to_string()).arg(instead.to_string());
    }
    watch(command, limit)
}

/// The same for a model without a mutant, and with one preemption more than its bounds say.
pub(super) fn spawn_deeper(model: Model, limit: Duration) -> Run {
    let mut command = command(model);
    command.env(DEEPER, "1");
    watch(command, limit)
}

fn command(model: Model) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a name"));
    command.arg("model").arg(model.to_string());
    command
}

fn watch(mut command: Command, limit: Duration) -> Run {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program runs");
    let started = Instant::now();
    let out = reader(child.stdout.take().expect("piped"));
    let err = reader(child.stderr.take().expect("piped"));
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break Some(status);
        }
        if started.elapsed() > limit {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = started.elapsed();
    let (out, err) = (out.join().expect("reads"), err.join().expect("reads"));
    let outcome = match status {
        None => Outcome::TimedOut,
        Some(status) if status.success() => Outcome::Passed,
        Some(_) => Outcome::Failed(first_panic(&err)),
    };
    let executions = out.lines().find_map(|line| line.strip_prefix(EXECUTIONS)?.parse().ok());
    Run { outcome, took, executions, sites: out.lines().filter_map(Site::from_line).collect() }
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // What could be read before it broke is all there is to show.
        let _ = pipe.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// The message follows the line that says where.
fn first_panic(err: &str) -> String {
    let mut lines = err.lines().skip_while(|line| !line.contains("panicked at"));
    lines.nth(1).unwrap_or("no message").trim().to_owned()
}
