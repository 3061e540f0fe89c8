//! Addresses of engines: `SCHEME://USER:PASSWORD@HOST:PORT,HOST:PORT/PATH?OPTION=VALUE&OPTION`, and
//! `SCHEME+tls://` if it is TLS that is spoken there.

use percent_encoding::percent_decode_str;

use crate::secret::Secret;
use crate::{Error, Result};

/// An address that has been taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// Without `+tls`.
    pub(crate) scheme: String,
    pub(crate) is_tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    /// One at least; none is empty.
    pub(crate) servers: Vec<String>,
    /// What follows the slash.
    pub(crate) path: String,
    options: Vec<(String, String)>,
    shown: String,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let shown = redacted(url);
        let bad = |why: &str| Error::BadUrl { url: shown.clone(), why: why.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("it has no ://"))?;
        let (scheme, is_tls) = match scheme.strip_suffix("+tls") {
            Some(scheme) => (scheme, true),
            None => (scheme, false),
        };
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, servers) = match authority.rsplit_once('@') {
            Some((credentials, servers)) => (Some(credentials), servers),
            None => (None, authority),
        };
        let (user, password) = match credentials.map(|both| both.split_once(':').ok_or(both)) {
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
            None => (None, None),
        };
        let servers: Vec<_> = servers.split(',').map(str::to_owned).collect();
        if servers.iter().any(|server| server.is_empty() || server.starts_with(':')) {
            return Err(bad("it has to name each server, as in HOST:PORT,HOST:PORT"));
        }
        if !servers.iter().all(|server| has_good_port(server)) {
            return Err(bad("a server's port is a number"));
        }
        let decode = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(String::from).map_err(|_| bad("what is written as %XX is not UTF-8"))
        };
        let mut all = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            all.push((name.to_owned(), decode(value)?));
        }
        let password = password.map(&decode).transpose()?;
        Ok(Self {
            scheme: scheme.to_owned(),
            is_tls,
            user: user.map(&decode).transpose()?,
            password: password.as_deref().map(Secret::from),
            servers,
            path: path.to_owned(),
            options: all,
            shown,
        })
    }

    /// The value of an option, which is empty if it has none.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Refuses options that nobody knows.
    pub(crate) fn check_options(&self, known: &[&str]) -> Result<()> {
        match self.options.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some(_) => {
                let known: Vec<_> = known.iter().map(|name| format!("?{name}")).collect();
                Err(self.bad(format!("its options are {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn bad(&self, why: impl Into<String>) -> Error {
        Error::BadUrl { url: self.shown.clone(), why: why.into() }
    }
}

fn has_good_port(server: &str) -> bool {
    // The colons of an address of IPv6 are in brackets.
    let after_host = server.rsplit_once(']').map_or(server, |(_, rest)| rest);
    after_host.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok())
}

/// The address without what may be a password, however it has been mistyped.
pub(crate) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "...".to_owned() };
    if let Some((_, servers)) = rest.rsplit_once('@') {
        return format!("{scheme}://...@{}", without_values(servers));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.split(',').all(has_good_port) {
        format!("{scheme}://{}", without_values(rest))
    } else {
        // A user and a password without a server.
        format!("{scheme}://...")
    }
}

fn without_values(rest: &str) -> String {
    let Some((rest, options)) = rest.split_once('?') else { return rest.to_owned() };
    let option = |option: &str| match option.split_once('=') {
        Some((name, _)) => format!("{name}=..."),
        None => option.to_owned(),
    };
    let options: Vec<_> = options.split('&').map(option).collect();
    format!("{rest}?{}", options.join("&"))
}

#[cfg(test)]
mod tests {
    use super::{Address, redacted};

    #[test]
    fn is_taken_apart() {
        let url = "etcd+tls://me:a%2Fb@one:1,[::1]:2/pre/fix?ca=%2Fca.pem&flag";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.scheme, "etcd");
        assert!(address.is_tls);
        assert_eq!(address.user.as_deref(), Some("me"));
        assert_eq!(address.password.as_ref().unwrap().reveal(), "a/b");
        assert_eq!(address.servers, ["one:1", "[::1]:2"]);
        assert_eq!(address.path, "pre/fix");
        assert_eq!(address.option("ca"), Some("/ca.pem"));
        assert_eq!(address.option("flag"), Some(""));
        assert!(address.check_options(&["ca", "flag"]).is_ok());
        assert!(address.check_options(&["ca"]).is_err());
    }

    #[test]
    fn has_to_name_each_server() {
        for url in ["etcd", "etcd://", "etcd:///path", "etcd://a:1,", "etcd://:1", "etcd://a:b"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn is_shown_without_passwords() {
        for url in [
            "etcd://me:hunter2@host:1/x",
            "etcd://me:hun/hunter2@host:1",
            "etcd://me:hun?hunter2@host:1",
            "etcd://me:hun@hunter2@host:1",
            "etcd://me:hunter2",
            "etcd://me:hunter2/path",
            "etcd://host:1/x?password=hunter2&token=hunter2",
            "me:hunter2@host:1",
        ] {
            assert!(!redacted(url).contains("hunter2"), "{url}: {}", redacted(url));
            let parsed = format!(
                "{:?}",
                Address::parse(url).map(|address| (address.user, address.password, address.shown))
            );
            assert!(!parsed.contains("hunter2"), "{url}: {parsed}");
        }
        assert_eq!(redacted("etcd://me:x@host:1/a?ca=b"), "etcd://...@host:1/a?ca=...");
        assert_eq!(redacted("etcd://a:1,[::1]:2/x"), "etcd://a:1,[::1]:2/x");
    }
}
