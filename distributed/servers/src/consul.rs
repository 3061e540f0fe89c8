//! Three servers of Consul.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::{Cluster, Node, data, port};

pub fn start(programs: &Path) -> Result<Cluster> {
    let ports: Vec<_> =
        (1..=3).map(|number| (number, port::free(), port::free(), port::free())).collect();
    let all = ports.iter().map(|(.., gossip)| format!(r#""127.0.0.1:{gossip}""#));
    let all = all.collect::<Vec<_>>().join(",");
    let mut nodes = Vec::new();
    for (number, http, server, gossip) in &ports {
        let data = data("consul")?;
        let files = data.join("data").display().to_string();
        // Without `disable_host_node_id`, all servers of one machine take each other for one. Elections
        // are as fast as they may be, sessions as short; and each waiter has a connection.
        let settings = format!(
            r#"{{"node_name": "c{number}", "server": true, "bootstrap_expect": 3, "data_dir": "{files}",
                "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "advertise_addr": "127.0.0.1",
                "ports": {{"http": {http}, "https": -1, "dns": -1, "grpc": -1, "server": {server},
                           "serf_lan": {gossip}, "serf_wan": -1}},
                "retry_join": [{all}], "retry_interval": "200ms", "disable_update_check": true,
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
    let agents = ports.iter().map(|(_, http, ..)| format!("127.0.0.1:{http}"));
    let url = format!("consul://{}", agents.collect::<Vec<_>>().join(","));
    let is_ready = Box::new(move || ports.iter().all(|(_, http, ..)| answers(*http, "")));
    Ok(Cluster { url, nodes, is_ready })
}

/// Whether the server can say for certain that there is no such key, to whoever has this token.
pub fn answers(http: u16, token: &str) -> bool {
    let ask = || {
        let mut server = TcpStream::connect(("127.0.0.1", http))?;
        server.set_read_timeout(Some(Duration::from_secs(2)))?;
        let request = "GET /v1/kv/ready?consistent HTTP/1.0";
        write!(server, "{request}\r\nX-Consul-Token: {token}\r\n\r\n")?;
        let mut answer = String::new();
        server.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.contains(" 404 "))
}
