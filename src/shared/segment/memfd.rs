//! Segments without a name: memory behind a descriptor, for a parent and its children.

use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};

use crate::shared::segment::{Plan, Segment};
use crate::shared::{Error, Origin};

const NAME: &str = "an anonymous segment";

/// Makes a segment that has no name.
pub(crate) fn create(plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    let file = memfd_create("bakery-lock", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(Error::io(NAME, "make a memory file"))?;
    let shape = Segment::write(&file, NAME, plan, data, 0)?;
    // Nobody who gets the descriptor can cut off the memory under the others.
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
        .map_err(Error::io(NAME, "seal the memory file"))?;
    Ok(Segment::map(file, NAME.to_owned(), shape)?.with(Origin::Made, None))
}

/// Uses the segment behind a descriptor.
pub(crate) fn attach(file: OwnedFd, plan: &Plan) -> Result<Segment, Error> {
    let sealed = fcntl_get_seals(&file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
    if !sealed {
        return Err(Error::NotSealed { segment: NAME.to_owned() });
    }
    let shape = Segment::check(&file, NAME, plan)?;
    Segment::map(file, NAME.to_owned(), shape)
}
