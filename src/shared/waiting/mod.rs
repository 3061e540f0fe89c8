//! Waiting: [`watch`] passes the time, and looks now and then at whether the one waited for still
//! lives; a [`seat`] is all that a participant does but the data.

pub(crate) mod room;
pub(crate) mod seat;
pub(crate) mod watch;
