//! Processes that compete for every passage.

use std::time::Duration;

use crate::stats::{jain, median};
use crate::support::processes::{Share, race};

/// How a lock did between processes.
pub(crate) struct Between {
    pub(crate) lock: &'static str,
    /// How long each stays inside.
    pub(crate) micros: u64,
    /// A second: the median of all rounds.
    pub(crate) passages: f64,
    /// The median.
    pub(crate) jain: f64,
    /// The longest wait of a round, in nanoseconds: the median.
    pub(crate) longest: f64,
}

impl Between {
    pub(crate) fn is(&self, lock: &str, micros: u64) -> bool {
        self.lock == lock && self.micros == micros
    }
}

pub(crate) const PROCESSES: usize = 5;

/// The locks that compete.
const FIELD: [&str; 5] =
    ["pthread robust+shared", "flock", "shared bakery", "shared ticket", "shared bypass"];

/// The locks take turns in each round.
pub(crate) fn measure(rounds: usize, length: Duration) -> Vec<Between> {
    let mut all = Vec::new();
    for micros in [1, 10] {
        let mut races = FIELD.map(|_| Vec::new());
        for _ in 0..rounds {
            for (races, lock) in races.iter_mut().zip(FIELD) {
                races.push(race(lock, PROCESSES, Duration::from_micros(micros), length));
            }
        }
        let results = FIELD.into_iter().zip(races);
        all.extend(results.map(|(lock, races)| result(lock, micros, length, &races)));
    }
    all
}

fn result(lock: &'static str, micros: u64, length: Duration, races: &[Vec<Share>]) -> Between {
    let shares = |race: &[Share]| race.iter().map(|it| it.passages).collect::<Vec<_>>();
    #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
    let passages =
        |race: &Vec<Share>| shares(race).iter().sum::<u64>() as f64 / length.as_secs_f64();
    let longest = |race: &Vec<Share>| {
        let longest = race.iter().map(|it| it.longest).max().unwrap_or_default();
        longest.as_secs_f64() * 1e9
    };
    Between {
        lock,
        micros,
        passages: median(races.iter().map(passages).collect()),
        jain: median(races.iter().map(|race| jain(&shares(race))).collect()),
        longest: median(races.iter().map(longest).collect()),
    }
}
