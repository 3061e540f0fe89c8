//! Values of options: times, numbers, and where to report to.

use std::ffi::OsStr;
use std::time::Duration;

/// The longest time that is told from no end: a century.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// A number of seconds as flock(1) takes it: digits, and perhaps a fraction.
pub fn seconds(text: &OsStr) -> Option<Duration> {
    let text = text.to_str()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !(whole.is_empty() && fraction.is_empty())
        && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return None;
    }
    let seconds: f64 = format!("0{whole}.{fraction}0").parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST))
}

/// A time: `1.5`, `90s`, `10m`, `2h`, `1d`.
pub fn time(text: &OsStr) -> Option<Duration> {
    let text = text.to_str()?;
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86400),
        _ => (text, 1),
    };
    let time = seconds(OsStr::new(number))?;
    Some(time.checked_mul(unit).unwrap_or(LONGEST).min(LONGEST))
}

/// A number within bounds.
pub fn number(text: &OsStr, least: u32, most: u32) -> Option<u32> {
    let number = text.to_str()?.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// A number of bytes as flock(1) takes it: `4096`, `0x1000`, `010000`; with `K`, `M`, ... or `KiB` in 1024s,
/// with `KB` in thousands.
pub fn size(text: &OsStr) -> Option<i64> {
    let text = text.to_str()?;
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let (number, unit) = digits.split_at(end);
    let number = i64::from_str_radix(number, radix).ok()?;
    let mut letters = unit.chars();
    let Some(letter) = letters.next() else { return Some(number) };
    let power = "kmgtpe".find(letter.to_ascii_lowercase())?;
    let base: i64 = match letters.as_str() {
        "" | "iB" => 1024,
        "B" => 1000,
        _ => return None,
    };
    number.checked_mul(base.checked_pow(u32::try_from(power).ok()? + 1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_fractions() {
        let of = |text: &str| time(OsStr::new(text)).map(|time| time.as_secs_f64());
        for (text, expected) in [
            ("1.5", 1.5),
            (".5", 0.5),
            ("0", 0.0),
            ("5.", 5.0),
            ("90s", 90.0),
            ("10m", 600.0),
            ("1.5h", 5400.0),
            ("2d", 172_800.0),
            ("007", 7.0),
            ("99999999999999999999999d", LONGEST.as_secs_f64()),
        ] {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        for text in ["", ".", "soon", "-1", "+1", "1e3", "1 ", "s", "1w", "inf", "1.5.5", "1é"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(seconds(OsStr::new("90s")), None);
    }

    #[test]
    fn sizes_have_units_and_radixes() {
        let of = |text: &str| size(OsStr::new(text));
        for (text, expected) in [
            ("0", 0),
            ("4096", 4096),
            ("0x1F", 31),
            ("010", 8),
            ("1K", 1024),
            ("2m", 2 << 20),
            ("3GiB", 3 << 30),
            ("1KB", 1000),
            ("7E", 7 << 60),
        ] {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        for text in ["", "K", "-1", "+ 1", "1Ki", "1x", "08", "8E", "9223372036854775808", "1 K"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let of = |text: &str| number(OsStr::new(text), 1, 255);
        assert_eq!(
            [of("1"), of("255"), of("0"), of("256"), of("-1"), of("x"), of("")],
            [Some(1), Some(255), None, None, None, None, None]
        );
    }
}
