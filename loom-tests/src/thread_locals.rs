//! Thread-locals for the threads of a model, with std's promise that those without a destructor can
//! be used until the very end of their thread. Neither loom's nor shuttle's keep it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use crate::atomic::Relaxed;
use crate::mutation::{Operation, ordering};
use crate::threads::{ThreadId, current};

struct Entry {
    thread: ThreadId,
    /// The address of the [`Local`].
    key: usize,
    has_destructor: bool,
    /// `None`: destroyed.
    value: Option<Rc<dyn Any>>,
}

std::thread_local! {
    /// All threads of a model run on one thread of the system. Not dropped at its end: destructors
    /// that an execution which failed has left are no longer to run.
    static VALUES: RefCell<ManuallyDrop<Vec<Entry>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// To be called at the start of each execution. Destructors of threads that have not called
/// [`end`] do not run.
pub(crate) fn forget() {
    let entries = ManuallyDrop::into_inner(VALUES.take());
    entries.into_iter().filter(|entry| entry.has_destructor).for_each(std::mem::forget);
}

/// Runs the destructors of the thread that calls this: the last thing that it does.
pub(crate) fn end() {
    let me = current().id();
    let next = |values: &mut ManuallyDrop<Vec<Entry>>| {
        let mine = |entry: &&mut Entry| entry.thread == me && entry.has_destructor;
        values.iter_mut().filter(mine).find_map(|entry| entry.value.take())
    };
    while let Some(value) = VALUES.with_borrow_mut(next) {
        drop(value);
    }
}

/// What stands in for a [`std::thread::LocalKey`].
pub(crate) struct Local<T>(pub(crate) fn() -> T);

#[derive(Debug)]
pub(crate) struct Destroyed;

impl<T: 'static> Local<T> {
    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, Destroyed> {
        let (thread, key) = (current().id(), std::ptr::from_ref(self).addr());
        let value = VALUES.with_borrow_mut(|values| {
            if let Some(known) =
                values.iter().find(|known| (known.thread, known.key) == (thread, key))
            {
                return known.value.clone();
            }
            let value: Rc<dyn Any> = Rc::new((self.0)());
            let has_destructor = std::mem::needs_drop::<T>();
            values.push(Entry { thread, key, has_destructor, value: Some(value.clone()) });
            Some(value)
        });
        Ok(f(value.ok_or(Destroyed)?.downcast_ref().expect("a key has one type")))
    }
}

impl<T: Copy + 'static> Local<Cell<T>> {
    pub(crate) fn get(&'static self) -> T {
        self.try_with(Cell::get).expect("it has no destructor")
    }

    /// A [mutant](crate::mutation) can leave it out.
    #[track_caller]
    pub(crate) fn set(&'static self, value: T) {
        if ordering(Operation::Store, Relaxed).is_some() {
            self.try_with(|cell| cell.set(value)).expect("it has no destructor");
        }
    }
}

macro_rules! locals {
    ($(static $name:ident: $type:ty = const { $value:expr };)*) => {
        $(static $name: crate::thread_locals::Local<$type> =
            crate::thread_locals::Local(|| $value);)*
    };
}

pub(crate) use locals;
