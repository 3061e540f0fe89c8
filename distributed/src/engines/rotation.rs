//! Servers that give the same answers: whoever answers is asked on.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// One server at least.
#[derive(Debug)]
pub(super) struct Rotation<S> {
    servers: Vec<S>,
    current: AtomicUsize,
}

/// A server that is asked. Dropped, it goes on to the next one, unless the answer has come.
#[derive(Debug)]
pub(super) struct Asking<'r, S> {
    rotation: &'r Rotation<S>,
    number: usize,
    pub(super) is_answered: bool,
}

impl<S> Rotation<S> {
    pub(super) fn new(servers: Vec<S>) -> Self {
        // Not everybody asks the same one.
        let current = AtomicUsize::new(std::process::id() as usize % servers.len());
        Self { servers, current }
    }

    pub(super) fn ask(&self) -> Asking<'_, S> {
        Asking { rotation: self, number: self.current.load(Relaxed), is_answered: false }
    }
}

impl<'r, S> Asking<'r, S> {
    pub(super) fn server(&self) -> &'r S {
        &self.rotation.servers[self.number]
    }
}

impl<S> Drop for Asking<'_, S> {
    fn drop(&mut self) {
        if !self.is_answered {
            let Rotation { servers, current } = self.rotation;
            let next = (self.number + 1) % servers.len();
            // If another one has gone on already, that will do.
            let _ = current.compare_exchange(self.number, next, Relaxed, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rotation;

    #[test]
    fn goes_on_unless_an_answer_has_come() {
        let rotation = Rotation::new(vec![0, 1, 2]);
        let mut asking = rotation.ask();
        let first = *asking.server();
        asking.is_answered = true;
        drop(asking);
        assert_eq!(*rotation.ask().server(), first);
        // That one was not answered.
        assert_eq!(*rotation.ask().server(), (first + 1) % 3);
    }

    #[test]
    fn goes_on_once_for_all_who_were_not_answered_by_one() {
        let rotation = Rotation::new(vec![0, 1, 2]);
        let (one, other) = (rotation.ask(), rotation.ask());
        let first = *one.server();
        drop((one, other));
        let mut asking = rotation.ask();
        assert_eq!(*asking.server(), (first + 1) % 3);
        asking.is_answered = true;
    }
}
