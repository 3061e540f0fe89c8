//! Three servers of etcd.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::{Cluster, Node, data, port};

pub(crate) fn start(programs: &Path) -> Result<Cluster> {
    let ports: Vec<_> = (1..=3).map(|number| (number, port::free(), port::free())).collect();
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let all = ports.iter().map(|(number, _, peer)| format!("e{number}={}", url(*peer)));
    let all = all.collect::<Vec<_>>().join(",");
    let mut nodes = Vec::new();
    for (number, client, peer) in &ports {
        let data = data("etcd")?;
        let (client, peer) = (url(*client), url(*peer));
        let mut command = vec![programs.join("etcd").into()];
        command.extend(
            [
                ("name", format!("e{number}").as_str()),
                ("data-dir", &data.join("data").display().to_string()),
                ("listen-client-urls", &client),
                ("advertise-client-urls", &client),
                ("listen-peer-urls", &peer),
                ("initial-advertise-peer-urls", &peer),
                ("initial-cluster", &all),
                ("initial-cluster-token", &format!("bakery-{}", ports[0].1)),
                ("log-level", "warn"),
            ]
            .map(|(option, value)| format!("--{option}={value}").into()),
        );
        nodes.push(Node::start(command, data, Signal::KILL)?);
    }
    let servers = ports.iter().map(|(_, port, _)| format!("127.0.0.1:{port}"));
    let url = format!("etcd://{}", servers.collect::<Vec<_>>().join(","));
    let is_ready = Box::new(move || ports.iter().all(|(_, port, _)| is_healthy(*port)));
    Ok(Cluster { url, nodes, is_ready })
}

/// The number of the server that leads, if one does.
#[must_use]
pub fn leader(cluster: &Cluster) -> Option<usize> {
    const STATUS: &str = "POST /v3/maintenance/status HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}";
    let number = |answer: &str, name: &str| {
        let (_, rest) = answer.split_once(&format!(r#""{name}":""#))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    cluster.ports().position(|port| {
        ask(port, STATUS).is_ok_and(|answer| {
            let leader = number(&answer, "leader");
            leader.is_some() && leader == number(&answer, "member_id")
        })
    })
}

/// Whether this server says so.
#[must_use]
pub fn is_healthy(port: u16) -> bool {
    let health = ask(port, "GET /health HTTP/1.0\r\n\r\n");
    health.is_ok_and(|answer| answer.contains(r#""health":"true""#))
}

fn ask(port: u16, request: &str) -> std::io::Result<String> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_read_timeout(Some(Duration::from_secs(2)))?;
    server.write_all(request.as_bytes())?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    Ok(answer)
}
