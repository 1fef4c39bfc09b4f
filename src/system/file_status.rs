//! Looking at this machine without changing it: files as they are, programs on PATH, ports.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

#[cfg(unix)]
use super::accounts;
use super::environment::Environment;

/// A file or folder as it is, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    pub is_file: bool,
    pub is_folder: bool,
    /// Of whom it is, if that is neither us nor root, nor to be expected where root runs in another's home.
    pub other_user: Option<u32>,
    /// Whether it is this user's, who may change its mode.
    pub is_ours: bool,
    /// The lower nine bits; 0 where there are no modes.
    pub mode: u32,
    /// How many names the file has; 1 where that is not known.
    pub links: u64,
    pub readable: bool,
    pub writable: bool,
}

/// `None` if there is nothing.
pub fn file_status(path: &Path) -> io::Result<Option<FileStatus>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(Some(seen(path, &metadata)))
}

#[cfg(unix)]
fn seen(path: &Path, metadata: &fs::Metadata) -> FileStatus {
    use rustix::fs::{Access, access};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (owner, us) = (metadata.uid(), accounts::effective_uid());
    let parent = || path.parent().is_some_and(|folder| accounts::owns(owner, folder));
    let is_expected = owner == us || owner == 0 || (us == 0 && (metadata.is_dir() || parent()));
    FileStatus {
        is_file: metadata.is_file(),
        is_folder: metadata.is_dir(),
        other_user: (!is_expected).then_some(owner),
        is_ours: owner == us || us == 0,
        mode: metadata.permissions().mode() & 0o777,
        links: metadata.nlink(),
        readable: access(path, Access::READ_OK).is_ok(),
        writable: access(path, Access::WRITE_OK).is_ok(),
    }
}

#[cfg(not(unix))]
fn seen(_: &Path, metadata: &fs::Metadata) -> FileStatus {
    FileStatus {
        is_file: metadata.is_file(),
        is_folder: metadata.is_dir(),
        other_user: None,
        is_ours: true,
        mode: 0,
        links: 1,
        readable: true,
        writable: !metadata.permissions().readonly(),
    }
}

/// Takes from others what they may not do with it.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    return fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}

/// The names in a folder that begin with `prefix`, with the time of their last change, sorted.
pub fn names(folder: &Path, prefix: &str) -> Vec<(PathBuf, Option<Timestamp>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| {
            let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            (entry.path(), changed.and_then(|time| Timestamp::try_from(time).ok()))
        })
        .collect();
    found.sort();
    found
}

/// What writes that were cut off have left in a folder: a write takes no day.
pub fn abandoned_writes(folder: &Path, now: Timestamp) -> Vec<PathBuf> {
    let day = SignedDuration::from_hours(24);
    names(folder, ".autocom-")
        .into_iter()
        .filter(|(path, changed)| {
            path.is_file() && changed.is_some_and(|time| now.duration_since(time) > day)
        })
        .map(|(path, _)| path)
        .collect()
}

/// Where a program is, as the system would find it.
pub fn program(environment: &Environment, name: &str) -> Option<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    let path = environment.os_var("PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    return path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    #[cfg(not(unix))]
    return path.is_file() || path.with_extension("exe").is_file();
}

/// Whether nothing listens on this port of 127.0.0.1. It is not bound to find that out: a login that begins right now
/// must find it free.
pub fn is_free(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}
