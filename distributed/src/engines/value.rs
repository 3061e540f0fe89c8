//! What engines that keep texts have others read of an attempt: when, how, who; and on the next line what
//! it says of itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::Me;
use crate::{Mode, Who};

/// What can be read of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub since: Option<SystemTime>,
    pub mode: Mode,
    pub who: Who,
    pub note: String,
}

pub(super) fn to_value(me: &Me, note: &str) -> String {
    let since = me.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mode = if me.mode == Mode::Exclusive { 'x' } else { 's' };
    format!("{since} {mode} {}\n{note}", me.who)
}

pub(super) fn from_value(whole: &str) -> Value {
    let (text, note) = whole.split_once('\n').unwrap_or((whole, ""));
    let known = text.split_once(' ').and_then(|(since, rest)| {
        let (mode, who) = rest.split_once(' ')?;
        let since = UNIX_EPOCH.checked_add(Duration::from_millis(since.parse().ok()?));
        let mode = if mode == "s" { Mode::Shared } else { Mode::Exclusive };
        Some(Value { since, mode, who: Who::parse(who), note: note.to_owned() })
    });
    known.unwrap_or_else(|| {
        // Another program's words.
        let (who, note) = (Who::parse(""), whole.to_owned());
        Value { since: None, mode: Mode::Exclusive, who, note }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Value, from_value, to_value};
    use crate::engine::Me;
    use crate::{Mode, Who};

    #[test]
    fn what_was_written_is_read() {
        for mode in [Mode::Exclusive, Mode::Shared] {
            let since = UNIX_EPOCH + Duration::from_millis(1_234_567);
            let (line, order, note) = ("lines".into(), OnceLock::new(), "".into());
            let (is_recorded, who) = (true, Who::this());
            let me = Me { line, attempt: 1, mode, is_recorded, who, note, since, order };
            let note = "two\nlines".to_owned();
            let value = from_value(&to_value(&me, &note));
            assert_eq!(value, Value { since: Some(since), mode, who: Who::this(), note });
        }
    }

    #[test]
    fn of_what_others_wrote_their_words_remain() {
        for words in ["", "1", "1 x", "x y z", "x\ny"] {
            assert_eq!(from_value(words).note, words);
        }
    }
}
