//! The place-holder: it stands in line, and speaks with one try at a time.
//!
//! Its first thread waits for the lock, and a second one for those who come.

use std::fs;
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::arguments::{Parsed, Verb, parse};
use crate::exit::{Failure, Outcome, status};
use crate::hold::Taken;
use crate::name::Name;
use crate::signals::{self, Noted};
use crate::verbs::hold::leave_the_caller;
use crate::verbs::run::place::wire::{self, Packet};
use crate::verbs::run::refuse::system;
use crate::verbs::run::under::Got;
use crate::verbs::run::wanted::{KeepPlace, Wanted};
use crate::verbs::run::{self, file, segment};
use crate::waiting::Manner;

/// How long a lock is kept for a try that does not come, when its turn has.
const GRACE: Duration = Duration::from_secs(10);

/// How long a wait may take that has been called off.
const LAST: Duration = Duration::from_secs(5);

/// What its process is called while there is no try: and until when, in seconds since 1970. Those who look
/// on see that, and no other.
const KEPT: &str = "kept-";

pub static VERB: Verb = Verb {
    name: "place",
    forms: &["NAME --keep-place -w TIME [options] -- COMMAND [ARG...]"],
    about: "stand in line for bakery run --keep-place, which starts it",
    options: run::OPTIONS,
    options_end_at: 2,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let mut wanted = Wanted::of(verb, parsed)?;
    let Some(place) = wanted.keep_place.clone() else {
        let name = wanted.name.shown();
        let what = format!("write bakery run {name} --keep-place -w TIME -- COMMAND");
        return Err(parse::wrong(verb, what));
    };
    let first = take_socket(verb)?;
    // As long as it takes, and in silence.
    (wanted.time, wanted.manner) = (None, Manner::Silent);
    run::use_directory(&wanted);
    let lock = match &wanted.name {
        Name::Segment(name) => segment::identity(name),
        Name::File(path) => file::identity(path),
    };
    let (rung, bell) = io::pipe().map_err(|error| system("open a pipe", &error))?;
    let (says, hears) = mpsc::channel();
    let name = lock.as_ref().map(|lock| wire::name(&wanted, lock)).unwrap_or_default();
    let keeper = Keeper {
        // Where another try's has the name, it does without, and looks again before it has to keep the
        // place.
        listener: wire::listen(&name).ok(),
        name,
        place,
        client: Some(first),
        kept_until: None,
        rung,
        hears,
        got: None,
    };
    let noted = Noted::begin();
    let serving = thread::Builder::new().spawn(move || keeper.serve());
    let serving = serving.map_err(|error| system("start a thread", &error))?;
    let taken = lock.and_then(|_| match &wanted.name {
        Name::Segment(name) => segment::queue(&wanted, name),
        Name::File(path) => file::queue(&wanted, path),
    });
    // What nobody hears any more is dropped, and so let go.
    let _ = says.send(taken);
    drop((says, bell));
    let served = serving.join();
    drop(noted);
    served.map_or(Ok(status::SYSTEM), |()| Ok(0))
}

/// The socket that this process was started with, as its standard input; nothing else of the caller's is
/// kept open.
fn take_socket(verb: &Verb) -> Result<OwnedFd, Failure> {
    let input = io::stdin();
    if rustix::net::sockopt::socket_type(&input).is_err() {
        return Err(parse::wrong(verb, "it is started by bakery run --keep-place"));
    }
    // SAFETY: this process has opened nothing yet.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    let socket = input.as_fd().try_clone_to_owned();
    let socket = socket.map_err(|error| system("duplicate a descriptor", &error))?;
    leave_the_caller();
    Ok(socket)
}

struct Keeper {
    name: Vec<u8>,
    listener: Option<OwnedFd>,
    place: KeepPlace,
    /// The try that has the place.
    client: Option<OwnedFd>,
    /// Else, for how long.
    kept_until: Option<Instant>,
    /// At its end there is something to be heard.
    rung: PipeReader,
    hears: Receiver<Result<Taken<Got>, Failure>>,
    /// What there is to be handed over.
    got: Option<Got>,
}

impl Keeper {
    /// Until the lock is handed over, or there is nobody to keep the place for.
    fn serve(mut self) {
        signals::leave_to_others();
        // Whatever becomes of it, nobody is there for it any more.
        let _ = self.try_to_serve();
        drop(self.got.take());
        signals::call_off();
        if let Err(RecvTimeoutError::Timeout) = self.hears.recv_timeout(LAST) {
            // Not even in line, as there is no room: nothing is left behind.
            process::exit(0);
        }
    }

    fn try_to_serve(&mut self) -> io::Result<()> {
        loop {
            if let (Some(client), Some(got)) =
                (&self.client, self.got.take_if(|_| self.client.is_some()))
            {
                return hand_over(client, got);
            }
            let left = self.kept_until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let ready = self.wait(left)?;
            if ready.has_rung && !self.hear() {
                return Ok(());
            }
            if ready.has_come {
                self.admit()?;
            }
            if ready.is_spoken_to && !self.listen() {
                return Ok(());
            }
        }
    }

    /// Waits for somebody, or for so long. What is of no interest now is left out, as an end that has come would
    /// be seen again and again.
    fn wait(&self, time: Option<Duration>) -> io::Result<Ready> {
        let bell = self.got.is_none().then(|| wire::reading(&self.rung));
        let listener = self.listener.as_ref().map(wire::reading);
        let client = self.client.as_ref().map(wire::reading);
        let is_there = [bell.is_some(), listener.is_some(), client.is_some()];
        let mut all: Vec<_> = [bell, listener, client].into_iter().flatten().collect();
        wire::wait(&mut all, time)?;
        let mut ready = all.iter().map(|one| !one.revents().is_empty());
        let [has_rung, has_come, is_spoken_to] =
            is_there.map(|is_there| is_there && ready.next().unwrap_or(false));
        Ok(Ready { has_rung, has_come, is_spoken_to })
    }

    /// What became of the wait for the lock. Whether there is anything to go on for.
    fn hear(&mut self) -> bool {
        match self.hears.recv() {
            Ok(Ok(Taken::In(got))) => {
                self.got = Some(got);
                if let Some(until) = &mut self.kept_until {
                    *until = (*until).min(Instant::now() + GRACE);
                    be_called(Some(*until));
                }
                true
            }
            Ok(Err(Failure { status, message })) => {
                if let Some(client) = &self.client {
                    let _ = wire::send(client, &Packet::Failed { status, why: message });
                }
                false
            }
            Ok(Ok(Taken::Busy | Taken::Interrupted)) | Err(_) => false,
        }
    }

    /// Another try.
    fn admit(&mut self) -> io::Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        let socket = match wire::accept(listener) {
            Ok(Some(socket)) => socket,
            Ok(None) => return Ok(()),
            // It has gone again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.client.is_some() {
            let _ = wire::send(&socket, &Packet::Anothers);
        } else if wire::send(&socket, &Packet::Yours).is_ok() {
            self.client = Some(socket);
            self.kept_until = None;
            be_called(None);
        }
        Ok(())
    }

    /// What the try says. Whether there is anything to go on for.
    fn listen(&mut self) -> bool {
        let Some(client) = &self.client else { return true };
        match wire::receive(client) {
            Ok(Some(Packet::Keep)) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            // It was killed, or interrupted.
            _ => return false,
        }
        if self.listener.is_none() {
            self.listener = wire::listen(&self.name).ok();
        }
        let is_kept = self.listener.is_some();
        if is_kept {
            let until = Instant::now() + self.place.time;
            be_called(Some(until));
            self.kept_until = Some(until);
        }
        let _ = wire::send(client, if is_kept { &Packet::Kept } else { &Packet::NotKept });
        self.client = None;
        is_kept
    }
}

struct Ready {
    has_rung: bool,
    has_come: bool,
    is_spoken_to: bool,
}

fn hand_over(client: &OwnedFd, Got { hold, token, death }: Got) -> io::Result<()> {
    let hold = hold.into_descriptor().map_err(io::Error::other)?;
    wire::send(client, &Packet::In { hold, token, death })
}

/// Tells those who look on until when the place is kept, if it is.
fn be_called(until: Option<Instant>) {
    let name = match until {
        None => env!("CARGO_BIN_NAME").to_owned(),
        Some(until) => {
            let moment = SystemTime::now() + until.saturating_duration_since(Instant::now());
            let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            format!("{KEPT}{seconds}")
        }
    };
    // Of the first thread, which is the process's.
    let _ = fs::write("/proc/self/comm", name);
}

/// Until when a process of this name keeps a place.
pub fn kept_until(name: &str) -> Option<SystemTime> {
    let seconds = name.strip_prefix(KEPT)?.parse().ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_holders_name_says_until_when() {
        assert_eq!(kept_until("kept-12"), Some(UNIX_EPOCH + Duration::from_secs(12)));
        for name in ["", "kept-", "kept-x", "bakery", "kept"] {
            assert_eq!(kept_until(name), None, "{name}");
        }
    }
}
