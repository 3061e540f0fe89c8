//! What a model explores, and what it claims.

use std::fmt;

use crate::machine::Stores;

/// What is explored.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what may happen in a model, each by itself")]
pub(crate) struct Bounds {
    pub(crate) participants: usize,
    /// Each participant's attempts; `None`: no end of them.
    pub(crate) attempts: Option<u8>,
    pub(crate) stores: Stores,
    /// How many participants (or those who reset them) are killed, each at any step.
    pub(crate) crashes: u8,
    pub(crate) reset: Reset,
    /// Whether the dead are reset only when somebody waits for them: each waiter looks for whom it
    /// waits, again and again.
    pub(crate) looking: bool,
    /// Whether a blocked participant may take its attempt back.
    pub(crate) withdrawing: bool,
    /// Whether an attempt may be to enter if that is possible at once.
    pub(crate) trying: bool,
    /// Whether participants join when they first come, not before.
    pub(crate) late: bool,
}

impl Bounds {
    pub(crate) const fn new(participants: usize) -> Self {
        Self {
            participants,
            attempts: None,
            stores: Stores::AtOnce,
            crashes: 0,
            reset: Reset::Recover,
            looking: false,
            withdrawing: false,
            trying: false,
            late: false,
        }
    }

    pub(crate) const fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = Some(attempts);
        self
    }

    pub(crate) const fn stores(mut self, stores: Stores) -> Self {
        self.stores = stores;
        self
    }

    pub(crate) const fn crashes(mut self, crashes: u8, reset: Reset) -> Self {
        (self.crashes, self.reset) = (crashes, reset);
        self
    }

    /// So many crashes, and the dead are reset when somebody waits for them.
    pub(crate) const fn dying(mut self, crashes: u8) -> Self {
        self.looking = true;
        self.crashes(crashes, Reset::Recover)
    }

    pub(crate) const fn withdrawing(mut self) -> Self {
        self.withdrawing = true;
        self
    }

    pub(crate) const fn trying(mut self) -> Self {
        self.trying = true;
        self
    }

    pub(crate) const fn late(mut self) -> Self {
        self.late = true;
        self
    }
}

/// Which move is done on behalf of a dead participant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reset {
    /// The algorithm's own, and once more if it is for later.
    Recover,
    Leave,
    /// Leaving if it died inside or on its way out, withdrawing if not.
    Either,
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recover => "reset",
            Self::Leave => "reset by leave",
            Self::Either => "reset by leave if inside, else withdraw",
        })
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "N = {}", self.participants)?;
        match self.attempts {
            None => write!(f, ", no end of attempts")?,
            Some(1) => write!(f, ", 1 attempt each")?,
            Some(attempts) => write!(f, ", {attempts} attempts each")?,
        }
        match self.stores {
            Stores::AtOnce => {}
            Stores::InOrder => write!(f, ", total store order")?,
            Stores::ByRegister => write!(f, ", partial store order")?,
        }
        match self.crashes {
            0 => {}
            1 => write!(f, ", 1 crash, {}", self.reset)?,
            crashes => write!(f, ", {crashes} crashes, {}", self.reset)?,
        }
        if self.looking {
            write!(f, " when waited for")?;
        }
        if self.withdrawing {
            write!(f, ", withdrawing")?;
        }
        if self.trying {
            write!(f, ", trying")?;
        }
        if self.late {
            write!(f, ", joining late")?;
        }
        Ok(())
    }
}

/// What has to hold beside exclusion, and is watched at the price of more states.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claims {
    /// Nobody goes in before one that had completed its doorway when it began its own.
    pub(crate) first_come_first_served: bool,
    /// The same of a place that was given up and is taken up again: the order is that of the doorway
    /// by which a participant came to it.
    pub(crate) keeps_places: bool,
    /// The order can be read from the registers at any time.
    pub(crate) standings: bool,
    /// How often any one other may go in between a participant's doorway and its turn.
    pub(crate) bypass: Option<u8>,
    /// The same of all others together.
    pub(crate) passages: Option<u8>,
    /// The greatest number that a slot may hold.
    pub(crate) numbers: Option<u32>,
}
