//! Leases of protected profiles, and the journal of what was sent to them: files only.

pub mod journal;
pub mod lease;
pub mod records;
