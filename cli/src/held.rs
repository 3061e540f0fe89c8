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

/// All that are in such a list, outermost first.
pub fn all(list: &OsStr) -> Vec<(OsString, Held)> {
    let entries = list.as_bytes().split(|byte| *byte == b':');
    let names =
        entries.filter_map(|entry| decode(&entry[..entry.iter().position(|byte| *byte == b'=')?]));
    names.filter_map(|name| find(list.as_bytes(), &name).map(|held| (name, held))).collect()
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

fn decode(encoded: &[u8]) -> Option<OsString> {
    let mut decoded = Vec::new();
    let mut rest = encoded;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte == b'%' {
            let (digits, behind) = rest.split_at_checked(2)?;
            decoded.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            rest = behind;
        } else {
            decoded.push(*byte);
        }
    }
    Some(OsString::from_vec(decoded))
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
        let names: Vec<_> =
            all(OsStr::from_bytes(list)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "a:b=%", "a"]);
        for list in [&b""[..], b":", b"a", b"a=", b"a=x", b"a=s", b"=1", b"\xff=1:"] {
            assert_eq!(find(list, OsStr::new("a")), None);
        }
    }
}
