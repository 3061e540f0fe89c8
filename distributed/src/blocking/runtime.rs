//! The thread that does what goes on between the calls.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::{io, process, thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::unconstrained;

use crate::{Error, Result};

struct Runtime {
    handle: Handle,
    /// Where its thread is.
    process: u32,
}

/// The runtime, which this starts if nothing has.
pub(super) fn runtime() -> Result<Handle> {
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Runtime { handle, process }) = &*runtime {
        return if *process == process::id() { Ok(handle.clone()) } else { Err(Error::Forked) };
    }
    let handle = start().map_err(|error| Error::NoThread { why: error.to_string() })?;
    *runtime = Some(Runtime { handle: handle.clone(), process: process::id() });
    Ok(handle)
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let drives = move || runtime.block_on(pending::<()>());
    thread::Builder::new().name("bakery-lock".to_owned()).spawn(drives)?;
    Ok(handle)
}

/// Blocks until this is ready. It is polled here; what it spawns goes on in the thread.
pub(super) fn run<T, E: From<Error>>(future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    block_on(&runtime()?, future)
}

/// Not `Handle::block_on`, which panics in a thread of another runtime. If that polls a task here, then what
/// the task may do before it has to yield is not to be used up by this, which cannot yield.
pub(super) fn block_on<F: Future>(runtime: &Handle, future: F) -> F::Output {
    let _entered = runtime.enter();
    pollster::block_on(unconstrained(future))
}
