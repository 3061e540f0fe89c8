//! What a passage costs when real processes compete for every one: `cargo bench --bench processes`.
//!
//! The figure is wall time by passages, of all processes together. They are this program again, each
//! pinned, to one core after the other. Each sample is a race of new processes for a fixed time, since
//! it takes longer to start them than to make a few passages; so criterion's measurement time is not
//! kept. About a minute; a part is chosen by a regular expression on the names:
//! `cargo bench --bench processes -- '1 us inside/shared .*/5'`.

mod support;

use std::time::Duration;

use bakery_lock::shared::Kind;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};

use support::processes::{OTHERS, compete, race};

const PROCESSES: [u32; 2] = [2, 5];

/// Long enough for several time slices of each process.
const NANOSECONDS: u64 = 50_000_000;

fn main() {
    if compete() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for micros in [0, 1, 10] {
        let mut group = criterion.benchmark_group(format!("processes, {micros} us inside"));
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
        for kind in Kind::ALL {
            let (_, room) = kind.slots();
            measure(&mut group, &format!("shared {kind}"), room, micros);
        }
        for lock in OTHERS {
            measure(&mut group, lock, u32::MAX, micros);
        }
        group.finish();
    }
    criterion.final_summary();
}

/// As many processes as there is room for.
fn measure(group: &mut BenchmarkGroup<WallTime>, lock: &str, room: u32, micros: u64) {
    let (inside, length) = (Duration::from_micros(micros), Duration::from_nanos(NANOSECONDS));
    for processes in PROCESSES.into_iter().filter(|&processes| processes <= room) {
        group.bench_function(BenchmarkId::new(lock, processes), |bencher| {
            bencher.iter_custom(|passages| {
                let shares = race(lock, processes as usize, inside, length);
                let made: u64 = shares.iter().map(|it| it.passages).sum();
                Duration::from_nanos(NANOSECONDS * passages / made.max(1))
            });
        });
    }
}
