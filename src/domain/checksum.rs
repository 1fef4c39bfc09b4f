//! A checksum that is the same in every build of autocom, which std's hashers don't promise.

/// FNV-1a: against mix-ups, not against an attacker.
pub fn checksum(bytes: &[u8]) -> u64 {
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, add)
}
