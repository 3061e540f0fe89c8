//! What an engine is shown, and by what it is known.

use std::path::Path;

use crate::address::Address;
use crate::secret::Secret;
use crate::{Error, Result};

/// By what an engine's servers are known, and what they are shown of whoever asks.
///
/// [`connect`](crate::connect) has it from the environment and from the address, and
/// [`connect_with`](crate::connect_with) is given it. What an engine has no use for is left alone: the README
/// has a table. Printed with `{:?}`, it shows neither keys nor passwords.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub(crate) ca: Option<Pem>,
    pub(crate) identity: Option<(Pem, Pem)>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) token: Option<Secret>,
    pub(crate) region: Option<String>,
}

/// Certificates or a key, in PEM, and where they are from.
#[derive(Clone, Debug)]
pub(crate) struct Pem {
    pub(crate) text: Secret,
    pub(crate) source: String,
}

/// What the environment variables of an engine are called, which its own programs read as well; and the
/// options of its addresses. The names of what it does not have are empty.
pub(crate) struct Names {
    pub(crate) ca: [&'static str; 2],
    pub(crate) certificate: [&'static str; 2],
    pub(crate) key: [&'static str; 2],
    /// `USER`, or `USER:PASSWORD`.
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_file: &'static str,
    pub(crate) token: &'static str,
    pub(crate) token_file: [&'static str; 2],
    pub(crate) region: [&'static str; 2],
}

/// Finds what is shown and trusted, by the names that the engine has for it. Certificates are only of use
/// with TLS.
pub(crate) type Find<'f> = &'f dyn Fn(&Names, bool) -> Result<Access>;

/// An address with no other options than these and those of the names; and what goes with it.
pub(crate) fn of_url(
    url: &str,
    names: &Names,
    others: &[&'static str],
    find: Find<'_>,
) -> Result<(Address, Access)> {
    let address = Address::parse(url)?;
    address.check_options(&names.options(others))?;
    let access = find(names, address.is_tls)?.with(names, &address)?;
    Ok((address, access))
}

impl Names {
    pub(crate) const NONE: Self = Self {
        ca: ["", "ca"],
        certificate: ["", "cert"],
        key: ["", "key"],
        user: "",
        password: "",
        password_file: "",
        token: "",
        token_file: ["", ""],
        region: ["", ""],
    };

    /// The options, with these.
    pub(crate) fn options(&self, others: &[&'static str]) -> Vec<&'static str> {
        let own = [self.ca[1], self.certificate[1], self.key[1], self.password_file];
        let all = others.iter().copied().chain(own).chain([self.token_file[1], self.region[1]]);
        all.filter(|name| !name.is_empty()).collect()
    }
}

impl Access {
    /// Nothing is shown, and the certificates of the operating system are trusted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts servers by these certificates alone, in PEM, and no more by those of the operating system.
    #[must_use]
    pub fn ca(self, pem: &str) -> Self {
        Self { ca: Some(Pem::given(pem, "the certificates of the CA")), ..self }
    }

    /// As [`ca`](Self::ca), from a file.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if it cannot be read.
    pub fn ca_file(self, path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { ca: Some(Pem::read(path.as_ref())?), ..self })
    }

    /// Shows this certificate (and those between it and its CA), whose key this is; both in PEM.
    #[must_use]
    pub fn identity(self, certificate: &str, key: &str) -> Self {
        let certificate = Pem::given(certificate, "the client's certificate");
        Self { identity: Some((certificate, Pem::given(key, "the client's key"))), ..self }
    }

    /// As [`identity`](Self::identity), from files.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if one cannot be read.
    pub fn identity_files(
        self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self> {
        let identity = (Pem::read(certificate.as_ref())?, Pem::read(key.as_ref())?);
        Ok(Self { identity: Some(identity), ..self })
    }

    /// A user and its password; for DynamoDB, the access key's id and the secret access key.
    #[must_use]
    pub fn user(self, name: &str, password: &str) -> Self {
        Self { user: Some(name.to_owned()), password: Some(password.into()), ..self }
    }

    /// Consul's token; for DynamoDB, the session token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// The region of AWS, if the address does not say it.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// What the environment says, by `variable`. Certificates are only of use with TLS.
    pub(crate) fn of_environment(
        names: &Names,
        is_tls: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let variable = |name: &str| {
            let value = if name.is_empty() { None } else { variable(name) };
            value.filter(|value| !value.is_empty())
        };
        let mut access = Self::new();
        if is_tls {
            let file = |name: &str| variable(name).map(|path| Pem::read(path.as_ref())).transpose();
            access.ca = file(names.ca[0])?;
            access.set_identity(file(names.certificate[0])?, file(names.key[0])?)?;
        }
        if let Some(user) = variable(names.user) {
            // AWS has no colons in its ids.
            let (user, password) = user.split_once(':').unwrap_or((&user, ""));
            access.user = Some(user.to_owned());
            access.password =
                Some(password).filter(|password| !password.is_empty()).map(Secret::from);
        }
        if let Some(password) = variable(names.password) {
            access.password = Some(password.as_str().into());
        }
        access.token = variable(names.token).as_deref().map(Secret::from);
        if let (None, Some(path)) = (&access.token, variable(names.token_file[0])) {
            access.token = Some(secret_in(path.as_ref())?);
        }
        access.region = variable(names.region[0]).or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(access)
    }

    /// What is said here, unless the address says something else.
    pub(crate) fn with(mut self, names: &Names, address: &Address) -> Result<Self> {
        if let Some(user) = &address.user {
            // Another one's password is not this one's.
            if self.user.as_ref().is_some_and(|other| other != user) {
                self.password = None;
            }
            self.user = Some(user.clone());
        }
        if let Some(password) = &address.password {
            self.password = Some(password.clone());
        }
        self.with_options(names, |name| address.option(name).map(str::to_owned))
    }

    /// What is said here, unless an address's options say something else.
    pub(crate) fn with_options(
        mut self,
        names: &Names,
        option: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let file = |name: &str| option(name).map(|path| Pem::read(path.as_ref())).transpose();
        if let Some(ca) = file(names.ca[1])? {
            self.ca = Some(ca);
        }
        self.set_identity(file(names.certificate[1])?, file(names.key[1])?)?;
        if let Some(path) = option(names.password_file) {
            self.password = Some(secret_in(path.as_ref())?);
        }
        if let Some(path) = option(names.token_file[1]) {
            self.token = Some(secret_in(path.as_ref())?);
        }
        self.region = option(names.region[1]).or(self.region);
        Ok(self)
    }

    fn set_identity(&mut self, certificate: Option<Pem>, key: Option<Pem>) -> Result<()> {
        match (certificate, key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => self.identity = Some((certificate, key)),
            (Some(only), None) | (None, Some(only)) => {
                let why = "a certificate goes with its key: name both".to_owned();
                return Err(Error::BadAccess { what: only.source, why });
            }
        }
        Ok(())
    }

    /// Whether anything is said here that only TLS has a use for.
    pub(crate) fn is_for_tls(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }

    /// A user and a password, or neither.
    pub(crate) fn user_and_password(&self) -> Result<Option<(&str, &Secret)>> {
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => Ok(Some((user, password))),
            (None, _) => Ok(None),
            (Some(_), None) => Err(Error::BadAccess {
                what: "the user's name".to_owned(),
                why: "it goes with a password, and none is given".to_owned(),
            }),
        }
    }
}

impl Pem {
    fn given(text: &str, source: &str) -> Self {
        Self { text: text.into(), source: source.to_owned() }
    }

    fn read(path: &Path) -> Result<Self> {
        Ok(Self { text: read(path)?, source: path.display().to_string() })
    }
}

fn read(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|why| Error::BadAccess {
        what: path.display().to_string(),
        why: why.to_string(),
    })?;
    Ok(text.as_str().into())
}

/// A file's only line.
fn secret_in(path: &Path) -> Result<Secret> {
    Ok(read(path)?.reveal().trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::{Access, Names};
    use crate::address::Address;

    const NAMES: Names = Names {
        ca: ["CA", "ca"],
        user: "USER",
        password: "PASSWORD",
        password_file: "password-file",
        token: "TOKEN",
        token_file: ["TOKEN_FILE", "token-file"],
        region: ["REGION", "region"],
        ..Names::NONE
    };

    fn of(variables: &[(&str, &str)], is_tls: bool) -> crate::Result<Access> {
        Access::of_environment(&NAMES, is_tls, |name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn of_the_environment() {
        let access = of(&[("USER", "me:hunter2"), ("TOKEN", "t"), ("REGION", "r")], false).unwrap();
        let (user, password) = access.user_and_password().unwrap().unwrap();
        assert_eq!((user, password.reveal()), ("me", "hunter2"));
        assert_eq!(access.token.unwrap().reveal(), "t");
        assert_eq!(access.region.as_deref(), Some("r"));
        let access = of(&[("USER", "me"), ("PASSWORD", "a:b"), ("TOKEN", "")], false).unwrap();
        assert_eq!(access.user_and_password().unwrap().unwrap().1.reveal(), "a:b");
        assert!(access.token.is_none());
    }

    #[test]
    fn is_not_asked_for_certificates_without_tls() {
        let variables = [("CA", "/no/such/file")];
        assert!(of(&variables, false).is_ok());
        let refused = of(&variables, true).unwrap_err().to_string();
        assert!(refused.contains("/no/such/file"), "{refused}");
    }

    #[test]
    fn of_the_address_is_before_that_of_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\n").unwrap();
        let path = file.path().display();
        let url = format!("x://other:b@host:1/?token-file={path}&region=s");
        let address = Address::parse(&url).unwrap();
        let access = of(&[("USER", "me:a"), ("TOKEN", "t"), ("REGION", "r")], false).unwrap();
        let access = access.with(&NAMES, &address).unwrap();
        let (user, password) = access.user_and_password().unwrap().unwrap();
        assert_eq!((user, password.reveal()), ("other", "b"));
        assert_eq!(access.token.unwrap().reveal(), "from a file");
        assert_eq!(access.region.as_deref(), Some("s"));
    }

    #[test]
    fn of_one_user_is_not_shown_for_another() {
        let address = Address::parse("x://other@host:1").unwrap();
        let access = of(&[("USER", "me:a")], false).unwrap().with(&NAMES, &address).unwrap();
        assert!(access.user_and_password().is_err());
    }

    #[test]
    fn shows_no_secret() {
        let access = Access::new().ca("ca").identity("cert", "hunter2").user("me", "hunter2");
        let shown = format!("{:?}", access.token("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("me"), "{shown}");
    }
}
