//! Segments as a restart leaves them: the format as it is documented.

const CHECKSUM: usize = 192;

/// The header says that another run of the machine made it ready.
pub(super) fn of_another_run(bytes: &mut [u8]) {
    bytes[56..72].copy_from_slice(b"the run before!!");
    let sum = fnv_1a(&bytes[..CHECKSUM]);
    bytes[CHECKSUM..CHECKSUM + 8].copy_from_slice(&sum.to_ne_bytes());
}

pub(super) fn of_another_version(bytes: &mut [u8]) {
    bytes[8..12].copy_from_slice(&1000_u32.to_ne_bytes());
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
