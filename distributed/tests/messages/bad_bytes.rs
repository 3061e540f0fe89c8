//! What strangers send costs them their connection.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use bakery_distributed::node::Run;

use crate::cluster::{Cluster, tcp};

/// The first frame of node 2 of three: its length, its kind, and who it is.
fn introduction(name: &str, from: u8, life: u32) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend(b"bakery\0\x01");
    frame.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    frame.extend(name.as_bytes());
    frame.extend([3, from, 0]);
    frame.extend(life.to_be_bytes());
    frame.push(0);
    frame.extend([0; 8]);
    with_length(&frame)
}

fn with_length(frame: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(frame);
    bytes
}

/// Waits until the node hangs up.
fn is_hung_up_on(stream: &mut TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
}

pub fn cost_the_sender_its_connection_and_nobody_else_anything<A: Run>() -> Result<()> {
    let addresses = tcp(3);
    let mut nodes = Cluster::start::<A>(vec![addresses.join(","); 3])?;
    (0..3).try_for_each(|node| nodes.meet(node))?;
    (0..3).try_for_each(|node| nodes.ask(node, "pass 100"))?;
    let name = format!("{} ", A::NAME);
    let mut all = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 100_000],
        vec![0; 100_000],
        with_length(&[3]),
        with_length(&[1; 14]),
        // Nodes that cannot be, or are of another kind.
        introduction("another ", 2, 9),
        introduction(&name, 0, 9),
        introduction(&name, 3, 9),
        introduction(&name, 200, 9),
        // A life that is over.
        introduction(&name, 2, 0),
    ];
    // Half a frame, whereever it ends, and nothing behind it.
    let whole = introduction(&name, 2, 9);
    all.extend((0..whole.len()).map(|end| whole[..end].to_vec()));
    let mut seed = 1_u32;
    for length in 0..100 {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        all.push((0..length).map(|_| next()).collect());
        // The beginning is well.
        let mut bytes = introduction(&name, 2, 0);
        let begin = bytes.len() - usize::from(next()) % bytes.len();
        bytes[begin.min(whole.len() - 1)] ^= 1 << (next() % 8);
        // Not one that pretends well to be a later life: that is believed.
        if bytes[..whole.len() - 13] != whole[..whole.len() - 13] {
            all.push(bytes);
        }
    }
    let mut strangers = Vec::new();
    for address in &addresses {
        for bytes in &all {
            let mut stream = TcpStream::connect(address)?;
            // It may have hung up before it was told all.
            let _ = stream.write_all(bytes);
            strangers.push(stream);
        }
    }
    (0..3).try_for_each(|node| nodes.hear(node, "passed"))?;
    for stream in &mut strangers {
        is_hung_up_on(stream)?;
    }
    ensure!(nodes.finish(1)? == 303);
    Ok(())
}
