//! Signatures, as AWS wants to have them (version 4).

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::HeaderValue;
use sha2::{Digest as _, Sha256};

use crate::access::Access;
use crate::address::Address;
use crate::secret::Secret;
use crate::{Error, Result};

const SERVICE: &str = "dynamodb";
const CONTENT: &str = "application/x-amz-json-1.0";

/// Who signs.
#[derive(Debug)]
pub(super) struct Signer {
    key_id: String,
    key: Secret,
    session_token: Option<Secret>,
    region: String,
}

/// What is sent without a key. dynalite wants to see the form of a signature; this is none.
pub(super) fn unsigned(target: &str) -> Vec<(&'static str, HeaderValue)> {
    let none = "AWS4-HMAC-SHA256 Credential=none/20000101/none/dynamodb/aws4_request, \
                SignedHeaders=host, Signature=none";
    vec![
        ("content-type", HeaderValue::from_static(CONTENT)),
        ("x-amz-target", header(target)),
        ("x-amz-date", HeaderValue::from_static("20000101T000000Z")),
        ("authorization", HeaderValue::from_static(none)),
    ]
}

impl Signer {
    /// `None` if there is no key to sign with.
    pub(super) fn of(address: &Address, access: &Access) -> Result<Option<Self>> {
        let Some((key_id, key)) = access.user_and_password()? else { return Ok(None) };
        // As in `dynamodb.eu-central-1.amazonaws.com`.
        let in_host = address.servers[0].strip_prefix("dynamodb.");
        let in_host = in_host.and_then(|rest| Some(rest.split_once(".amazonaws.com")?.0));
        let region = access.region.as_deref().or(in_host).ok_or_else(|| Error::BadAccess {
            what: "the access key".to_owned(),
            why: "the region is not known: ?region=REGION, or AWS_REGION".to_owned(),
        })?;
        let (key_id, region) = (key_id.to_owned(), region.to_owned());
        let session_token = access.token.clone();
        let are_good =
            [Some(key_id.as_str()), Some(&region), session_token.as_ref().map(Secret::reveal)]
                .into_iter()
                .flatten()
                .all(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
        if !are_good {
            let why = "it, its region and its token are letters, digits and signs of ASCII";
            return Err(Error::BadAccess {
                what: "the access key".to_owned(),
                why: why.to_owned(),
            });
        }
        Ok(Some(Self { key_id, key: key.clone(), session_token, region }))
    }

    /// The headers of a request for this, but for the host's.
    pub(super) fn headers(
        &self,
        now: SystemTime,
        host: &str,
        target: &str,
        body: &str,
    ) -> Vec<(&'static str, HeaderValue)> {
        let date = date(now);
        let mut headers = vec![
            ("content-type", CONTENT),
            ("host", host),
            ("x-amz-date", date.as_str()),
            ("x-amz-target", target),
        ];
        if let Some(token) = &self.session_token {
            // They are signed in their order.
            headers.insert(3, ("x-amz-security-token", token.reveal()));
        }
        let authorization = self.sign(SERVICE, &date, ("POST", "/"), &headers, body);
        headers.retain(|(name, _)| *name != "host");
        let mut headers: Vec<_> =
            headers.into_iter().map(|(name, value)| (name, header(value))).collect();
        headers.push(("authorization", header(&authorization)));
        for (_, value) in &mut headers {
            value.set_sensitive(true);
        }
        headers
    }

    /// The signature of a request without a query, whose headers are all of these, in the order of their
    /// names.
    fn sign(
        &self,
        service: &str,
        date: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let mut request = format!("{method}\n{path}\n\n");
        for (name, value) in headers {
            let _ = writeln!(request, "{name}:{value}");
        }
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let _ = write!(request, "\n{names}\n{}", hex(&Sha256::digest(body)));
        let Self { key_id, region, .. } = self;
        let (day, _) = date.split_once('T').unwrap_or((date, ""));
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let digest = hex(&Sha256::digest(request));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
        let signature = hex(&mac(&self.key_for(day, service), &text));
        format!(
            "AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    }

    fn key_for(&self, day: &str, service: &str) -> Vec<u8> {
        let key = format!("AWS4{}", self.key.reveal()).into_bytes();
        [day, &self.region, service, "aws4_request"].iter().fold(key, |key, text| mac(&key, text))
    }
}

fn header(text: &str) -> HeaderValue {
    // Nothing else gets here.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.unwrap_or_else(|_| unreachable!("a key may have any length"));
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// As in `20150830T123600Z`.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, so that the day that some do not have is the last one; and of those, eras of
    // 400 years, which have all the same number of days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Signer, date, hex};

    /// What AWS has published: who signs, and when.
    const DATE: &str = "20150830T123600Z";

    fn signer() -> Signer {
        Signer {
            key_id: "AKIDEXAMPLE".to_owned(),
            key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
            region: "us-east-1".to_owned(),
        }
    }

    fn sign(method: &str, headers: &[(&str, &str)], body: &str) -> String {
        let signed = signer().sign("service", DATE, (method, "/"), headers, body);
        signed.rsplit_once('=').unwrap().1.to_owned()
    }

    #[test]
    fn the_key_of_a_day_is_what_aws_says() {
        let key = hex(&signer().key_for("20150830", "iam"));
        assert_eq!(key, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    /// `get-vanilla`, `post-vanilla`, `post-x-www-form-urlencoded`, `post-sts-header-before` of the test suite
    /// of AWS.
    #[test]
    fn signatures_are_what_aws_says() {
        let mut headers = vec![("host", "example.amazonaws.com"), ("x-amz-date", DATE)];
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(sign("GET", &headers, ""), expected);
        let expected = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(sign("POST", &headers, ""), expected);
        headers.insert(0, ("content-type", "application/x-www-form-urlencoded"));
        let expected = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        assert_eq!(sign("POST", &headers, "Param1=value1"), expected);
        headers.remove(0);
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        headers.push(("x-amz-security-token", token));
        let expected = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        assert_eq!(sign("POST", &headers, ""), expected);
    }

    #[test]
    fn headers_are_signed_in_their_order_and_hide_what_they_say() {
        let signer = Signer { session_token: Some("hunter2".into()), ..signer() };
        let headers = signer.headers(UNIX_EPOCH, "host:1", "DynamoDB_20120810.GetItem", "{}");
        let shown = format!("{headers:?} {signer:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("wJalr"), "{shown}");
        let (_, authorization) = headers.last().unwrap();
        let names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target,";
        assert!(authorization.to_str().unwrap().contains(names));
    }

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, DATE),
            (4_107_542_400, "21000301T000000Z"),
            (4_107_542_399, "21000228T235959Z"),
            (1_735_689_599, "20241231T235959Z"),
        ] {
            assert_eq!(date(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
