//! Looking at this machine without changing it: files as they are, programs on PATH, ports.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
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

/// Whether a login could listen on this port of 127.0.0.1. Where the kernel lists its listeners, a port that
/// none of them has is not touched: a login that begins right now must find it free.
pub fn is_free(port: u16) -> bool {
    socket_on(port).is_some_and(|socket| socket.is_none())
        || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The program that listens on a port of this machine, where the kernel tells us: our own user's.
pub fn listener(port: u16) -> Option<String> {
    let socket = socket_on(port)??;
    let process = fs::read_dir("/proc").ok()?.filter_map(Result::ok).find(|process| {
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { return false };
        open.filter_map(Result::ok)
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
    })?;
    let name = fs::read_to_string(process.path().join("comm")).ok()?;
    Some(format!("{} (process {})", name.trim(), process.file_name().to_string_lossy()))
}

/// The socket that listens on a port, as Linux names it. `None`: there is no list of them.
fn socket_on(port: u16) -> Option<Option<String>> {
    // Columns: number, local address, remote address, state (0A listens) ... the tenth is the inode.
    let of_line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, here) = words.get(1)?.rsplit_once(':')?;
        let listens = words.get(3) == Some(&"0A") && u16::from_str_radix(here, 16) == Ok(port);
        words.get(9).filter(|_| listens).map(|inode| format!("socket:[{inode}]"))
    };
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let sixth = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Some(table.lines().chain(sixth.lines()).find_map(of_line))
}
