//! Making a segment, or attaching to one.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shared::mutex::{Data, Mutex};
use crate::shared::segment::directory::Place;
use crate::shared::segment::layout::DataType;
use crate::shared::segment::{Plan, Segment};
use crate::shared::segment::{file, memfd};
use crate::shared::{Error, Kind, Status};
use crate::wait::Wait;

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a segment is to be like.
///
/// What is set here holds for a segment that is made, and is required of one that is attached to;
/// what is not set, is the default there, and anything here.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until a segment is opened with them"]
pub struct Options {
    kind: Option<Kind>,
    slots: Option<u32>,
    data_name: Option<String>,
    look_every: Option<Duration>,
}

impl Options {
    /// Default options: the bakery, with 1,024 slots.
    pub const fn new() -> Self {
        Self { kind: None, slots: None, data_name: None, look_every: None }
    }

    /// The algorithm.
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// For how many participants at a time there is room: 2 to 4,096 ([`Kind::slots`]);
    /// [`Kind::default_slots`] unless set, which is 1,024 for most.
    ///
    /// A slot takes 260 bytes. In a bakery, whoever goes in looks at as many slots as have ever been
    /// joined at once, or up to twice as many if participants died meanwhile. In a [`Kind::Filter`] it
    /// looks at every slot, once for each slot, so keep those few; in a [`Kind::Tournament`] it takes
    /// the binary logarithm of their number of steps.
    pub const fn slots(mut self, slots: u32) -> Self {
        self.slots = Some(slots);
        self
    }

    /// What the data is called in the segment's header, instead of by its type's name.
    ///
    /// Programs that attach must agree in name, size and alignment. The name of a type
    /// ([`std::any::type_name`]) is the same in two builds of one program, and may differ between
    /// two programs.
    pub fn data_name(mut self, name: impl Into<String>) -> Self {
        self.data_name = Some(name.into());
        self
    }

    /// The path of the segment of this name, whether there is one or not. Makes the directory if need
    /// be, as every function that takes a name does.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`], and errors of the directory that it is in.
    pub fn path_of(name: &str) -> Result<PathBuf, Error> {
        Ok(Place::named(name)?.path().to_owned())
    }

    /// Removes the segment of this name, if nobody uses it: nobody, in this process or another, has
    /// a [`Mutex`] of it. The value in it is gone.
    ///
    /// Whoever opens the segment meanwhile has the old one, which then stays, or a new one; there
    /// are never users of both. Removing the file by other means does not promise that. (A process
    /// that is just being started has what its parent has until it runs its own program, and counts
    /// as a user for that long.)
    ///
    /// A segment that cannot be attached to, since it is damaged or of another version, is removed
    /// too. What is no segment stays.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`]; [`Error::NotFound`]; [`Error::NotASegment`]; and for links, other users'
    /// files and the like as [`open`](Self::open).
    pub fn remove(name: &str) -> Result<(), Error> {
        file::remove(&Place::named(name)?)
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_at(path: impl AsRef<Path>) -> Result<(), Error> {
        file::remove(&Place::at(path.as_ref())?)
    }

    /// What the lock of this name is about, whatever type it protects: see [`Mutex::status`]. Whoever
    /// looks counts as a user meanwhile.
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach), and [`Mutex::status`].
    pub fn status(name: &str) -> Result<Status, Error> {
        Status::of(&file::inspect(&Place::named(name)?)?)
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    pub fn status_at(path: impl AsRef<Path>) -> Result<Status, Error> {
        Status::of(&file::inspect(&Place::at(path.as_ref())?)?)
    }

    /// How often a participant that is kept waiting looks whether the one it waits for is still
    /// alive: 10 ms unless set. A setting of this process, not of the segment.
    ///
    /// A death is noticed after this time at the latest; where more than a hundred compete, after 100 µs
    /// for each of them. A look takes a few system calls; with zero,
    /// a waiter does nothing else.
    pub const fn look_every(mut self, interval: Duration) -> Self {
        self.look_every = Some(interval);
        self
    }

    fn mutex<T: Data, W: Wait>(&self, segment: Segment) -> Mutex<T, W> {
        Mutex::new(segment, self.look_every.unwrap_or(LOOK_EVERY))
    }

    fn plan<T: Data>(&self) -> Plan {
        let data = Some(DataType::of::<T>(self.data_name.as_deref()));
        Plan { kind: self.kind, slots: self.slots, data }
    }

    /// Attaches to the segment of this name, or makes it, with this value in it.
    ///
    /// It lives in `/dev/shm/bakery-lock-UID` ([`path_of`](Self::path_of)), and stays until it is
    /// [removed](Self::remove) or the machine restarts. It is for the processes of one user. If the
    /// environment variable `BAKERY_LOCK_DIR` is set, it lives in that directory instead, which is
    /// made if need be; processes that are to meet must agree on it.
    ///
    /// A segment is for one run of the machine, also where files outlive that: one from before is
    /// removed and made anew, whatever it held, and the value starts anew with this one.
    ///
    /// All its memory is there from the start, so a full file system is an error here and not a
    /// crash later. Whoever may write to the file may still cut it off; whoever then touches what is
    /// gone is killed (`SIGBUS`), as those who wait or are inside mostly are. [`Mutex::join`] and
    /// [`Mutex::status`] look first, and answer [`Error::WrongLength`]. [Anonymous](Self::anonymous)
    /// segments are sealed against it.
    ///
    /// # Errors
    ///
    /// Every kind of file that is not a segment of this type has an [`Error`] of its own, as have
    /// names that cannot be a file's, directories and files that others may write to, and network
    /// file systems. [`Error::BadSlots`] for a number of slots that the kind does not have;
    /// [`Error::BeingRemoved`] if others remove segments of this name for a second.
    pub fn open<T: Data, W: Wait>(&self, name: &str, mut initial: T) -> Result<Mutex<T, W>, Error> {
        file::open(&Place::named(name)?, &self.plan::<T>(), initial.as_mut_bytes())
            .map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path. Its directory exists, and is trusted: whoever may write to
    /// it may put another file in this one's place.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at<T: Data, W: Wait>(
        &self,
        path: impl AsRef<Path>,
        mut initial: T,
    ) -> Result<Mutex<T, W>, Error> {
        let place = Place::at(path.as_ref())?;
        file::open(&place, &self.plan::<T>(), initial.as_mut_bytes())
            .map(|segment| self.mutex(segment))
    }

    /// Makes the segment of this name.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::Exists`].
    pub fn create<T: Data, W: Wait>(
        &self,
        name: &str,
        mut initial: T,
    ) -> Result<Mutex<T, W>, Error> {
        file::create(&Place::named(name)?, &self.plan::<T>(), initial.as_mut_bytes())
            .map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_at<T: Data, W: Wait>(
        &self,
        path: impl AsRef<Path>,
        mut initial: T,
    ) -> Result<Mutex<T, W>, Error> {
        let place = Place::at(path.as_ref())?;
        file::create(&place, &self.plan::<T>(), initial.as_mut_bytes())
            .map(|segment| self.mutex(segment))
    }

    /// Attaches to the segment of this name.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::NotFound`] or, for one from before the machine last
    /// started, [`Error::Stale`].
    pub fn attach<T: Data, W: Wait>(&self, name: &str) -> Result<Mutex<T, W>, Error> {
        file::attach(&Place::named(name)?, &self.plan::<T>()).map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach).
    pub fn attach_at<T: Data, W: Wait>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<Mutex<T, W>, Error> {
        file::attach(&Place::at(path.as_ref())?, &self.plan::<T>())
            .map(|segment| self.mutex(segment))
    }

    /// Makes a segment without a name. It lives as long as a process has it, or its descriptor.
    ///
    /// Pass the descriptor ([`AsFd`](std::os::fd::AsFd)) to a child, as its standard input for
    /// instance, and [`attach_fd`](Self::attach_fd) there.
    ///
    /// ```
    /// use bakery_lock::shared::{Kind, Mutex, Options};
    /// use std::os::fd::AsFd;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let lines: Mutex<u64> = Options::new().kind(Kind::Ticket).slots(8).anonymous(0)?;
    /// let for_a_child = lines.as_fd().try_clone_to_owned()?;
    /// // There:
    /// let same: Mutex<u64> = Options::new().attach_fd(for_a_child)?;
    /// *same.join()?.lock()? += 20;
    /// assert_eq!(*lines.join()?.lock()?, 20);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::BadSlots`], or [`Error::Io`] if there is no memory.
    pub fn anonymous<T: Data, W: Wait>(&self, mut initial: T) -> Result<Mutex<T, W>, Error> {
        memfd::create(&self.plan::<T>(), initial.as_mut_bytes()).map(|segment| self.mutex(segment))
    }

    /// Attaches to the segment behind a descriptor, which came from [`anonymous`](Self::anonymous).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) for what the memory holds, and [`Error::NotSealed`] for other
    /// descriptors.
    pub fn attach_fd<T: Data, W: Wait>(
        &self,
        fd: impl Into<OwnedFd>,
    ) -> Result<Mutex<T, W>, Error> {
        memfd::attach(fd.into(), &self.plan::<T>()).map(|segment| self.mutex(segment))
    }
}
