//! The process that holds a lock, where the operating system tells.

use std::fmt;
use std::fs::File;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    pub pid: u32,
    /// Whether it is stopped, and holds the lock until it is continued.
    pub is_stopped: bool,
}

impl LockHolder {
    /// Linux has every lock in `/proc/locks`, by the inode of its file.
    #[cfg(target_os = "linux")]
    pub fn find(file: &File) -> Option<LockHolder> {
        use std::fs;
        use std::os::unix::fs::MetadataExt;

        let inode = file.metadata().ok()?.ino().to_string();
        let locks = fs::read_to_string("/proc/locks").ok()?;
        // Who waits has an arrow in the second column.
        let pid: u32 = locks.lines().find_map(|line| match *line.split_whitespace().collect::<Vec<_>>() {
            [_, "FLOCK", _, _, pid, place, ..] if place.rsplit(':').next() == Some(&inode) => {
                pid.parse().ok()
            }
            _ => None,
        })?;
        // The name of the program, in brackets, may hold anything.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(')')?.1.split_whitespace().next()?;
        Some(LockHolder { pid, is_stopped: matches!(state, "T" | "t") })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn find(_: &File) -> Option<LockHolder> {
        None
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stopped = if self.is_stopped { ", which is stopped," } else { "" };
        write!(f, "process {}{stopped}", self.pid)
    }
}
