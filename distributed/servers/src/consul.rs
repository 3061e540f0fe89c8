//! Three servers of Consul.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::{Cluster, Link, Node, data, port, programs};

/// Where one server is.
#[derive(Clone, Copy)]
struct Ports {
    http: u16,
    server: u16,
    gossip: u16,
}

/// Where servers listen to each other, and where they tell each other to be found.
#[derive(Clone, Copy)]
struct Hosts {
    own: Ipv4Addr,
    told: Ipv4Addr,
}

impl Ports {
    fn free() -> Self {
        Self { http: port::free(), server: port::free(), gossip: port::free() }
    }
}

pub(crate) fn start(programs: &Path) -> Result<Cluster> {
    let here = Hosts { own: Ipv4Addr::LOCALHOST, told: Ipv4Addr::LOCALHOST };
    launch(programs, [Ports::free(), Ports::free(), Ports::free()], [here; 3])
}

/// Starts three servers, the last one of which can be cut off from the others: what they say about who is
/// there goes on.
///
/// # Errors
///
/// If the programs cannot be had on this machine, or do not start.
pub fn start_apart() -> Result<(Cluster, Link)> {
    let programs = programs("consul")?;
    let start = || {
        let (link, all) = (Link::default(), [Ports::free(), Ports::free(), Ports::free()]);
        // Each speaks from an address of its own, so that it is known whose words they are.
        let hosts = [1, 2, 3].map(|number| Hosts {
            own: Ipv4Addr::new(127, 0, 2, number),
            told: Ipv4Addr::new(127, 0, 3, number),
        });
        for (number, (host, ports)) in hosts.iter().zip(&all).enumerate() {
            let at = |host: Ipv4Addr| SocketAddr::from((host, ports.server));
            let last = (number < 2).then_some(IpAddr::V4(hosts[2].own));
            link.lead_from(last, at(host.told), at(host.own))?;
        }
        let cluster = launch(&programs, all, hosts)?;
        cluster.wait()?;
        Ok((cluster, link))
    };
    // A port that was free may have been taken meanwhile.
    start().or_else(|_: anyhow::Error| start())
}

/// The number of the server that leads, if one does.
#[must_use]
pub fn leader(cluster: &Cluster) -> Option<usize> {
    cluster.ports().position(|port| {
        get(port, "/v1/agent/self", "").is_ok_and(|answer| answer.contains(r#""state":"Leader""#))
    })
}

fn launch(programs: &Path, all: [Ports; 3], hosts: [Hosts; 3]) -> Result<Cluster> {
    let join = all.iter().zip(&hosts);
    let join =
        join.map(|(Ports { gossip, .. }, Hosts { told, .. })| format!(r#""{told}:{gossip}""#));
    let join = join.collect::<Vec<_>>().join(",");
    let mut nodes = Vec::new();
    for (number, (Ports { http, server, gossip }, Hosts { own, told })) in
        (1..).zip(all.iter().zip(&hosts))
    {
        let data = data("consul")?;
        let files = data.join("data").display().to_string();
        // Who is there is said at whatever address.
        let talk = if own == told { *own } else { Ipv4Addr::UNSPECIFIED };
        // Without `disable_host_node_id`, all servers of one machine take each other for one. Elections
        // are as fast as they may be, sessions as short; and each waiter has a connection.
        let settings = format!(
            r#"{{"node_name": "c{number}", "server": true, "bootstrap_expect": 3, "data_dir": "{files}",
                "bind_addr": "{own}", "client_addr": "127.0.0.1", "advertise_addr": "{told}",
                "serf_lan": "{talk}",
                "ports": {{"http": {http}, "https": -1, "dns": -1, "grpc": -1, "server": {server},
                           "serf_lan": {gossip}, "serf_wan": -1}},
                "retry_join": [{join}], "retry_interval": "200ms", "disable_update_check": true,
                "disable_host_node_id": true, "performance": {{"raft_multiplier": 1}},
                "session_ttl_min": "1s", "limits": {{"http_max_conns_per_client": 10000}},
                "log_level": "warn"}}"#
        );
        let config = data.join("config.json");
        fs::write(&config, settings)?;
        let command = vec![
            programs.join("consul").into(),
            "agent".into(),
            "-config-file".into(),
            config.into(),
        ];
        nodes.push(Node::start(command, data, Signal::KILL)?);
    }
    let agents = all.map(|ports| format!("127.0.0.1:{}", ports.http));
    let url = format!("consul://{}", agents.join(","));
    let is_ready = Box::new(move || all.iter().all(|ports| answers(ports.http, "")));
    Ok(Cluster { url, nodes, is_ready })
}

/// Whether the server can say for certain that there is no such key, to whoever has this token.
#[must_use]
pub fn answers(http: u16, token: &str) -> bool {
    get(http, "/v1/kv/ready?consistent", token).is_ok_and(|answer| answer.contains(" 404 "))
}

fn get(http: u16, path: &str, token: &str) -> std::io::Result<String> {
    let mut server = TcpStream::connect(("127.0.0.1", http))?;
    server.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(server, "GET {path} HTTP/1.0\r\nX-Consul-Token: {token}\r\n\r\n")?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    Ok(answer)
}
