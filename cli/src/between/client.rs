//! The engine's locks, by their address.

use bakery_distributed::{Client, connect};

use crate::between::{Between, Driver, refused};
use crate::exit::Failure;

impl Between {
    /// What answers there. It is asked when there is something to ask.
    ///
    /// # Errors
    ///
    /// The address is none, or of an engine that has not been compiled in.
    pub fn client(&self, driver: &Driver) -> Result<Client, Failure> {
        driver.wait(async { connect(&self.url) }).map_err(refused)
    }

    /// `etcd`, `postgres`, ...
    pub fn engine(&self) -> &str {
        self.url.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// What a command is told of a lock that it runs under: the name there, without what is secret in
    /// the address.
    pub fn key(&self, name: &str) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let rest = rest.split('?').next().unwrap_or_default();
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let servers = servers.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{servers}/{path}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_a_command_is_told_has_no_password() {
        let key = |url: &str| {
            let (ttl, grace, why) = (Duration::ZERO, Duration::ZERO, None);
            Between { url: url.to_owned(), ttl, grace, why }.key("deploy")
        };
        assert_eq!(
            key("postgres://me:p@ss@db:5432/jobs?password=x"),
            "postgres://db:5432/jobs/deploy"
        );
        assert_eq!(key("etcd://a,b,c"), "etcd://a,b,c//deploy");
    }
}
