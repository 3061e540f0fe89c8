//! A segment in this process's memory: its parts, by their types.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use zerocopy::{FromBytes, IntoBytes};

use crate::algorithm::Slot;
use crate::shared::life::bell::{Bell, ROPES, Rope};
use crate::shared::life::identity::Identity;
use crate::shared::life::process;
use crate::shared::segment::anchor::Anchor;
use crate::shared::segment::clock;
use crate::shared::segment::header::{self, Header, Shape};
use crate::shared::segment::journal::{Journal, Obituary};
use crate::shared::segment::layout::{self, DataType, Layout};
use crate::shared::segment::record::Record;
use crate::shared::segment::registers::Registers;
use crate::shared::segment::room::Room;
use crate::shared::segment::{limit, restart};
use crate::shared::{Death, Error, Kind, Origin};
use crate::wait::{Channel, Futex, Lot, Notice, QUIET, Shared};

/// What a segment is to be, or has to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `None`: any, when attaching.
    pub(crate) kind: Option<Kind>,
    /// `None`: any, when attaching.
    pub(crate) slots: Option<u32>,
    /// Whether a death inside poisons the data. `None`: any, when attaching; when made, if there is
    /// any data.
    pub(crate) poisoning: Option<bool>,
    /// `None`: any, when attaching to look on.
    pub(crate) data: Option<DataType>,
    /// Whether that is said for a segment that is made, and one that is there may hold anything.
    pub(crate) takes_any_data: bool,
}

impl Plan {
    /// For whoever takes what there is.
    pub(crate) const ANY: Self =
        Self { kind: None, slots: None, poisoning: None, data: None, takes_any_data: true };

    /// Of a segment that is to hold this.
    fn shape(&self, data: &DataType) -> Result<Shape, Error> {
        let kind = self.kind.unwrap_or_default();
        let slots = self.slots.unwrap_or(kind.default_slots());
        let (least, most) = kind.slots();
        let bad = || Error::BadSlots { kind, slots, least, most };
        if !(least..=most).contains(&slots) {
            return Err(bad());
        }
        let layout = Layout::new(kind, slots, data).ok_or_else(bad)?;
        let poisoning = self.poisoning.unwrap_or(data.size != 0);
        Ok(Shape { kind, slots, poisoning, layout })
    }
}

/// A mapped segment. Unmapped when dropped.
///
/// Of one with a name this is a user: its file's description holds the byte that says so
/// ([`crate::shared::segment::deadman`]).
#[derive(Debug)]
pub(crate) struct Segment {
    start: NonNull<c_void>,
    shape: Shape,
    /// `None`: it has no name. Before the file, so that it is let go first: see [`Anchor`].
    anchor: Option<Anchor>,
    file: OwnedFd,
    /// For messages: a path, or that it has none.
    name: String,
    origin: Origin,
}

// SAFETY: the mapping is reached through atomics, but for the data, which only `Guard`s hand out.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Segment {
    /// Fills an empty file that nobody else knows yet with a whole segment. Its tokens begin after this
    /// one, and after the time of day in nanoseconds: a later segment's are greater than an earlier
    /// one's, as nobody goes in more often than that.
    pub(crate) fn write(
        file: &OwnedFd,
        name: &str,
        plan: &Plan,
        data: &[u8],
        last_token: u64,
    ) -> Result<Shape, Error> {
        let data_type = plan.data.as_ref().expect("a new segment holds something of some type");
        let shape = plan.shape(data_type)?;
        let boot_id = restart::boot_id_for(file, name)?.unwrap_or_default();
        let length = shape.layout.length as u64;
        limit::check(length, name)?;
        rustix::io::retry_on_intr(|| ftruncate(file, length))
            .map_err(Error::io(name, "give the segment its length"))?;
        let Shape { kind, slots, layout, .. } = shape;
        allocate(file, layout.at_the_start(kind, slots))
            .map_err(Error::io(name, "allocate the segment"))?;
        let header = Header::new(&shape, data_type, boot_id);
        let before_first = last_token.max(clock::since_1970());
        let journal = [before_first, before_first, clock::began()];
        // All registers begin as zeros, which is what a new file holds.
        for (offset, bytes) in [
            (0, header.as_bytes()),
            (layout::JOURNAL, journal.as_bytes()),
            (shape.layout.data, data),
        ] {
            write_all(file, bytes, offset as u64).map_err(Error::io(name, "write the segment"))?;
        }
        Ok(shape)
    }

    /// Finds out what shape a file has that is said to be a segment, and whether it is the one
    /// wanted.
    pub(crate) fn check(file: &OwnedFd, name: &str, plan: &Plan) -> Result<Shape, Error> {
        let found = length(file, name)?;
        let header = read_header(file, name, found)?;
        let wanted = plan.data.as_ref().filter(|_| !plan.takes_any_data);
        let shape = header.check(name, found, wanted)?;
        let segment = || name.to_owned();
        if let Some(wanted) = plan.kind.filter(|kind| *kind != shape.kind) {
            return Err(Error::WrongKind { segment: segment(), found: shape.kind, wanted });
        }
        if let Some(wanted) = plan.slots.filter(|slots| *slots != shape.slots) {
            return Err(Error::WrongSlots { segment: segment(), found: shape.slots, wanted });
        }
        if let Some(wanted) = plan.poisoning.filter(|poisoning| *poisoning != shape.poisoning) {
            return Err(Error::WrongPoisoning { segment: segment(), wanted });
        }
        Ok(shape)
    }

    /// Whether a file is a segment of some version, whole or damaged.
    pub(crate) fn has_magic(file: &OwnedFd, name: &str) -> Result<bool, Error> {
        let mut bytes = [MaybeUninit::uninit(); header::MAGIC.len()];
        let (read, _) =
            rustix::io::pread(file, &mut bytes, 0).map_err(Error::io(name, "read the header"))?;
        Ok(*read == header::MAGIC)
    }

    /// Maps a file of this shape.
    pub(crate) fn map(file: OwnedFd, name: String, shape: Shape) -> Result<Self, Error> {
        let (access, length) = (ProtFlags::READ | ProtFlags::WRITE, shape.layout.length);
        // Memory of this process's own, in whose place the segment comes but for the ropes.
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping, at an address of the kernel's choice. (`length` fits into an `isize`.)
        let ropes = unsafe { mmap_anonymous(ptr::null_mut(), ROPES + length, access, flags) };
        let ropes = ropes.map_err(Error::io(&name, "map the segment"))?;
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: within the mapping, since that is longer.
        let start = unsafe { ropes.byte_add(ROPES) };
        // SAFETY: in place of a part of that mapping, which nobody knows yet.
        if let Err(why) = unsafe { mmap(start, length, access, flags, &file, 0) } {
            // SAFETY: as above.
            let _ = unsafe { munmap(ropes, ROPES + length) };
            return Err(Error::io(&name, "map the segment")(why));
        }
        let start = NonNull::new(start).expect("the kernel does not map address 0");
        Ok(Self { start, shape, anchor: None, file, name, origin: Origin::Found })
    }

    /// Whether the file has still its length: memory that has been cut off ends whoever touches it
    /// (`SIGBUS`). Between two calls it may happen all the same; files without a name are sealed
    /// against it.
    pub(crate) fn check_length(&self) -> Result<(), Error> {
        let (expected, found) = (self.shape.layout.length as u64, length(&self.file, &self.name)?);
        if found == expected {
            return Ok(());
        }
        Err(Error::WrongLength { segment: self.name.clone(), expected, found })
    }

    /// What holds its name, if it has one.
    pub(crate) fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }

    /// Tells where it comes from, and what holds its name.
    pub(crate) fn with(mut self, origin: Origin, anchor: Option<Anchor>) -> Self {
        (self.origin, self.anchor) = (origin, anchor);
        self
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether the name still leads to this file: whoever opens it now meets those who use this one.
    /// Always, if it has no name.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        match &self.anchor {
            Some(anchor) if anchor.is_lost(&self.file) => {
                Err(Error::Removed { segment: self.name.clone() })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> Kind {
        self.shape.kind
    }

    pub(crate) fn slots(&self) -> u32 {
        self.shape.slots
    }

    /// Whether a death inside poisons the data.
    pub(crate) fn has_poisoning(&self) -> bool {
        self.shape.poisoning
    }

    /// Whether whoever goes in after a death has to repair the data, or is turned away.
    pub(crate) fn turns_away(&self) -> bool {
        self.has_poisoning() || self.is_stopped()
    }

    #[inline]
    fn at(&self, offset: usize) -> *mut c_void {
        // SAFETY: `Layout`'s offsets lie within the mapping.
        unsafe { self.start.as_ptr().byte_add(offset) }
    }

    #[inline]
    pub(crate) fn registers(&self) -> Registers<'_> {
        let start = self.at(self.shape.layout.registers);
        // SAFETY: `Layout` has put as many bytes there as the registers of this kind and number
        // take, aligned to `ALIGN` since the mapping is aligned to a page.
        unsafe { Registers::new(start, self.shape.kind, self.shape.slots as usize) }
    }

    /// Those of all slots. What belongs to one that has not been joined yet is not touched, here and
    /// elsewhere, not even to read it: see [`joined`](Self::joined).
    pub(crate) fn identities(&self) -> &[Identity] {
        let start = self.at(self.shape.layout.participants).cast();
        // SAFETY: as many as there are slots, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { slice::from_raw_parts(start, self.shape.slots as usize) }
    }

    /// Those of all slots.
    pub(crate) fn bells(&self) -> &[Bell] {
        let start = self.at(layout::BELLS).cast();
        // SAFETY: as many as there are slots, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { slice::from_raw_parts(start, self.shape.slots as usize) }
    }

    /// Each bell's, in this process's own memory.
    pub(crate) fn ropes(&self) -> &[Rope] {
        // SAFETY: `map` has put memory before the segment; `Layout` has seen that there is enough of
        // it. As far from the bells as `ROPES` says, so aligned as they are; atomics.
        unsafe {
            let start = self.start.as_ptr().byte_sub(ROPES).byte_add(layout::BELLS);
            slice::from_raw_parts(start.cast(), self.shape.slots as usize)
        }
    }

    /// How many slots have been joined so far: their memory is there. Reading what is not would take
    /// some, or end this process if there is none.
    pub(crate) fn joined(&self) -> u32 {
        self.room().mark().min(self.shape.slots)
    }

    /// Has the memory of a slot there, before anybody touches it.
    pub(crate) fn allocate(&self, slot: Slot) -> Result<(), Error> {
        let Shape { kind, layout, .. } = self.shape;
        allocate(&self.file, layout.of_slots(kind, slot.number()..slot.number() + 1))
            .map_err(Error::io(&self.name, "allocate the memory of a slot"))
    }

    pub(crate) fn room(&self) -> &Room {
        let start = self.at(self.shape.layout.room).cast();
        // SAFETY: there is room for one, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { &*start }
    }

    #[inline]
    pub(crate) fn records(&self) -> &[Record] {
        let start = self.at(self.shape.layout.records).cast();
        // SAFETY: as many as there are slots, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { slice::from_raw_parts(start, self.shape.slots as usize) }
    }

    #[inline]
    pub(crate) fn journal(&self) -> &Journal {
        let start = self.at(layout::JOURNAL).cast();
        // SAFETY: there is room for one, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { &*start }
    }

    #[inline]
    fn notice(&self) -> &Notice {
        let start = self.at(self.shape.layout.notice).cast();
        // SAFETY: there is room for one, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { &*start }
    }

    #[inline]
    fn channels(&self) -> &[Channel] {
        let start = self.at(self.shape.layout.channels).cast();
        // SAFETY: as many as there are slots, aligned to `ALIGN`; atomics, for which every value is
        // valid.
        unsafe { slice::from_raw_parts(start, self.shape.slots as usize) }
    }

    /// Whether somebody sleeps here, or is about to. That nobody does counts behind a `SeqCst` fence only.
    pub(crate) fn has_sleepers(&self) -> bool {
        self.notice().has_sleepers()
    }

    /// Whether a death has put an end to this lock.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        !self.kind().can_recover() && self.journal().is_stopped()
    }

    /// The registers hold what they should not.
    pub(crate) fn corrupt(&self, slot: Slot, what: &'static str) -> Error {
        Error::Corrupt { segment: self.name.clone(), slot: slot.number(), what }
    }

    /// Somebody died inside.
    pub(crate) fn owner_died(&self) -> Error {
        let (segment, death) = (self.name.clone(), self.journal().obituary().into());
        if self.is_stopped() {
            Error::Unrecoverable { segment, kind: self.kind(), death }
        } else {
            // After a restart, even where a death puts an end to the lock.
            Error::OwnerDied { segment, death }
        }
    }

    /// Where the data begins.
    #[inline]
    pub(crate) fn data(&self) -> *mut c_void {
        self.at(self.shape.layout.data)
    }
}

impl AsFd for Segment {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: nothing borrowed from this segment outlives it, and it begins behind its ropes.
        // Unmapping what is mapped does not fail.
        let _ = unsafe {
            munmap(self.start.as_ptr().byte_sub(ROPES), ROPES + self.shape.layout.length)
        };
    }
}

impl From<Obituary> for Death {
    fn from(Obituary { pid, slot, conduct, command }: Obituary) -> Self {
        Self {
            pid,
            command: process::command(command),
            slot: Slot::new(slot),
            token: conduct.token,
            since: clock::calendar(conduct.since),
        }
    }
}

/// Not just a length: memory that is promised and not there kills whoever touches it.
fn allocate(
    file: &OwnedFd,
    ranges: impl IntoIterator<Item = Range<usize>>,
) -> rustix::io::Result<()> {
    for Range { start, end } in ranges {
        let (start, length) = (start as u64, (end - start) as u64);
        rustix::io::retry_on_intr(|| fallocate(file, FallocateFlags::empty(), start, length))?;
    }
    Ok(())
}

pub(crate) fn length(file: &OwnedFd, name: &str) -> Result<u64, Error> {
    let stat = rustix::fs::fstat(file).map_err(Error::io(name, "inspect the file"))?;
    Ok(u64::try_from(stat.st_size).unwrap_or(0))
}

/// One copy of the first bytes.
pub(crate) fn read_header(file: &OwnedFd, name: &str, found: u64) -> Result<Header, Error> {
    let mut bytes = [MaybeUninit::uninit(); layout::HEADER];
    let (read, _) =
        rustix::io::pread(file, &mut bytes, 0).map_err(Error::io(name, "read the header"))?;
    let segment = name.to_owned();
    match FromBytes::read_from_bytes(read) {
        Ok(header) => Ok(header),
        // The beginning of a segment, or a file of another kind that happens to be short.
        Err(_) if read.starts_with(&header::MAGIC) => {
            Err(Error::WrongLength { segment, expected: layout::HEADER as u64, found })
        }
        Err(_) => Err(Error::NotASegment { segment }),
    }
}

pub(crate) fn write_all(
    file: &OwnedFd,
    mut bytes: &[u8],
    mut offset: u64,
) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, bytes, offset))?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// The sleeping places of a segment. One pointer, for whoever has nobody to wake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentLot<'a>(&'a Segment);

impl Segment {
    #[inline]
    pub(crate) fn lot(&self) -> SegmentLot<'_> {
        SegmentLot(self)
    }
}

impl SegmentLot<'_> {
    /// The same as [`Lot::sleep`], by another futex.
    pub(crate) fn sleep_with<F: Futex>(
        self,
        futex: &F,
        channel: u32,
        still: impl Fn() -> bool,
        at_most: Duration,
    ) {
        self.0.notice().sleep(futex, self.place(channel), still, at_most);
    }

    /// Algorithms number their channels as they like; two that share a place wake each other
    /// needlessly.
    #[inline]
    fn place(&self, channel: u32) -> &Channel {
        let channels = self.0.channels();
        &channels[channel as usize % channels.len()]
    }
}

impl Lot for SegmentLot<'_> {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        self.sleep_with(&Shared, channel, still, at_most);
    }

    #[inline]
    fn wake(&self, channel: u32) {
        if self.0.notice().has_sleepers() {
            self.place(channel).wake::<Shared>();
        }
    }

    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        if self.0.notice().has_sleepers()
            && let Some(channel) = find()
        {
            self.place(channel).wake::<Shared>();
        }
    }

    #[inline]
    fn owner_wakes(&self) -> bool {
        self.0.notice().heed::<QUIET>()
    }
}
