//! One that speaks to a node by its own hand.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// A frame: its length, and this.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(bytes);
    frame
}

/// The first frame that node 0 is sent by a node of three.
pub fn introduction(name: &str, to: u8, from: u8, life: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(b"bakery\0\x01");
    bytes.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend([3, from, to]);
    bytes.extend(life.to_be_bytes());
    bytes.push(0);
    bytes.extend([0; 8]);
    frame(&bytes)
}

/// A message of the algorithm, as the first one of its sender.
pub fn message(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![1];
    all.extend(number.to_be_bytes());
    all.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    all.extend(bytes);
    frame(&all)
}

/// A connection to a node.
pub struct Impostor {
    stream: TcpStream,
}

impl Impostor {
    /// Says this. It may be hung up on before it has said all.
    pub fn says(address: &str, bytes: &[u8]) -> Result<Self> {
        let mut stream = TcpStream::connect(address).context("nobody listens")?;
        let _ = stream.write_all(bytes);
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { stream })
    }

    /// Says who it is, and is answered.
    pub fn let_in(address: &str, introduction: &[u8]) -> Result<Self> {
        let mut impostor = Self::says(address, introduction)?;
        let mut answer = [0; 5];
        impostor.stream.read_exact(&mut answer).context("it is not let in")?;
        ensure!(answer[4] == 0, "it is answered by {answer:?}");
        Ok(impostor)
    }

    /// Whether it can say this as well.
    pub fn goes_on(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Waits until the node hangs up.
    pub fn hears_the_end(mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error).context("it is not hung up on"),
                Ok(_) => {}
            }
        }
    }
}
