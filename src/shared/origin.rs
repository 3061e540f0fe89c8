//! Where a segment came from.

/// What [`Options::open`](crate::shared::Options::open) and its like found in a segment's place, or
/// did there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Origin {
    /// There was none: it was made, with the initial value in it.
    Made,
    /// There was one, and it is as others have left it.
    Found,
    /// There was one on a disk, that another run of the machine has used and nobody of this one. The
    /// lock was made ready again, and **the value was kept**. If somebody was inside at the end, whoever
    /// comes in is told, as after every death inside.
    ///
    /// After a loss of power the value is what the disk had of it by then: a program that must know
    /// keeps something in the value by which it can tell.
    Restarted,
    /// There was one on a disk, from another run of the machine, that was not like this one: of another
    /// type, algorithm or number of slots, of another version of this library, or cut off. **What was in
    /// it is gone**: it was made anew, with the initial value in it.
    MadeAnew,
}
