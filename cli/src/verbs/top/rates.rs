//! How often locks change hands: passages of the last minute, as far as this process has seen it.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use crate::looking::Look;

const WINDOW: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub struct Rates(HashMap<OsString, VecDeque<(Instant, u64)>>);

impl Rates {
    pub fn note(&mut self, looks: &[Look]) {
        self.0.retain(|name, _| looks.iter().any(|look| look.name == *name));
        for look in looks {
            if let Some(status) = &look.status {
                self.add(&look.name, Instant::now(), status.acquisitions);
            }
        }
    }

    fn add(&mut self, name: &OsStr, now: Instant, passages: u64) {
        let seen = self.0.entry(name.to_owned()).or_default();
        // Made anew, it counts anew.
        if seen.back().is_some_and(|(_, before)| *before > passages) {
            seen.clear();
        }
        seen.push_back((now, passages));
        while seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            seen.pop_front();
        }
    }

    /// Of one lock, in a minute.
    pub fn of(&self, name: &OsStr) -> f64 {
        let Some(seen) = self.0.get(name) else { return 0.0 };
        let (Some((begin, first)), Some((end, last))) = (seen.front(), seen.back()) else {
            return 0.0;
        };
        let seconds = end.duration_since(*begin).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
        let passages = (last - first) as f64;
        if seconds > 0.0 { passages / seconds * 60.0 } else { 0.0 }
    }

    pub fn all(&self) -> f64 {
        self.0.keys().fold(0.0, |sum, name| sum + self.of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_of_the_last_minute_are_counted() {
        let (mut rates, begin, name) = (Rates::default(), Instant::now(), OsStr::new("x"));
        let is = |rates: &Rates, expected: f64| (rates.of(name) - expected).abs() < 0.01;
        assert!(is(&rates, 0.0));
        for second in 0..=120_u64 {
            // One a second at first, then two.
            let passages = second + second.saturating_sub(60);
            rates.add(name, begin + Duration::from_secs(second), passages);
            if second == 30 {
                assert!(is(&rates, 60.0));
            }
        }
        assert!(is(&rates, 120.0), "{}", rates.of(name));
        rates.add(name, begin + Duration::from_secs(121), 0);
        assert!(is(&rates, 0.0));
    }
}
