//! A try: it finds the place-holder of its key, or starts one, and waits for its word.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bakery_lock::shared::{Competitor, Status};

use crate::exit::Failure;
use crate::hold::death::Death;
use crate::hold::line::position;
use crate::hold::{Patience, is_interrupted};
use crate::message;
use crate::verbs::run::late::{Late, Place};
use crate::verbs::run::place::wire::{self, Packet};
use crate::verbs::run::refuse::system;
use crate::verbs::run::wanted::Wanted;
use crate::waiting::{self, Watch};

/// How long a place-holder has to answer. One that does not is stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look whether it stands in line.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What came of it.
pub enum Waited {
    /// The turn has come.
    In {
        hold: OwnedFd,
        token: Option<u64>,
        death: Option<Death>,
    },
    /// The time is over.
    Late(Late),
    Interrupted,
    /// There is no place-holder for this try: it has to queue by itself.
    Alone,
}

/// The place-holder, as this try sees it.
struct Keeper {
    socket: OwnedFd,
    pid: u32,
    /// If this try has started it.
    child: Option<Child>,
}

/// Waits for the turn of the place that is kept for this try, or of a new one, if it is to have one. `lock`
/// says which lock it is, and `see` sees its line.
///
/// # Errors
///
/// The place-holder's, if it cannot wait for this lock.
pub fn wait(
    wanted: &Wanted,
    lock: impl FnOnce() -> Result<Vec<u8>, Failure>,
    patience: Patience,
    watch: Watch<'_>,
    see: impl Fn() -> Option<Status> + Sync,
) -> Result<Waited, Failure> {
    let Some(kept) = &wanted.keep_place else { return Ok(Waited::Alone) };
    let alone = |why: &str| {
        if wanted.is_verbose {
            message::say(format!("{}: queues with no place-holder: {why}", wanted.name.shown()));
        }
        Ok(Waited::Alone)
    };
    let found = find(&wire::name(wanted, &lock()?)).and_then(|found| match found {
        Found::Nobody => Keeper::start().map(Ok),
        Found::Keeper(keeper) => Ok(Ok(keeper)),
        Found::Busy => Ok(Err("another try with this key has the place")),
    });
    let mut keeper = match found {
        Ok(Ok(keeper)) => keeper,
        Ok(Err(why)) => return alone(why),
        Err(error) => return alone(&error.to_string()),
    };
    let pid = keeper.pid;
    let is_keeper = |one: &Competitor| one.pid == pid;
    let heard = waiting::during(watch, &see, is_keeper, || keeper.listen(patience));
    let mut place = None;
    let heard = match heard {
        Ok(Heard::Late) => {
            // It may have been started only just: there is no place before it stands in line.
            place = keeper.await_place(|| place_of(&see()?, is_keeper));
            keeper.ask_to_keep()
        }
        heard => heard,
    };
    let came = match heard.map_err(|error| system("wait for the place-holder", &error))? {
        Heard::Packet(Packet::In { hold, token, death }) => Waited::In { hold, token, death },
        Heard::Packet(Packet::Failed { status, why }) => return Err(Failure::new(status, why)),
        Heard::Packet(Packet::Kept) => {
            let kept_until = SystemTime::now().checked_add(kept.time);
            return Ok(Waited::Late(Late { place, kept_until }));
        }
        Heard::Interrupted => Waited::Interrupted,
        Heard::Late | Heard::Packet(Packet::NotKept) => {
            Waited::Late(Late { place, kept_until: None })
        }
        Heard::Nobody | Heard::Packet(_) => return alone("the place-holder is gone"),
    };
    keeper.part();
    Ok(came)
}

fn place_of(status: &Status, is_it: impl Fn(&Competitor) -> bool) -> Option<Place> {
    // The head of the line waits for those who are inside together.
    let is_head = status.holder.as_ref().is_some_and(&is_it);
    let of = status.queue.len() + usize::from(is_head);
    let position = if is_head { Some(1) } else { position(status, is_it) };
    position.map(|position| Place { position, of })
}

enum Found {
    Keeper(Keeper),
    /// It has another try already, or does not answer.
    Busy,
    Nobody,
}

fn find(name: &[u8]) -> io::Result<Found> {
    let (socket, pid) = match wire::connect(name) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Found::Nobody),
        // More have come than it has looked at.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Found::Busy),
        Err(error) => return Err(error),
    };
    Ok(match wire::answer(&socket, PATIENCE) {
        Ok(Some(Packet::Yours)) => Found::Keeper(Keeper { socket, pid, child: None }),
        Ok(Some(_)) => Found::Busy,
        // It was about to leave, or is stopped.
        Ok(None) | Err(_) => Found::Nobody,
    })
}

/// What was heard.
enum Heard {
    Packet(Packet),
    Late,
    Interrupted,
    /// There is nobody at the other end any more.
    Nobody,
}

impl Keeper {
    /// The same program, with the same arguments.
    fn start() -> io::Result<Self> {
        let (socket, other) = wire::pair()?;
        let child = Command::new(env::current_exe()?)
            .arg0(env!("CARGO_BIN_NAME"))
            .arg(super::VERB.name)
            .args(env::args_os().skip(2))
            .stdin(Stdio::from(other))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { socket, pid: child.id(), child: Some(child) })
    }

    fn listen(&self, patience: Patience) -> io::Result<Heard> {
        loop {
            match wire::receive(&self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Ok(received?.map_or(Heard::Nobody, Heard::Packet)),
            }
            if is_interrupted() {
                return Ok(Heard::Interrupted);
            }
            if patience.is_over() {
                return Ok(Heard::Late);
            }
            wire::wait(&mut [wire::reading(&self.socket)], patience.left())?;
        }
    }

    /// Where the place-holder is in line, as soon as it is, unless it has to say something first.
    fn await_place(&self, look: impl Fn() -> Option<Place>) -> Option<Place> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && !is_interrupted() {
            let place = look();
            let mut socket = [wire::reading(&self.socket)];
            if place.is_some()
                || wire::wait(&mut socket, Some(LOOK_EVERY)).is_err()
                || !socket[0].revents().is_empty()
            {
                return place;
            }
        }
        None
    }

    /// The turn may have come in between: then that is the answer.
    fn ask_to_keep(&self) -> io::Result<Heard> {
        if let Err(error) = wire::send(&self.socket, &Packet::Keep)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            return Err(error);
        }
        Ok(wire::answer(&self.socket, PATIENCE)?.map_or(Heard::Late, Heard::Packet))
    }

    /// Has it leave, if it is in line, and sees it off.
    fn part(&mut self) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write);
        let mut last = wire::answer(&self.socket, PATIENCE);
        while let Ok(Some(_)) = last {
            last = wire::answer(&self.socket, PATIENCE);
        }
        if last.is_ok()
            && let Some(child) = &mut self.child
        {
            // There is none if this process's parent does not care for its children (`SIGCHLD`).
            let _ = child.wait();
        }
    }
}
