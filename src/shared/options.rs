//! Making a segment, or attaching to one.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shared::mutex::{Data, Mutex};
use crate::shared::segment::directory::Place;
use crate::shared::segment::file::Initial;
use crate::shared::segment::layout::DataType;
use crate::shared::segment::{Plan, Segment};
use crate::shared::segment::{file, memfd};
use crate::shared::waiting::seat::Manner;
use crate::shared::{Access, Error, Kind, Status};
use crate::wait::{DefaultWait, Wait};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a segment is to be like.
///
/// What is set here holds for a segment that is made, and is required of one that is attached to;
/// what is not set, is the default there, and anything here.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a segment is opened with them"]
pub struct Options<W = DefaultWait> {
    kind: Option<Kind>,
    slots: Option<u32>,
    poisoning: Option<bool>,
    data_name: Option<String>,
    look_every: Option<Duration>,
    doorbell: bool,
    access: Access,
    wait: PhantomData<fn() -> W>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Default options: the bakery, with 1,024 slots.
    pub const fn new() -> Self {
        Self {
            kind: None,
            slots: None,
            poisoning: None,
            data_name: None,
            look_every: None,
            doorbell: true,
            access: Access::User,
            wait: PhantomData,
        }
    }

    /// The path of the segment of this name, whether there is one or not. Makes the directory if need
    /// be, as every function that takes a name does.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`], and errors of the directory that it is in.
    pub fn path_of(name: &str) -> Result<PathBuf, Error> {
        Ok(Place::named(name, None)?.path().to_owned())
    }

    /// Removes the segment of this name, if nobody uses it: nobody, in this process or another, has
    /// a [`Mutex`] of it. The value in it is gone.
    ///
    /// Whoever opens the segment meanwhile has the old one, which then stays, or a new one; there
    /// are never users of both. (A process
    /// that is just being started has what its parent has until it runs its own program, and counts
    /// as a user for that long.)
    ///
    /// A segment that cannot be attached to, since it is damaged or of another version, is removed
    /// too, and so is what a power failure has left of one: a file on a disk that is empty or all zeros.
    /// What is no segment stays. Tokens do not begin anew with the next segment of this name
    /// ([`Guard::token`](crate::shared::Guard::token)).
    ///
    /// Whom it is for does not matter, so long as this process may use it: its user's, one of its
    /// groups', or everybody's. The superuser removes anybody's. A *name* is looked for among this
    /// user's alone; for others, [`path`](Self::path) says where they are.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`]; [`Error::NotFound`]; [`Error::NotASegment`]; [`Error::Io`] if it is another
    /// user's in a sticky directory; and for links, files of others and the like as
    /// [`open`](Self::open).
    pub fn remove(name: &str) -> Result<(), Error> {
        file::remove(&Place::named(name, None)?)
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_at(path: impl AsRef<Path>) -> Result<(), Error> {
        file::remove(&Place::at(path.as_ref(), None)?)
    }

    /// What the lock of this name is about, whatever type it protects: see [`Mutex::status`]. Whoever
    /// looks counts as a user meanwhile. For whom it is does not matter, as with
    /// [`remove`](Self::remove): the superuser looks at anybody's. (Whoever may write to the file can cut
    /// it off, and end with `SIGBUS` whoever looks at it just then.)
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach), and [`Mutex::status`].
    pub fn status(name: &str) -> Result<Status, Error> {
        Status::of(&file::inspect(Place::named(name, None)?)?)
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    pub fn status_at(path: impl AsRef<Path>) -> Result<Status, Error> {
        Status::of(&file::inspect(Place::at(path.as_ref(), None)?)?)
    }
}

impl<W: Wait> Options<W> {
    /// How this process waits, instead of with [`DefaultWait`]. The others may wait otherwise.
    ///
    /// ```
    /// use bakery_lock::{shared::Options, wait::SpinYield};
    ///
    /// let mutex = Options::new().waiting::<SpinYield>().anonymous(0_u64)?;
    /// *mutex.lock()? += 1;
    /// # Ok::<(), bakery_lock::shared::Error>(())
    /// ```
    pub fn waiting<V: Wait>(self) -> Options<V> {
        let Self { kind, slots, poisoning, data_name, look_every, doorbell, access, wait: _ } =
            self;
        let wait = PhantomData;
        Options { kind, slots, poisoning, data_name, look_every, doorbell, access, wait }
    }

    /// Whether a death inside poisons the value, so that everybody is turned away
    /// ([`Error::OwnerDied`]) until somebody has repaired it: yes unless set, or the value has no bytes.
    ///
    /// With `false` whoever comes next goes in, and its guard tells who died
    /// ([`Guard::death`](crate::shared::Guard::death)): for values that are never half-written, and for
    /// locks that protect something else than their value.
    ///
    /// ```
    /// use bakery_lock::shared::Options;
    ///
    /// let directory = tempfile::tempdir().unwrap();
    /// let backups = Options::new().open_at(directory.path().join("backups"), ())?;
    /// let alone = backups.lock()?;
    /// if let Some(death) = alone.death() {
    ///     eprintln!("the last backup did not come to its end: {death}");
    /// }
    /// # Ok::<(), bakery_lock::shared::Error>(())
    /// ```
    pub const fn poisoning(mut self, poisoning: bool) -> Self {
        self.poisoning = Some(poisoning);
        self
    }

    /// The algorithm.
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// For how many participants at a time there is room: 2 to 4,096 ([`Kind::slots`]);
    /// [`Kind::default_slots`] unless set, which is 1,024 for most.
    ///
    /// A slot takes 268 bytes. In a bakery, whoever goes in looks at as many slots as have ever been
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
    /// two programs. It does not say what is in the type: one whose fields have been exchanged, or mean
    /// something else by now, is taken for what it was. Put a version into this name.
    pub fn data_name(mut self, name: impl Into<String>) -> Self {
        self.data_name = Some(name.into());
        self
    }

    /// Who may use the segment: one user's processes unless set. Both whoever makes it and whoever
    /// attaches to it asks for it; one that is for others is refused ([`Error::WrongAccess`]; for
    /// [`Access::User`], [`Error::Foreign`] or [`Error::Exposed`]).
    ///
    /// A *name* is in a directory of those users: `bakery-lock-group-GID` (mode 0770) or
    /// `bakery-lock-everybody` (1777), beside the user's own ([`open`](Self::open)), made by the first of
    /// them. So one name is as many segments
    /// as there are kinds of access; [`path`](Self::path) says where each is. `BAKERY_LOCK_DIR` names the
    /// directory for all of them, and has to be one for those users. Memory without a name is for
    /// whoever gets its descriptor, whatever is said here.
    ///
    /// ```
    /// use bakery_lock::shared::{Access, Options};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("printer");
    /// # use std::os::unix::fs::MetadataExt;
    /// # let our_group = directory.path().metadata().unwrap().gid();
    /// let printer = Options::new().access(Access::Group(our_group)).open_at(&path, 0_u64)?;
    /// # assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o660);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    fn named(&self, name: &str) -> Result<Place, Error> {
        Place::named(name, Some(self.access))
    }

    fn at(&self, path: impl AsRef<Path>) -> Result<Place, Error> {
        Place::at(path.as_ref(), Some(self.access))
    }

    /// The path of the segment of this name for those who have this [access](Self::access): for
    /// [`remove_at`](Self::remove_at) and [`status_at`](Self::status_at), for instance.
    ///
    /// # Errors
    ///
    /// As [`path_of`](Self::path_of).
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.named(name)?.path().to_owned())
    }

    /// How often a participant that is kept waiting looks, at first, whether the one it waits for is still
    /// alive: 10 ms unless set. A setting of this process, not of the segment.
    ///
    /// Deaths are *heard* at once, mostly ([`doorbell`](Self::doorbell)); looks are for what is not heard:
    /// a death without a bell, and a file that was taken away. One that sleeps leaves more and more time
    /// between two: if it hears of each death that matters, a second, and later as long as it has waited
    /// before, up to eight; else an eighth of what it has waited, up to a second. Never less than is set here, nor than
    /// 100 µs for each that competes. One that [does not sleep](crate::wait::SpinYield) looks as often as is
    /// set here.
    ///
    /// A look takes a few system calls.
    pub const fn look_every(mut self, interval: Duration) -> Self {
        self.look_every = Some(interval);
        self
    }

    /// Whether the kernel is to tell others when this process ends: yes unless set. A setting of this
    /// process, not of the segment.
    ///
    /// With a doorbell, others notice the death of a participant of this process within a fraction of a
    /// millisecond, and need not look for it (where they run on Linux 5.16 or later). It takes a thread,
    /// `bakery-bell`, which sleeps for as long as the process is there: one for all segments, started by
    /// the first [`join`](Mutex::join), with all signals blocked. Where there can be no thread there is no
    /// bell. Beyond 2,048 participants of one process at a time, the others have none.
    ///
    /// Without, deaths of this process's participants are noticed at the next
    /// [look](Self::look_every). For programs that must have one thread: before `unshare` or `setns` with user namespaces, for
    /// instance, or where somebody counts threads before a fork.
    pub const fn doorbell(mut self, doorbell: bool) -> Self {
        self.doorbell = doorbell;
        self
    }

    fn mutex<T: Data>(&self, segment: Segment) -> Mutex<T, W> {
        let look_every = self.look_every.unwrap_or(LOOK_EVERY);
        Mutex::new(segment, Manner { look_every, doorbell: self.doorbell })
    }

    fn plan<T: Data>(&self) -> Plan {
        let data = Some(DataType::of::<T>(self.data_name.as_deref()));
        let Self { kind, slots, poisoning, .. } = *self;
        Plan { kind, slots, poisoning, data, takes_any_data: false }
    }

    /// Attaches to the segment of this name, or makes it, with this value in it.
    ///
    /// It lives in `/run/lock/bakery-lock-UID` where everybody may make files in `/run/lock` and that
    /// is in memory (as on Debian and Ubuntu, where it has 5 MiB for all), else in
    /// `/dev/shm/bakery-lock-UID` ([`path_of`](Self::path_of)); and it stays until it is
    /// [removed](Self::remove) or the machine restarts. It is for the processes of one user, unless
    /// [asked otherwise](Self::access). If the environment variable `BAKERY_LOCK_DIR` is set, it lives
    /// in that directory instead, which is made if need be; processes that are to meet must agree on
    /// it.
    ///
    /// # Restarts
    ///
    /// In memory, a segment is gone when the machine restarts. On a disk, whoever comes first after that
    /// (be it to [attach](Self::attach) only) makes it ready again: **its value is kept**, its tokens go
    /// on, and if somebody was inside, whoever goes in is told, as after any death. One that is not like
    /// what is asked for here is made anew. [`Mutex::origin`] says which. One that somebody uses is left
    /// as it is, whatever the boot id says: containers may have one of their own.
    ///
    /// A new segment on a disk is durable when this returns. What a power failure leaves of one that was
    /// not, is made anew: an empty file, or one with nothing but zeros in it.
    ///
    /// # Removal by others
    ///
    /// Whoever may write to the directory may take the file away while it is used; systemd's logind does
    /// it to files in `/dev/shm` at a user's last log-out. Those who use it are told when they next
    /// [join](Mutex::join) or are kept waiting ([`Error::Removed`]). As long as one of them is there, a
    /// new segment of that name is not made, here or elsewhere on the machine
    /// ([`Error::RemovedInUse`]). That fails if the directory is taken away as well and what it was in;
    /// or if its path is spelled in several ways, by way of links, by those who open it.
    ///
    /// # Memory
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
    /// names that cannot be a file's, directories and files that are not for those who were asked for,
    /// and file systems where memory is not shared. [`Error::BadSlots`] for a number of slots that the
    /// kind does not have;
    /// [`Error::BeingRemoved`] if others remove segments of this name for a second;
    /// [`Error::RemovedInUse`] if somebody uses one that was taken away by other means.
    pub fn open<T: Data>(&self, name: &str, initial: T) -> Result<Mutex<T, W>, Error> {
        self.open_with(name, || initial)
    }

    /// The same, with a value that is made when it is needed: only if there is no segment yet.
    ///
    /// (If another process makes it at the same moment, the value may be made and dropped.)
    ///
    /// ```
    /// use bakery_lock::shared::{Mutex, Options, Origin};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("table");
    /// let table = Options::new().open_at_with(&path, || [1_u64; 1000])?;
    /// assert_eq!(table.origin(), Origin::Made);
    /// let same: Mutex<[u64; 1000]> = Options::new().open_at_with(&path, || unreachable!())?;
    /// assert_eq!(same.origin(), Origin::Found);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with<T: Data>(
        &self,
        name: &str,
        initial: impl FnOnce() -> T,
    ) -> Result<Mutex<T, W>, Error> {
        file::open(self.named(name)?, &self.plan::<T>(), &mut Lazy::new(initial))
            .map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path. Its directory exists, and is trusted: whoever may write to
    /// it may put another file in this one's place.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at<T: Data>(
        &self,
        path: impl AsRef<Path>,
        initial: T,
    ) -> Result<Mutex<T, W>, Error> {
        self.open_at_with(path, || initial)
    }

    /// The same, with a value that is made when it is needed: see [`open_with`](Self::open_with).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at_with<T: Data>(
        &self,
        path: impl AsRef<Path>,
        initial: impl FnOnce() -> T,
    ) -> Result<Mutex<T, W>, Error> {
        file::open(self.at(path)?, &self.plan::<T>(), &mut Lazy::new(initial))
            .map(|segment| self.mutex(segment))
    }

    /// Attaches to the segment of this name as a lock, whatever value it protects; or makes it, without
    /// a value. For programs that lock a name and do not know what is behind it. The value stays out of
    /// reach, and [poisoning](Self::poisoning) is as whoever made the segment has it: see
    /// [`Request::even_if_poisoned`](crate::shared::Request::even_if_poisoned).
    ///
    /// ```
    /// use bakery_lock::shared::{Mutex, Options};
    ///
    /// # fn main() -> Result<(), bakery_lock::shared::Error> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("lines");
    /// let lines: Mutex<u64> = Options::new().open_at(&path, 20)?;
    /// let same: Mutex<()> = Options::new().open_any_at(&path)?;
    /// let guard = same.lock()?;
    /// assert!(lines.try_lock()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for [`Error::WrongType`].
    pub fn open_any(&self, name: &str) -> Result<Mutex<(), W>, Error> {
        self.open_any_in(self.named(name)?)
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`open_any`](Self::open_any).
    pub fn open_any_at(&self, path: impl AsRef<Path>) -> Result<Mutex<(), W>, Error> {
        self.open_any_in(self.at(path)?)
    }

    fn open_any_in(&self, place: Place) -> Result<Mutex<(), W>, Error> {
        // No bytes of whatever value it is can be reached through `()`.
        let plan = Plan { takes_any_data: true, ..self.plan::<()>() };
        file::open(place, &plan, &mut Lazy::new(|| ())).map(|segment| self.mutex(segment))
    }

    /// Makes the segment of this name.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::Exists`].
    pub fn create<T: Data>(&self, name: &str, initial: T) -> Result<Mutex<T, W>, Error> {
        file::create(self.named(name)?, &self.plan::<T>(), &mut Lazy::new(|| initial))
            .map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_at<T: Data>(
        &self,
        path: impl AsRef<Path>,
        initial: T,
    ) -> Result<Mutex<T, W>, Error> {
        file::create(self.at(path)?, &self.plan::<T>(), &mut Lazy::new(|| initial))
            .map(|segment| self.mutex(segment))
    }

    /// Attaches to the segment of this name.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::NotFound`].
    pub fn attach<T: Data>(&self, name: &str) -> Result<Mutex<T, W>, Error> {
        file::attach(self.named(name)?, &self.plan::<T>()).map(|segment| self.mutex(segment))
    }

    /// The same, for a file at a path.
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach).
    pub fn attach_at<T: Data>(&self, path: impl AsRef<Path>) -> Result<Mutex<T, W>, Error> {
        file::attach(self.at(path)?, &self.plan::<T>()).map(|segment| self.mutex(segment))
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
    /// let lines = Options::new().kind(Kind::Ticket).slots(8).anonymous(0_u64)?;
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
    /// [`Error::BadSlots`], or [`Error::Io`] if there is no memory, or not within this process's limit on
    /// the length of files (`ulimit -f`).
    pub fn anonymous<T: Data>(&self, mut initial: T) -> Result<Mutex<T, W>, Error> {
        memfd::create(&self.plan::<T>(), initial.as_mut_bytes()).map(|segment| self.mutex(segment))
    }

    /// Attaches to the segment behind a descriptor, which came from [`anonymous`](Self::anonymous).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) for what the memory holds, and [`Error::NotSealed`] for other
    /// descriptors.
    pub fn attach_fd<T: Data>(&self, fd: impl Into<OwnedFd>) -> Result<Mutex<T, W>, Error> {
        memfd::attach(fd.into(), &self.plan::<T>()).map(|segment| self.mutex(segment))
    }
}

/// A value that is made when its bytes are asked for.
struct Lazy<T, F> {
    make: Option<F>,
    value: Option<T>,
}

impl<T, F> Lazy<T, F> {
    fn new(make: F) -> Self {
        Self { make: Some(make), value: None }
    }
}

impl<T: Data, F: FnOnce() -> T> Initial for Lazy<T, F> {
    fn bytes(&mut self) -> &[u8] {
        if let Some(make) = self.make.take() {
            self.value = Some(make());
        }
        self.value.as_mut().map_or(&[], |value| value.as_mut_bytes())
    }
}
