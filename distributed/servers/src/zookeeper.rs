//! Three servers of ZooKeeper.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::{Cluster, Link, Node, data, port, programs};

/// Half a second is a tick.
const SETTINGS: &str = "\
tickTime=500
initLimit=20
minSessionTimeout=1000
maxSessionTimeout=1000000
clientPortAddress=127.0.0.1
maxClientCnxns=0
admin.enableServer=false
standaloneEnabled=false
4lw.commands.whitelist=srvr
";

/// What servers and clients need, of what has been unpacked.
pub(crate) const JARS: &str = "zookeeper zookeeper-jute commons-cli commons-io metrics-core netty-buffer netty-codec \
    netty-common netty-handler netty-resolver netty-transport netty-transport-native-unix-common \
    snappy-java slf4j-api";

/// Where one server is.
#[derive(Clone, Copy)]
struct Ports {
    client: u16,
    peers: u16,
    election: u16,
}

impl Ports {
    fn free() -> Self {
        Self { client: port::free(), peers: port::free(), election: port::free() }
    }
}

pub(crate) fn start(programs: &Path) -> Result<Cluster> {
    let all = [Ports::free(), Ports::free(), Ports::free()];
    // Whoever waits for another leader does so for a session's time, which is short in tests.
    launch(programs, 2, all, [(all, &[]); 3])
}

/// Starts three servers, the last one of which can be cut off from the others: it then takes 5 s until they
/// give each other up.
///
/// # Errors
///
/// If the programs cannot be had on this machine, or do not start.
pub fn start_apart() -> Result<(Cluster, Link)> {
    let programs = programs("zookeeper")?;
    let start = || {
        let (link, all) = (Link::default(), [Ports::free(), Ports::free(), Ports::free()]);
        let by_link = |to: Option<u16>| {
            let port = port::free();
            link.lead(port, to).map(|()| port)
        };
        let mut told = all;
        told[2].peers = by_link(Some(all[2].peers))?;
        told[2].election = by_link(Some(all[2].election))?;
        // All that the last one begins goes through the link too: whoever is asked for an election calls
        // back, at a port that the other one names.
        let proxy = [
            "-DsocksProxyHost=127.0.0.1".to_owned(),
            format!("-DsocksProxyPort={}", by_link(None)?),
            // Not even this machine is left out.
            "-DsocksNonProxyHosts=".to_owned(),
        ];
        let cluster = launch(&programs, 10, all, [(told, &[]), (told, &[]), (all, &proxy)])?;
        cluster.wait()?;
        Ok((cluster, link))
    };
    // A port that was free may have been taken meanwhile.
    start().or_else(|_: anyhow::Error| start())
}

/// The number of the server that leads, if one does.
#[must_use]
pub fn leader(cluster: &Cluster) -> Option<usize> {
    cluster.ports().position(|port| mode(port).is_ok_and(|mode| mode == "leader"))
}

/// Runs a program of Java with ZooKeeper's client and Curator.
///
/// # Errors
///
/// If they cannot be had on this machine.
pub fn java() -> Result<Command> {
    let jars = format!("{JARS} slf4j-nop curator-client curator-framework curator-recipes guava");
    let java = java_with(&programs("zookeeper")?, &jars);
    let mut command = Command::new(&java[0]);
    command.args(&java[1..]);
    Ok(command)
}

/// Starts each server with what it is told of where all are, and more options of Java. They give each other
/// up after so many silent ticks.
fn launch(
    programs: &Path,
    sync_limit: u32,
    all: [Ports; 3],
    told: [([Ports; 3], &[String]); 3],
) -> Result<Cluster> {
    let java = Command::new("java").arg("-version").output();
    ensure!(java.is_ok_and(|java| java.status.success()), "there is no Java to run it with");
    let mut nodes = Vec::new();
    for (number, (own, (told, options))) in (1..).zip(all.iter().zip(told)) {
        let data = data("zookeeper")?;
        let (files, client) = (data.display(), own.client);
        let mut settings = SETTINGS.to_owned();
        writeln!(settings, "syncLimit={sync_limit}\ndataDir={files}\nclientPort={client}")?;
        for (other, Ports { peers, election, .. }) in (1..).zip(told) {
            writeln!(settings, "server.{other}=127.0.0.1:{peers}:{election}")?;
        }
        std::fs::write(data.join("settings"), settings)?;
        std::fs::write(data.join("myid"), number.to_string())?;
        let mut command = java_with(programs, &format!("{JARS} slf4j-simple"));
        command.extend(options.iter().map(Into::into));
        // Whoever is not answered in an election asks again soon, and not only after a minute.
        command.push("-Dzookeeper.fastleader.maxNotificationInterval=500".into());
        command.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
        command.push(data.join("settings").into());
        nodes.push(Node::start(command, data, Signal::KILL)?);
    }
    let servers = all.map(|ports| format!("127.0.0.1:{}", ports.client));
    let url = format!("zookeeper://{}", servers.join(","));
    let is_ready = Box::new(move || all.iter().all(|ports| mode(ports.client).is_ok()));
    Ok(Cluster { url, nodes, is_ready })
}

/// A command that runs Java with these jars.
pub(crate) fn java_with(programs: &Path, jars: &str) -> Vec<OsString> {
    let jar = |jar: &str| programs.join(format!("{jar}.jar")).display().to_string();
    let jars = jars.split_whitespace().map(jar).collect::<Vec<_>>().join(":");
    let options = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    let mut java: Vec<OsString> = vec!["java".into()];
    java.extend(options.map(Into::into));
    java.extend(["-Djava.net.preferIPv4Stack=true".into(), "-cp".into(), jars.into()]);
    java
}

/// What a server is, once it serves.
pub(crate) fn mode(port: u16) -> Result<String> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_read_timeout(Some(Duration::from_secs(2)))?;
    server.write_all(b"srvr")?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let mode = answer.lines().find_map(|line| line.strip_prefix("Mode: "));
    Ok(mode.context("it does not serve")?.to_owned())
}
