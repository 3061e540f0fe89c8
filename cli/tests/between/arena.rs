//! Where a test takes place: an engine's servers, a lock that no other test has, and a directory.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use bakery_servers::{Cluster, Link};
use serde_json::Value;

use crate::support::{Place, Running, stays, until};

pub struct Arena {
    pub engine: &'static str,
    pub url: String,
    /// A name for a lock.
    pub name: &'static str,
    place: Place,
}

impl Deref for Arena {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// Servers that are one for all tests.
type Shared = Arc<OnceLock<Result<Cluster, String>>>;

fn servers(engine: &'static str) -> Shared {
    static ALL: Mutex<Option<HashMap<&'static str, Shared>>> = Mutex::new(None);
    ALL.lock().unwrap().get_or_insert_default().entry(engine).or_default().clone()
}

/// Runs a test on an engine.
pub fn run(engine: &'static str, name: &'static str, test: impl FnOnce(&Arena)) {
    let servers = servers(engine);
    match servers.get_or_init(|| Cluster::start(engine).map_err(|why| format!("{why:#}"))) {
        Ok(cluster) => test(&Arena::at(engine, &cluster.url, name)),
        Err(why) => skip(&format!("{name}: {why}")),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Servers of one's own, which may be stopped.
pub fn apart(arena: &Arena) -> Option<(Cluster, Arena)> {
    match Cluster::start(arena.engine) {
        Ok(cluster) => {
            let arena = Arena::at(arena.engine, &cluster.url, arena.name);
            Some((cluster, arena))
        }
        Err(why) => {
            skip(&format!("{}: {why:#}", arena.name));
            None
        }
    }
}

/// Says so where the harness does not hide it.
fn skip(what: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED ({count}): {what}");
}

impl Arena {
    fn at(engine: &'static str, url: &str, name: &'static str) -> Self {
        Self { engine, url: url.to_owned(), name, place: Place::new() }
    }

    /// A way to the same servers that can be cut, for whoever comes by it.
    pub fn cable(&self) -> (Link, String) {
        let link = Link::default();
        let mut url = self.url.clone();
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let ports: Vec<String> = self.url.split("127.0.0.1:").skip(1).map(digits).collect();
        assert!(!ports.is_empty(), "{url}");
        for port in ports {
            let from = free_port();
            link.lead(from, Some(port.parse().unwrap())).unwrap();
            url = url.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{from}"));
        }
        (link, url)
    }

    pub fn bakery<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.place.bakery(arguments);
        command.env("BAKERY_ENGINE", &self.url);
        command
    }

    /// `bakery run NAME [options] -- sh -c SCRIPT`
    pub fn run(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.bakery(["run", self.name]);
        command.args(options).args(["--", "sh", "-c", script]);
        command
    }

    /// Starts a command that [stays].
    pub fn queued(&self, options: &[&str], name: &str) -> Running {
        let mut command = self.bakery(["run", self.name]);
        command.args(options).arg("--").args(stays(name));
        Running::start(&mut command)
    }

    /// The same, and waits until it is in.
    pub fn inside(&self, options: &[&str], name: &str) -> Running {
        let running = self.queued(options, name);
        self.is_up(name);
        running
    }

    pub fn is_up(&self, name: &str) {
        let file = format!("up.{name}");
        until(|| self.exists(&file));
    }

    /// What `bakery status --json` says.
    pub fn look(&self) -> Value {
        let mut command = self.bakery(["status", self.name, "--json"]);
        let (status, out, said) = self.outcome(&mut command);
        let look: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{said}"));
        assert_eq!(status, i32::from(look["state"] == "held"), "{out}{said}");
        look
    }

    pub fn in_line(&self) -> usize {
        self.look()["queue"].as_array().unwrap().len()
    }

    pub fn holders(&self) -> usize {
        self.look()["holders"].as_array().unwrap().len()
    }

    /// The moments (in nanoseconds) that a command has written into a file.
    pub fn moments(&self, file: &str) -> Vec<u64> {
        let text = fs::read_to_string(self.path(file)).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| line.parse().unwrap()).collect()
    }
}
