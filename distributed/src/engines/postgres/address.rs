//! Addresses as libpq has them.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::access::{Find, Names};
use crate::address::redacted;
use crate::tls::{Tls, words};
use crate::{Error, Result};

/// What libpq reads as well.
const NAMES: Names = Names {
    ca: ["PGSSLROOTCERT", "sslrootcert"],
    certificate: ["PGSSLCERT", "sslcert"],
    key: ["PGSSLKEY", "sslkey"],
    user: "PGUSER",
    password: "PGPASSWORD",
    password_file: "password-file",
    ..Names::NONE
};

/// Where a database is, and how it is spoken to.
pub(super) fn parse(url: &str, find: Find<'_>) -> Result<(Config, Option<Tls>)> {
    let bad = |why: String| Error::BadUrl { url: redacted(url), why };
    let own = NAMES.options(&["sslmode"]);
    // Those that PostgreSQL's client does not know, or not so.
    let (mut options, mut others) = (Vec::new(), Vec::new());
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some((name, value)) if own.contains(&name) => {
                let value = percent_decode_str(value).decode_utf8();
                let value = value.map_err(|_| bad(format!("{name} is not UTF-8")))?;
                // The operating system's certificates.
                if (name, &*value) != ("sslrootcert", "system") {
                    options.push((name, value.into_owned()));
                }
            }
            _ => others.push(option),
        }
    }
    let option = |name: &str| {
        let found = options.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone())
    };
    let is_tls = match option("sslmode").as_deref() {
        None | Some("disable") => false,
        Some("require" | "verify-ca" | "verify-full") => true,
        Some(_) => {
            let why = "sslmode is disable, require, verify-ca or verify-full: nothing is done only if it can be";
            return Err(bad(why.to_owned()));
        }
    };
    let mut config: Config = format!("{address}?{}", others.join("&"))
        .parse()
        .map_err(|why: tokio_postgres::Error| bad(words(&why)))?;
    let access = find(&NAMES, is_tls)?.with_options(&NAMES, option)?;
    let is_other = access.user.is_some()
        && config.get_user().is_some_and(|user| access.user.as_deref() != Some(user));
    if let (Some(user), None) = (&access.user, config.get_user()) {
        config.user(user);
    }
    // Another one's password is not this one's.
    if let (Some(password), None, false) = (&access.password, config.get_password(), is_other) {
        config.password(password.reveal());
    }
    let tls = if is_tls {
        config.ssl_mode(SslMode::Require);
        Some(Tls::with(&access)?)
    } else if access.is_for_tls() {
        return Err(bad("certificates are for ?sslmode=verify-full".to_owned()));
    } else {
        config.ssl_mode(SslMode::Disable);
        None
    };
    config.connect_timeout(Duration::from_secs(3));
    // A server that is cut off shall not be taken for a slow one.
    config.keepalives_idle(Duration::from_secs(5)).keepalives_interval(Duration::from_secs(2));
    config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(11));
    Ok((config, tls))
}
