//! Figures of figures.

use std::time::Duration;

/// Of an even number, the greater of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn sum(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((0.0, 0.0), |(sum, number), value| (sum + value, number + 1.0))
}

/// Relative standard deviation.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let (total, number) = sum(values.iter().copied());
    let mean = total / number;
    let (squares, _) = sum(values.iter().map(|value| (value - mean).powi(2)));
    (squares / number).sqrt() / mean
}

/// Jain's index: 1 if all have the same, 1/n if one has everything.
pub(crate) fn jain(shares: &[u64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
    let shares = || shares.iter().map(|&share| share as f64);
    let ((total, number), (squares, _)) = (sum(shares()), sum(shares().map(|it| it * it)));
    total * total / (number * squares)
}

pub(crate) fn micros(nanoseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "times far below a century")]
    let nanoseconds = nanoseconds as f64;
    nanoseconds / 1e3
}

/// How many parts a doubling of the wait is told apart in, as a power of two.
const PARTS: u32 = 3;
const BUCKETS: usize = 64 << PARTS;

/// Waits, told apart to an eighth of their length.
pub(crate) struct Waits {
    buckets: Vec<u64>,
    longest: u64,
}

impl Waits {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], longest: 0 }
    }

    pub(crate) fn add(&mut self, wait: Duration) {
        let nanoseconds = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[Self::bucket(nanoseconds)] += 1;
        self.longest = self.longest.max(nanoseconds);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += other;
        }
        self.longest = self.longest.max(other.longest);
    }

    fn bucket(nanoseconds: u64) -> usize {
        let power = nanoseconds.max(1 << PARTS).ilog2();
        let part = nanoseconds.max(1 << PARTS) >> (power - PARTS) & ((1 << PARTS) - 1);
        usize::try_from(power << PARTS | u32::try_from(part).unwrap_or(0)).unwrap_or(0)
    }

    /// Where a bucket begins.
    fn floor(bucket: usize) -> u64 {
        let (power, part) = (bucket >> PARTS, bucket & ((1 << PARTS) - 1));
        ((1 << PARTS) + part as u64) << power.saturating_sub(PARTS as usize)
    }

    /// The wait that so many of a thousand do not exceed, to an eighth, in nanoseconds.
    pub(crate) fn per_mille(&self, per_mille: u64) -> u64 {
        let all: u64 = self.buckets.iter().sum();
        let mut left = (all * per_mille).div_ceil(1_000);
        let full = |number: &u64| {
            left = left.saturating_sub(*number);
            left == 0
        };
        Self::floor(self.buckets.iter().position(full).unwrap_or(0))
    }

    /// The share of all that is at least so many nanoseconds long, for each length that there is.
    pub(crate) fn at_least(&self) -> impl Iterator<Item = (u64, f64)> {
        let all: u64 = self.buckets.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
        let share = move |number: u64| number as f64 / all as f64;
        let mut left = all;
        let step = move |(bucket, &number): (usize, &u64)| {
            let share = share(left);
            left -= number;
            (number > 0).then(|| (Self::floor(bucket), share))
        };
        let longest = (all > 0).then(|| (self.longest, share(1)));
        self.buckets.iter().enumerate().filter_map(step).chain(longest)
    }

    /// In nanoseconds.
    pub(crate) fn longest(&self) -> u64 {
        self.longest
    }
}
