//! Holds a lock between machines.

use std::io::{self, IsTerminal, Read};
use std::mem;
use std::thread;
use std::time::Duration;

use bakery_distributed::{Error, Guard};
use tokio::select;
use tokio::sync::oneshot;

use crate::between::{self, Ask, Between, CalledOff, Driver, Queue, Seat, refused};
use crate::exit::{Failure, Outcome, status};
use crate::hold::is_interrupted;
use crate::message::{self, shown};
use crate::signals::{self, Noted};
use crate::verbs::hold::Until;

pub fn run(
    between: &Between,
    name: &str,
    time: Option<Duration>,
    conflict: u8,
    until: Until,
) -> Outcome {
    let noted = Noted::begin();
    let driver = Driver::start()?;
    let called_off = CalledOff::begin(&driver)?;
    let ask = Ask { name, together: None, program: "hold".as_ref() };
    let queue = Queue::of(&between.client(&driver)?, between, &ask)?;
    let held = driver.wait(async {
        let joined = select! {
            () = called_off.comes() => return Ok(None),
            joined = queue.join(None) => joined,
        };
        let mut seat = joined.map_err(refused)?;
        let entered = select! {
            () = called_off.comes() => Ok(None),
            entered = seat.enter(time) => entered,
        };
        let held = match entered {
            Ok(Some(guard)) => stay(name, guard, until, &called_off).await,
            Ok(None) => Ok(conflict),
            Err(error) => Err(refused(error)),
        };
        match &held {
            // The next one is to hear of it.
            Err(failure) if failure.status == status::LOST => mem::forget(seat),
            _ => leave(name, seat, &called_off).await,
        }
        held.map(Some)
    });
    drop(called_off);
    drop(noted);
    let held = held?;
    if is_interrupted() {
        signals::obey();
        // Stopped, and continued, it has the lock no longer.
        return Ok(status::BUSY);
    }
    Ok(held.unwrap_or(conflict))
}

/// Holds, and lets go; unless it has lost the lock before, which is an error.
async fn stay(name: &str, guard: Guard<'_>, until: Until, called_off: &CalledOff) -> Outcome {
    let said = message::print(&format!("{}\n", guard.token()));
    said.map_err(|error| Failure::new(status::SYSTEM, error))?;
    if let Some(death) = guard.death().map(between::told) {
        message::say(format!(
            "{}: the last one inside did not come to its end: {death}",
            shown(name)
        ));
    }
    if matches!(until, Until::Input) && io::stdin().is_terminal() {
        message::say("held until the end of input: Ctrl-D lets go");
    }
    select! {
        () = called_off.comes() => {}
        () = over(until) => {}
        () = guard.lost() => {
            mem::forget(guard);
            let why = "as its servers did not answer, or have ended the session";
            let what = format!("{}: the lock has been lost, {why}", shown(name));
            return Err(Failure::new(status::LOST, what));
        }
    }
    tell(name, guard.unlock().await);
    Ok(0)
}

/// Comes back when there is no more input, or the process has ended. That is waited for by a thread, which
/// ends with this process.
async fn over(until: Until) {
    let (tell, told) = oneshot::channel::<()>();
    let waits = move || {
        signals::leave_to_others();
        match until {
            Until::Input => {
                let mut some = [0; 4096];
                while !matches!(io::stdin().read(&mut some), Ok(0) | Err(_)) {}
            }
            Until::Process(watched) => while !watched.has_ended() {},
            Until::Signal => return thread::park(),
        }
        drop(tell);
    };
    if thread::Builder::new().spawn(waits).is_ok() {
        let _ = told.await;
    }
}

async fn leave(name: &str, seat: Seat, called_off: &CalledOff) {
    select! {
        left = seat.leave() => tell(name, left),
        () = called_off.comes() => {}
    }
}

fn tell(name: &str, left: Result<(), Error>) {
    if let Err(error) = left {
        message::say(format!("{}: could not be unlocked: {error}", shown(name)));
    }
}
