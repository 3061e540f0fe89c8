//! Waiting: [`watch`] passes the time, and looks now and then at whether the one waited for still
//! lives, with an ear for what the kernel tells of deaths ([`listen`]); [`room`] finds a slot, [`adoption`] one that was handed over; a [`seat`] is all that a
//! participant does but the data.

pub(crate) mod adoption;
pub(crate) mod listen;
pub(crate) mod room;
pub(crate) mod seat;
pub(crate) mod watch;
