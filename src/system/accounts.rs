//! What the password database says of the users of this machine.

use std::path::PathBuf;

/// The home folder of the user that this process runs as, whatever `HOME` says.
#[cfg(unix)]
pub fn own_home() -> Option<PathBuf> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.dir)
}

/// The home folder of the user that this process runs as.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "there is no password database; this asks the system")]
pub fn own_home() -> Option<PathBuf> {
    std::env::home_dir()
}
