//! Where a file really is, the folder that it is in, and what can go wrong with either.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(unix)]
use super::accounts;
use crate::domain::checksum;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("could not {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} belongs to user {owner}, not to you or root")]
    Owner { path: PathBuf, owner: u32 },
    #[error("{path} is not a regular file")]
    NotAFile { path: PathBuf },
    /// In the home of the user who runs this process as another one, with sudo or the like.
    #[error("cannot use {path} as {us}: it is in the home of {user}")]
    Withheld { path: PathBuf, user: String, us: String },
    #[error("{path} is a symbolic link")]
    Link { path: PathBuf },
    #[error("cannot write {path}: it is a mount point, and there is no writable home for a copy of it")]
    MountPoint { path: PathBuf },
    #[error("{path} is larger than {}", if *limit < 1 << 20 { format!("{} KiB", limit >> 10) } else { format!("{} MiB", limit >> 20) })]
    TooLarge { path: PathBuf, limit: u64 },
}

impl FileError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        move |source| FileError::Io { action, path: path.to_owned(), source }
    }

    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            FileError::Io { path, .. }
            | FileError::Owner { path, .. }
            | FileError::NotAFile { path }
            | FileError::Withheld { path, .. }
            | FileError::Link { path }
            | FileError::MountPoint { path }
            | FileError::TooLarge { path, .. } => path,
        }
    }

    /// Whether the file system can't be written at all, as in a read-only home.
    pub fn is_read_only(&self) -> bool {
        matches!(self, FileError::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied))
    }
}

/// `path` (absolute) without links and dots, as far as it exists: two names of one folder are one.
pub fn canonical(path: &Path) -> PathBuf {
    let (mut found, mut rest) = (path.canonicalize().ok(), Vec::new());
    let mut left = path;
    while found.is_none() {
        let (Some(parent), Some(last)) = (left.parent(), left.components().next_back()) else { break };
        rest.push(last);
        left = parent;
        found = left.canonicalize().ok();
    }
    let mut found = found.unwrap_or_else(|| left.to_owned());
    for part in rest.into_iter().rev() {
        match part {
            std::path::Component::ParentDir => drop(found.pop()),
            part => found.push(part),
        }
    }
    found
}

pub(super) fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that `path` finally names, whether or not it exists.
pub(super) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // The kernel's own limit on Linux.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Makes the folder and its missing parents, each 0700.
pub fn make_private_folder(folder: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    if !accounts::owns(accounts::effective_uid(), folder) {
        check_withheld(folder)?;
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(FileError::io("create", folder))
}

pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// `key` as a file name: readable, distinct for distinct keys, also where names ignore case.
pub(super) fn file_name(key: &str) -> String {
    let readable: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(80)
        .collect();
    let hash = checksum(key.as_bytes());
    format!("{readable}-{hash:016x}")
}

/// A folder that this process must not create, and must not use if it belongs to `user`.
struct Withheld {
    folder: PathBuf,
    user: String,
    us: String,
}

/// Keeps `us` from creating `folder`, which is in the home of `user`, or using it. The first call counts.
pub fn withhold(folder: &Path, user: String, us: String) {
    let _ = WITHHELD.set(Withheld { folder: folder.to_owned(), user, us });
}

/// Whether `path` is in a folder that [`withhold`] keeps from us.
pub fn check_withheld(path: &Path) -> Result<(), FileError> {
    match WITHHELD.get().filter(|withheld| path.starts_with(&withheld.folder)) {
        Some(Withheld { folder, user, us }) => {
            Err(FileError::Withheld { path: folder.clone(), user: user.clone(), us: us.clone() })
        }
        None => Ok(()),
    }
}

/// For the process as a whole, as the user that it runs as is: every write creates the folders that it needs.
static WITHHELD: OnceLock<Withheld> = OnceLock::new();
