//! What a command is told of the locks that it runs under, in `BAKERY_HELD`: `name=token:...`. With it a
//! lock is noticed that is taken within itself, which would wait for ever.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The variable.
pub const VARIABLE: &str = "BAKERY_HELD";

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub token: u64,
    /// Together with others.
    pub is_together: bool,
}

/// How this process's ancestors say that they hold the lock of this name: the innermost.
pub fn by_ancestors(name: &OsStr) -> Option<Held> {
    find(env::var_os(VARIABLE)?.as_bytes(), name)
}

fn find(list: &[u8], name: &OsStr) -> Option<Held> {
    let encoded = encode(name);
    list.rsplit(|byte| *byte == b':').find_map(|entry| {
        let value = entry.strip_prefix(encoded.as_slice())?.strip_prefix(b"=")?;
        let value = str::from_utf8(value).ok()?;
        let (token, is_together) = match value.strip_suffix('s') {
            Some(token) => (token, true),
            None => (value, false),
        };
        Some(Held { token: token.parse().ok()?, is_together })
    })
}

/// The variable's value for a command that runs under this lock as well.
pub fn with(name: &OsStr, held: Held) -> OsString {
    let mut list = env::var_os(VARIABLE).unwrap_or_default().into_vec();
    if !list.is_empty() {
        list.push(b':');
    }
    list.extend(encode(name));
    let together = if held.is_together { "s" } else { "" };
    list.extend(format!("={}{together}", held.token).into_bytes());
    OsString::from_vec(list)
}

/// Without the bytes that the list is made of.
fn encode(name: &OsStr) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in name.as_bytes() {
        match byte {
            b'%' | b':' | b'=' => encoded.extend(format!("%{byte:02x}").into_bytes()),
            _ => encoded.push(*byte),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_whatever_is_in_it() {
        let held = |token, is_together| Some(Held { token, is_together });
        let list = b"a=1:b=2s:a%3ab%3d%25=3:a=4";
        assert_eq!(find(list, OsStr::new("a")), held(4, false));
        assert_eq!(find(list, OsStr::new("b")), held(2, true));
        assert_eq!(find(list, OsStr::new("a:b=%")), held(3, false));
        assert_eq!(find(list, OsStr::new("c")), None);
        for list in [&b""[..], b":", b"a", b"a=", b"a=x", b"a=s", b"=1", b"\xff=1:"] {
            assert_eq!(find(list, OsStr::new("a")), None);
        }
    }
}
