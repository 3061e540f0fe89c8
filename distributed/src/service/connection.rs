//! One client's connection: it says who it is, and then each of its requests is answered when its answer is there.
//!
//! Whatever is wrong with what it sends or reads ends this connection, and concerns nobody else.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::answers::Answers;
use super::frame;
use super::policy::Known;
use super::protocol::{Answer, Ask, Hello, Reply, Request, VERSION};
use super::secure::Shown;
use super::server::{Limits, Service};

/// What bytes come and go by.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How many answers may wait for the client to read them.
const ANSWERS: usize = 64;

/// After how many milliseconds whoever waits comes again to an iterative server.
const AGAIN: u64 = 20;

pub(super) struct Connection<'s> {
    service: &'s Service,
    stream: Box<dyn Stream>,
    shown: Shown,
}

/// A request's answer, which may be forgotten.
type Waits = Arc<Mutex<HashMap<u64, AbortHandle>>>;

impl<'s> Connection<'s> {
    pub(super) fn new(service: &'s Service, stream: Box<dyn Stream>, shown: Shown) -> Self {
        Self { service, stream, shown }
    }

    /// Answers until the client goes, or is sent away.
    pub(super) async fn talk(mut self) {
        let Limits { patience, .. } = self.service.limits;
        // Nobody is told why: whoever sends bad bytes knows, or does not listen.
        let Ok(Ok(Some(client))) = timeout(patience, self.greet()).await else { return };
        let (reader, writer) = split(self.stream);
        let (answers, to_send) = mpsc::channel(ANSWERS);
        tokio::select! {
            _ = receive(self.service, &client, reader, answers) => {}
            _ = send(writer, to_send, patience) => {}
        }
    }

    /// Answers one request.
    pub(super) async fn answer_once(mut self) {
        let Limits { patience, .. } = self.service.limits;
        let Ok(Ok(Some(client))) = timeout(patience, self.greet()).await else { return };
        let request = frame::read(&mut self.stream, frame::REQUEST, patience);
        let Ok(Ok(Some(Request { id, ask }))) = timeout(patience, request).await else { return };
        let answer = if ask.waits() {
            Answer::Later { ms: AGAIN }
        } else {
            self.service.answers.to(&client, ask).await
        };
        let _ = send_one(&mut self.stream, Reply { id, answer }, patience).await;
    }

    /// Who it is; `None` if it may not stay.
    async fn greet(&mut self) -> io::Result<Option<Arc<Known>>> {
        let Limits { patience, .. } = self.service.limits;
        let hello: Option<Hello> = frame::read(&mut self.stream, frame::REQUEST, patience).await?;
        let Some(Hello { bakery, token }) = hello else { return Ok(None) };
        let is_shown = |name: &str| self.shown.is_for(name);
        let client = self.service.policy.identify(token.as_deref(), is_shown);
        let answer = match &client {
            _ if bakery != VERSION => Answer::refused(format!("it speaks version {VERSION} only")),
            Some(client) => Answer::Welcome { client: client.name.clone() },
            None => Answer::refused("it knows no client by what has been shown to it"),
        };
        let frame = frame::write(&Reply { id: 0, answer }, frame::ANSWER)?;
        frame::send(&mut self.stream, &frame, patience).await?;
        Ok(client.filter(|_| bakery == VERSION))
    }
}

/// Has each request answered by a task of its own, until no more come.
async fn receive(
    service: &Service,
    client: &Arc<Known>,
    mut reader: ReadHalf<Box<dyn Stream>>,
    answers: mpsc::Sender<Reply>,
) -> io::Result<()> {
    let Limits { requests, patience, idle, .. } = service.limits;
    let places = Arc::new(Semaphore::new(requests));
    let waits = Waits::default();
    // They end with the connection.
    let mut tasks = JoinSet::new();
    loop {
        let request = frame::read(&mut reader, frame::REQUEST, patience);
        let request = timeout(idle, request).await.map_err(|_| io::ErrorKind::TimedOut)?;
        let Some(Request { id, ask }) = request? else { return Ok(()) };
        while tasks.try_join_next().is_some() {}
        if let Ask::Forget { id } = ask {
            if let Some(wait) = lock(&waits).remove(&id) {
                wait.abort();
            }
            continue;
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            let answer = Answer::passing("there are too many requests on one connection");
            let _ = answers.send(Reply { id, answer }).await;
            continue;
        };
        let waits_long = ask.waits();
        let (service, client) = (service.answers.clone(), client.clone());
        let (answers, forgotten) = (answers.clone(), waits.clone());
        let task = tasks.spawn(async move {
            let _place = place;
            answer(&service, &client, Request { id, ask }, &answers).await;
            lock(&forgotten).remove(&id);
        });
        if waits_long && !task.is_finished() {
            lock(&waits).insert(id, task);
        }
    }
}

async fn answer(
    service: &Answers,
    client: &Arc<Known>,
    Request { id, ask }: Request,
    answers: &mpsc::Sender<Reply>,
) {
    let delay = client.delay();
    if !delay.is_zero() {
        sleep(delay).await;
    }
    // What may be long is only asked for when there is somebody who reads it.
    let place = if ask.waits() { None } else { answers.reserve().await.ok() };
    let answer = service.to(client, ask).await;
    let reply = Reply { id, answer };
    match place {
        Some(place) => place.send(reply),
        None => drop(answers.send(reply).await),
    }
}

/// Sends the answers, for as long as the client reads them.
async fn send(
    mut writer: WriteHalf<Box<dyn Stream>>,
    mut answers: mpsc::Receiver<Reply>,
    patience: Duration,
) -> io::Result<()> {
    while let Some(reply) = answers.recv().await {
        send_one(&mut writer, reply, patience).await?;
    }
    // The reader says when it is over.
    pending().await
}

async fn send_one(
    writer: &mut (impl AsyncWrite + Unpin),
    reply: Reply,
    patience: Duration,
) -> io::Result<()> {
    let frame = frame::write(&reply, frame::ANSWER).or_else(|why| {
        let answer = Answer::refused(format!("its answer is too long: {why}"));
        frame::write(&Reply { id: reply.id, answer }, frame::ANSWER)
    });
    frame::send(writer, &frame?, patience).await
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
