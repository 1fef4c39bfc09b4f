//! The users of this machine, by the password database.

#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

#[cfg(unix)]
use nix::unistd::{Uid, User};

#[cfg(unix)]
use super::environment::Environment;

/// The home folder of the user that this process runs as, whatever `HOME` says.
#[cfg(unix)]
pub fn own_home() -> Option<PathBuf> {
    User::from_uid(Uid::effective()).ok().flatten().map(|user| user.dir)
}

/// The home folder of the user that this process runs as.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "there is no password database; this asks the system")]
pub fn own_home() -> Option<PathBuf> {
    std::env::home_dir()
}

/// The name of a user, or `#UID`, as sudo takes it, where there is none.
#[cfg(unix)]
pub fn name_of(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("#{uid}"), |user| user.name)
}

#[cfg(unix)]
pub fn uid_of(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}

/// The user whose rights this process has.
#[cfg(unix)]
pub fn effective_uid() -> u32 {
    Uid::effective().as_raw()
}

/// The user who runs this process as another one, with sudo, pkexec or doas.
#[cfg(unix)]
pub fn invoking_uid(environment: &Environment) -> Option<u32> {
    let uid = environment.var("SUDO_UID").or_else(|| environment.var("PKEXEC_UID"));
    match uid.and_then(|uid| uid.parse().ok()) {
        Some(uid) => Some(uid),
        None => uid_of(&environment.var("DOAS_USER")?),
    }
}

/// Whether the user owns a file or folder, links followed.
#[cfg(unix)]
pub fn owns(uid: u32, path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.uid() == uid)
}
