//! Waiting: [`watch`] passes the time, and looks now and then at whether the one waited for still
//! lives; [`room`] finds a slot, [`adoption`] one that was handed over; a [`seat`] is all that a
//! participant does but the data.

pub(crate) mod adoption;
pub(crate) mod room;
pub(crate) mod seat;
pub(crate) mod watch;
