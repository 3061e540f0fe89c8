//! Two cores that share memory but have no compare-and-swap can share a value all the same:
//! Peterson's lock needs loads and stores only, and its halves give each core its role as a type.
//!
//! `cargo run --release --example dual_core`

/// What would run on the device. Nothing in here but `core` and the lock.
mod firmware {
    use bakery_lock::algorithm::{Fenced, Peterson};
    use bakery_lock::wait::Spin;
    use bakery_lock::{Half, Left, Lock, Right};

    pub const READINGS: u32 = 10_000;

    /// Readings that wait to be sent. The fields belong together, hence the lock.
    #[derive(Default)]
    pub struct Batch {
        sum: u64,
        count: u32,
    }

    pub type Shared = Lock<Peterson<Fenced>, Batch, Spin>;

    /// Reads a sensor.
    pub fn core_0(mut half: Half<Left, Fenced, Batch, Spin>) {
        for reading in 1..=READINGS {
            let mut batch = half.lock();
            batch.sum += u64::from(reading);
            batch.count += 1;
        }
    }

    /// Sends whatever has been read so far, until it has sent everything. Returns the sum of it.
    pub fn core_1(mut half: Half<Right, Fenced, Batch, Spin>) -> u64 {
        let mut sent = Batch::default();
        while sent.count < READINGS {
            let batch = core::mem::take(&mut *half.lock());
            sent.sum += batch.sum;
            sent.count += batch.count;
        }
        sent.sum
    }
}

/// The host stands in for the device: a thread for each core.
fn main() {
    let mut shared = firmware::Shared::default();
    let (left, right) = shared.halves();
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| firmware::core_0(left));
        firmware::core_1(right)
    });

    println!("core 0 read {} values, core 1 sent their sum: {sent}", firmware::READINGS);
    let readings = u64::from(firmware::READINGS);
    assert_eq!(sent, readings * (readings + 1) / 2);
}
