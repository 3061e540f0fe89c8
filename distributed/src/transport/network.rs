//! Connections: who is connected to whom, and what comes.
//!
//! Of each two nodes the one with the higher number connects to the other, again and again.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::{Address, Listener, Stream};
use super::frame::{Frame, Frames, Introduction};
use crate::algorithm::Id;

/// Before a connection is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How much may wait to be written before a connection is given up. The links keep what is not confirmed.
const BACKLOG: usize = 1024;
/// How many may be connected that have not said who they are. If there are more, the first of them is hung up
/// on: or they would keep the nodes out.
const STRANGERS: usize = 256;

/// What is written on a connection. Dropped, it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    bytes: mpsc::Sender<Vec<u8>>,
}

impl Connection {
    fn new() -> (Self, mpsc::Receiver<Vec<u8>>) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (bytes, to_write) = mpsc::channel(BACKLOG);
        (Self { number: COUNT.fetch_add(1, Relaxed), bytes }, to_write)
    }

    /// Has this written. Not if the other does not read what was written before.
    pub(crate) fn write(&self, bytes: Vec<u8>) -> Result<(), &'static str> {
        self.bytes.try_send(bytes).map_err(|_| "it does not read what it is sent")
    }
}

/// What happens on connections.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// There is a connection to this node. Who is there has to be asked.
    Connected { to: Id, connection: Connection },
    /// Somebody has connected, and said who it is.
    Introduced { connection: Connection, introduction: Introduction },
    /// This has come.
    Came { connection: u64, frame: Frame },
    /// There is none any more.
    Closed { connection: u64, why: String },
    /// Somebody was not let in.
    TurnedAway { why: String },
}

type Arrivals = mpsc::Sender<Arrival>;

/// Listens at this node's address, and connects to each node that has a lower number, for as long as the
/// tasks are kept. After so long without a word a connection is given up.
pub(crate) async fn begin(
    me: Id,
    addresses: &[Address],
    patience: Duration,
    arrivals: Arrivals,
) -> io::Result<JoinSet<()>> {
    let listener = addresses[usize::from(me)].listen().await?;
    let mut tasks = JoinSet::new();
    for (to, address) in (0..me).zip(addresses) {
        tasks.spawn(connect(to, address.clone(), patience, arrivals.clone()));
    }
    tasks.spawn(listen(listener, patience, arrivals));
    Ok(tasks)
}

async fn connect(to: Id, address: Address, patience: Duration, arrivals: Arrivals) {
    let mut pause = FIRST_PAUSE;
    while !arrivals.is_closed() {
        if let Ok(Ok(stream)) = timeout(patience, address.connect()).await {
            let (connection, to_write) = Connection::new();
            let number = connection.number;
            if arrivals.send(Arrival::Connected { to, connection }).await.is_err() {
                return;
            }
            let talk = Talk { number, patience, arrivals: &arrivals };
            if talk.go_on(stream, Frames::default(), to_write).await {
                pause = FIRST_PAUSE;
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn listen(listener: Listener, patience: Duration, arrivals: Arrivals) {
    let mut strangers = VecDeque::new();
    let mut talks = JoinSet::new();
    loop {
        while talks.try_join_next().is_some() {}
        let Ok(stream) = listener.accept().await else {
            // There are too many files open, for example.
            sleep(LONGEST_PAUSE).await;
            continue;
        };
        strangers.retain(|stranger: &oneshot::Sender<()>| !stranger.is_closed());
        if strangers.len() == STRANGERS {
            strangers.pop_front();
        }
        let (stranger, has_to_go) = oneshot::channel();
        strangers.push_back(stranger);
        let arrivals = arrivals.clone();
        talks.spawn(async move {
            let (mut stream, mut frames) = (stream, Frames::default());
            let introduced = tokio::select! {
                introduced = introduction(&mut stream, &mut frames) => introduced,
                () = sleep(patience) => Err("it does not say who it is".to_owned()),
                _ = has_to_go => Err("too many others do not say who they are".to_owned()),
            };
            match introduced {
                Ok(introduction) => {
                    let (connection, to_write) = Connection::new();
                    let number = connection.number;
                    let arrival = Arrival::Introduced { connection, introduction };
                    if arrivals.send(arrival).await.is_ok() {
                        let talk = Talk { number, patience, arrivals: &arrivals };
                        talk.go_on(stream, frames, to_write).await;
                    }
                }
                Err(why) => drop(arrivals.send(Arrival::TurnedAway { why }).await),
            }
        });
    }
}

async fn introduction(
    stream: &mut Box<dyn Stream>,
    frames: &mut Frames,
) -> Result<Introduction, String> {
    loop {
        match frames.next().map_err(|bad| bad.to_string())? {
            Some(Frame::Introduction { introduction }) => return Ok(introduction),
            Some(_) => return Err("it does not begin with who it is".to_owned()),
            None => {}
        }
        if stream.read_buf(frames.more()).await.map_err(|error| error.to_string())? == 0 {
            return Err("it hung up without saying who it is".to_owned());
        }
    }
}

/// A connection while it lasts.
struct Talk<'a> {
    number: u64,
    patience: Duration,
    arrivals: &'a Arrivals,
}

impl Talk<'_> {
    /// Until it ends. Whether the other has said anything.
    async fn go_on(
        self,
        stream: Box<dyn Stream>,
        mut frames: Frames,
        mut to_write: mpsc::Receiver<Vec<u8>>,
    ) -> bool {
        let was_heard = AtomicBool::new(false);
        let (mut reader, mut writer) = split(stream);
        let write = async {
            while let Some(bytes) = to_write.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    // What has come before that is read to its end.
                    return pending().await;
                }
            }
        };
        let read = async {
            loop {
                let end = Instant::now() + self.patience;
                loop {
                    match frames.next() {
                        Err(bad) => return bad.to_string(),
                        Ok(None) => {}
                        Ok(Some(frame)) => {
                            was_heard.store(true, Relaxed);
                            let came = Arrival::Came { connection: self.number, frame };
                            if self.arrivals.send(came).await.is_err() {
                                return "this node has ended".to_owned();
                            }
                            break;
                        }
                    }
                    // Half a frame is not a word.
                    match timeout_at(end, reader.read_buf(frames.more())).await {
                        Err(_) => return "it is silent".to_owned(),
                        Ok(Err(error)) => return error.to_string(),
                        Ok(Ok(0)) => return "it has hung up".to_owned(),
                        Ok(Ok(_)) => {}
                    }
                }
            }
        };
        let why = tokio::select! {
            why = read => why,
            // It was closed here.
            () = write => return was_heard.into_inner(),
        };
        let _ = self.arrivals.send(Arrival::Closed { connection: self.number, why }).await;
        was_heard.into_inner()
    }
}
