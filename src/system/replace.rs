//! Replacing a file as a whole, or not at all.
//!
//! A write is a temporary file in the target's own folder, with its final owner and mode before it has
//! content, flushed to disk and renamed over the target; the folder is flushed too. A reader, and whoever
//! comes after a crash, sees the old file or the new one.
//!
//! A write can be prepared: then the disk space is taken, and whatever the system would refuse is refused,
//! before something is begun that can't be repeated (a refresh token is spent, a code is exchanged).
//!
//! A mount point can't be renamed over. There a complete copy is first written to a folder of our own; then
//! the file is written in place; then the copy is removed. A reader that finds a file that doesn't parse, and
//! such a copy, takes the copy. Nothing else is ever written in place.
//!
//! A temporary file is locked for as long as its process may need it, so that a leftover of a killed process
//! can be told from a write under way.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file_path::{FileError, canonical, file_name, folder_of, follow, make_private_folder};
use super::paths::Place;

/// The mode that a replaced file gets. Its owner and group are kept, as far as the system lets us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// 0600.
    Private,
    /// The mode of the file that is replaced, else 0600. Not for secrets.
    Kept,
    /// 0644. Not for what only its owner may read.
    Public,
}

impl Mode {
    /// A file that a variable names, and that holds no secret, may be meant for others to read.
    pub fn of_config(place: &Place) -> Mode {
        if place.by_variable.is_some() { Mode::Kept } else { Mode::Private }
    }
}

/// A write that only waits for its bytes.
#[derive(Debug)]
pub struct PreparedWrite {
    target: PathBuf,
    /// In the target's folder, or, where the target is a mount point, in `copies`.
    temporary: NamedTempFile,
    /// Where the complete copy lies while a mount point is written.
    copy: Option<PathBuf>,
}

impl PreparedWrite {
    /// Prepares a write of at most `size` bytes to `place`. The caller holds the file's lock.
    ///
    /// # Errors
    /// What the write itself would fail with: no permission, an immutable file, a full disk.
    pub fn new(place: &Place, mode: Mode, size: usize) -> Result<PreparedWrite, FileError> {
        let path = &place.path;
        let target = follow(path).map_err(FileError::io("write", path))?;
        let old = fs::metadata(&target).ok();
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            return Err(FileError::NotAFile { path: path.clone() });
        }
        let copy = match Obstacle::find(&target, old.as_ref()) {
            Some(Obstacle::Refusal(error)) => return Err(FileError::io("write", path)(error)),
            Some(Obstacle::MountPoint) => Some(copy_of(place).ok_or_else(|| no_place_for_copy(path))?),
            None => None,
        };
        let folder = folder_of(copy.as_ref().unwrap_or(&target));
        let mut temporary = make_private_folder(folder)
            .and_then(|()| temporary_for(copy.as_ref().unwrap_or(&target)))
            .and_then(|mut file| {
                reserve(&mut file, size).map(|()| file).map_err(FileError::io("write", path))
            })
            .map_err(|error| if copy.is_some() { no_place_for_copy(path) } else { error })?;
        if copy.is_some() {
            let target =
                OpenOptions::new().write(true).open(&target).map_err(FileError::io("write", path))?;
            reserve_in_place(&target, size);
        } else {
            give_owner_and_mode(temporary.as_file_mut(), old.as_ref(), mode)
                .map_err(FileError::io("write", path))?;
        }
        Ok(PreparedWrite { target, temporary, copy })
    }

    /// Puts `bytes` in place of the file. Answers with the file that the path names now, whose lock is held.
    pub(super) fn finish(mut self, bytes: &[u8]) -> Result<File, FileError> {
        sweep(self.copy.as_ref().unwrap_or(&self.target));
        let failed = || FileError::io("write", &self.target);
        fill(self.temporary.as_file_mut(), bytes).map_err(failed())?;
        let renamed = self.copy.as_ref().unwrap_or(&self.target);
        before_rename(self.temporary.as_file());
        let file = self.temporary.persist(renamed).map_err(|error| failed()(error.error))?;
        flush_folder(renamed).map_err(failed())?;
        let Some(copy) = &self.copy else { return Ok(file) };
        let in_place = || {
            let mut target = OpenOptions::new().read(true).write(true).open(&self.target)?;
            fill(&mut target, bytes)?;
            fs::remove_file(copy)?;
            flush_folder(copy)?;
            Ok(target)
        };
        in_place().map_err(failed())
    }
}

/// Replaces the file behind `path`, which needs no lock since nobody else writes it. Its folder is made (0700)
/// if it is missing.
pub fn replace(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    PreparedWrite::new(&Place::at(path), mode, 0)?.finish(bytes).map(drop)
}

/// The complete copy of a mount point whose write was cut off, if there is one.
pub(super) fn unfinished_copy(place: &Place) -> Option<Vec<u8>> {
    // Most homes have no such folder: then this is one system call.
    place.copies.as_ref().filter(|copies| copies.is_dir())?;
    fs::read(copy_of(place)?).ok()
}

/// Removes the copy of a write in place that was finished, but for this. The caller holds the file's lock.
pub(super) fn drop_finished_copy(place: &Place) {
    if let Some(copy) = unfinished_copy(place)
        && fs::read(&place.path).is_ok_and(|bytes| bytes == copy)
    {
        copy_of(place).into_iter().for_each(|path| _ = fs::remove_file(path));
    }
}

/// Removes what killed processes have left of writes to `path`; answers whether there was something.
/// The caller holds the file's lock.
pub fn sweep(path: &Path) -> bool {
    let left = leftovers(path);
    left.iter().for_each(|path| _ = fs::remove_file(path));
    !left.is_empty()
}

/// The temporary files of writes to `path` whose process is gone.
pub fn leftovers(path: &Path) -> Vec<PathBuf> {
    let Ok(target) = follow(path) else { return Vec::new() };
    let prefix = temporary_prefix(&target);
    // Not a sibling's, whose name begins like this one: six letters and digits follow.
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
        let rest = name.strip_prefix(prefix.as_encoded_bytes());
        rest.is_some_and(|rest| rest.len() == 6 && rest.iter().all(u8::is_ascii_alphanumeric))
    };
    let entries = fs::read_dir(folder_of(&target)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_ours(path) && is_abandoned(path)).collect()
}

/// Whether no process holds the temporary file's lock.
pub fn is_abandoned(temporary: &Path) -> bool {
    let is_file = temporary.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(temporary).is_ok_and(|file| file.try_lock().is_ok())
}

/// The name says which file it is for: whoever holds that one's lock knows it to be a leftover.
fn temporary_prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".autocom-");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push("-");
    prefix
}

fn temporary_for(target: &Path) -> Result<NamedTempFile, FileError> {
    let file = tempfile::Builder::new().prefix(&temporary_prefix(target)).tempfile_in(folder_of(target));
    let file = file.map_err(FileError::io("write", target))?;
    file.as_file().lock().map_err(FileError::io("lock", target))?;
    Ok(file)
}

/// Takes the disk space by writing it: a disk may be full although an empty file can still be made.
fn reserve(file: &mut NamedTempFile, size: usize) -> io::Result<()> {
    if size == 0 {
        return Ok(());
    }
    // Not zeros: some file systems keep what repeats itself in no space at all.
    let mut bytes = vec![0; size];
    fastrand::fill(&mut bytes);
    file.write_all(&bytes)?;
    file.as_file().sync_all()
}

fn fill(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

fn flush_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder_of(file))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

pub(super) fn copy_of(place: &Place) -> Option<PathBuf> {
    let path = canonical(&place.path);
    Some(place.copies.as_ref()?.join(file_name(path.to_str()?)))
}

fn no_place_for_copy(path: &Path) -> FileError {
    FileError::MountPoint { path: path.to_owned() }
}

/// Whether `path`, which is no link, is a mount point, as a file is that a container gets from outside.
pub(super) fn is_mount_point(path: &Path) -> bool {
    matches!(Obstacle::find(path, None), Some(Obstacle::MountPoint))
}

/// Why a file can't be renamed over although its folder can be written.
enum Obstacle {
    /// Told on Linux only.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code))]
    MountPoint,
    Refusal(io::Error),
}

#[cfg(target_os = "linux")]
impl Obstacle {
    fn find(target: &Path, old: Option<&fs::Metadata>) -> Option<Obstacle> {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
        let seen = statx(CWD, target, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
        let has = |flag| seen.as_ref().is_ok_and(|seen| seen.stx_attributes.contains(flag));
        // The root folder of a mounted file system is one, too.
        if has(StatxAttributes::MOUNT_ROOT) {
            return Some(Obstacle::MountPoint);
        }
        let denied = has(StatxAttributes::IMMUTABLE) || has(StatxAttributes::APPEND);
        (denied || is_sticky_for_us(target, old)).then(|| Obstacle::Refusal(rustix::io::Errno::PERM.into()))
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
impl Obstacle {
    fn find(target: &Path, old: Option<&fs::Metadata>) -> Option<Obstacle> {
        is_sticky_for_us(target, old).then(|| Obstacle::Refusal(rustix::io::Errno::PERM.into()))
    }
}

#[cfg(not(unix))]
impl Obstacle {
    fn find(_: &Path, old: Option<&fs::Metadata>) -> Option<Obstacle> {
        let denied = old.is_some_and(|old| old.permissions().readonly());
        denied.then(|| Obstacle::Refusal(io::ErrorKind::PermissionDenied.into()))
    }
}

/// In a sticky folder only the owner of a file, of the folder, or root may rename over it.
#[cfg(unix)]
fn is_sticky_for_us(target: &Path, old: Option<&fs::Metadata>) -> bool {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    let (Some(old), Ok(folder)) = (old, fs::metadata(folder_of(target))) else { return false };
    folder.mode() & 0o1000 != 0 && us != 0 && old.uid() != us && folder.uid() != us
}

/// Owner and group as they were; where that is refused, the group alone, as git does.
#[cfg(unix)]
fn give_owner_and_mode(file: &mut File, old: Option<&fs::Metadata>, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let new = file.metadata()?;
    if let Some(old) = old.filter(|old| (old.uid(), old.gid()) != (new.uid(), new.gid()))
        && fchown(&*file, Some(old.uid()), Some(old.gid())).is_err()
    {
        let _ = fchown(&*file, None, Some(old.gid()));
    }
    let bits = match (mode, old) {
        (Mode::Kept, Some(old)) => old.mode() & 0o777,
        (Mode::Public, _) => 0o644,
        (Mode::Private | Mode::Kept, _) => 0o600,
    };
    // Whatever the umask is.
    file.set_permissions(fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn give_owner_and_mode(_: &mut File, _: Option<&fs::Metadata>, _: Mode) -> io::Result<()> {
    Ok(()) // On Windows the access list is inherited from the folder.
}

/// Best effort: a file system without it writes in place as far as there is space.
#[cfg(target_os = "linux")]
fn reserve_in_place(target: &File, size: usize) {
    let _ = rustix::fs::fallocate(target, rustix::fs::FallocateFlags::KEEP_SIZE, 0, size as u64);
}

#[cfg(not(target_os = "linux"))]
fn reserve_in_place(_: &File, _: usize) {}

/// A lock of Windows keeps readers out: it must not outlive the temporary name.
fn before_rename(temporary: &File) {
    if cfg!(windows) {
        let _ = temporary.unlock();
    }
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "files as other programs write them")]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_stays_a_link_and_its_target_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("dotfiles/real"), dir.path().join("link"));
        make_private_folder(real.parent().unwrap()).unwrap();
        symlink("dotfiles/real", &link).unwrap();
        replace(&link, b"one", Mode::Private).unwrap();
        replace(&link, b"two", Mode::Private).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"two");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(real.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn only_what_a_killed_process_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let place = Place::at(&path);
        let prepared = PreparedWrite::new(&place, Mode::Private, 100).unwrap();
        let left = dir.path().join(".autocom-config.toml-AbC123");
        for other in ["config.toml-AbC123", ".autocom-config.toml-AbC1234"] {
            fs::write(dir.path().join(other), "").unwrap();
        }
        fs::write(&left, "").unwrap();
        assert_eq!(leftovers(&path), [left]);
        assert!(sweep(&path));
        prepared.finish(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn owner_group_and_mode_stay_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "old").unwrap();
        let root = rustix::process::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&path, Some(65534), Some(33)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap();
        replace(&path, b"new", Mode::Kept).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
        assert_ne!(after.ino(), before.ino());
    }
}
