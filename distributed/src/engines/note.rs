//! What engines that keep texts have others read of an attempt: when, how, who.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::Me;
use crate::{Mode, Who};

pub(super) fn to_note(me: &Me) -> String {
    let since = me.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mode = if me.mode == Mode::Exclusive { 'x' } else { 's' };
    format!("{since} {mode} {}", me.who)
}

pub(super) fn from_note(text: &str) -> (Option<SystemTime>, Mode, Who) {
    let known = text.split_once(' ').and_then(|(since, rest)| {
        let (mode, who) = rest.split_once(' ')?;
        let since = UNIX_EPOCH.checked_add(Duration::from_millis(since.parse().ok()?));
        let mode = if mode == "s" { Mode::Shared } else { Mode::Exclusive };
        Some((since, mode, Who::parse(who)))
    });
    // Another program's.
    known.unwrap_or_else(|| (None, Mode::Exclusive, Who::parse(text)))
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{from_note, to_note};
    use crate::engine::Me;
    use crate::{Mode, Who};

    #[test]
    fn what_was_written_is_read() {
        for mode in [Mode::Exclusive, Mode::Shared] {
            let since = UNIX_EPOCH + Duration::from_millis(1_234_567);
            let (line, order) = ("lines".into(), OnceLock::new());
            let me = Me { line, attempt: 1, mode, who: Who::this(), since, order };
            assert_eq!(from_note(&to_note(&me)), (Some(since), mode, Who::this()));
        }
    }

    #[test]
    fn of_what_others_wrote_their_words_remain() {
        for words in ["", "1", "1 x", "x y z"] {
            assert_eq!(&*from_note(words).2.command, words);
        }
    }
}
