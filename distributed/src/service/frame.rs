//! Frames: four bytes say how long what follows is, the greatest first; what follows is JSON.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// The most bytes of a request: a note of 4,096 bytes may take six times as many.
pub(super) const REQUEST: usize = 32 * 1024;

/// The most bytes of an answer: a line of 600 with the longest and strangest notes, and of 50,000 without.
pub(super) const ANSWER: usize = 16 * 1024 * 1024;

/// What has come; `None` if nothing comes any more. The first byte may take its time, and the rest so long.
pub(super) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    limit: usize,
    patience: Duration,
) -> Result<Option<T>> {
    let mut length = [0; 4];
    if from.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    let rest = async {
        from.read_exact(&mut length[1..]).await?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > limit {
            return Err(bad(format!("a frame of {length} bytes; {limit} are the most")));
        }
        // Not as long as is said, but as what comes.
        let mut frame = Vec::new();
        from.take(length as u64).read_to_end(&mut frame).await?;
        if frame.len() < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        serde_json::from_slice(&frame).map_err(|why| bad(format!("not what is asked here: {why}")))
    };
    timeout(patience, rest).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).map(Some)
}

/// A frame.
pub(super) fn write(what: &impl Serialize, limit: usize) -> Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, what)?;
    let length = frame.len() - 4;
    let bytes = u32::try_from(length).ok().filter(|_| length <= limit);
    let bytes = bytes.ok_or_else(|| bad(format!("{length} bytes are too many for one frame")))?;
    frame[..4].copy_from_slice(&bytes.to_be_bytes());
    Ok(frame)
}

/// Sends a frame, if the other side reads it in time.
pub(super) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
    patience: Duration,
) -> Result<()> {
    let sent = async {
        to.write_all(frame).await?;
        to.flush().await
    };
    timeout(patience, sent).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

fn bad(why: String) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}
