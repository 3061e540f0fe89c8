//! dynalite, which answers as DynamoDB does. It is one server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::{Cluster, Node, data, port};

pub fn start(programs: &Path) -> Result<Cluster> {
    let data = data("dynamodb")?;
    let port = port::free();
    let mut command = vec!["node".into(), programs.join("cli.js").into()];
    command.extend(["--host", "127.0.0.1", "--createTableMs", "0"].map(Into::into));
    command.extend(["--port".into(), port.to_string().into()]);
    command.extend(["--path".into(), data.join("data").into()]);
    let node = Node::start(command, data, Signal::KILL)?;
    let url = format!("dynamodb://127.0.0.1:{port}/bakery?pace=20ms");
    Ok(Cluster { url, nodes: vec![node], is_ready: Box::new(move || answers(port)) })
}

/// Whether the server says that it is well.
fn answers(port: u16) -> bool {
    let ask = || {
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        server.set_read_timeout(Some(Duration::from_secs(2)))?;
        server.write_all(b"GET / HTTP/1.0\r\nHost: dynamodb\r\n\r\n")?;
        let mut answer = String::new();
        server.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.contains("healthy"))
}
