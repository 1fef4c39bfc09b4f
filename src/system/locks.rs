//! Locks between processes. A lock belongs to the file that it guards, so that every path to the file, from
//! any home and as any user, meets in one lock.
//!
//! Unix: flock on the file itself. Replacing the file puts another inode in its place, so the new one is
//! locked before the rename, and who waited for the old one looks again. A file that is missing is made
//! empty to be locked, and removed again if nothing is written. Windows keeps others from reading a locked
//! file, so there `<file>.lock` beside it is locked.
//!
//! A credential is locked while the platform is asked, which must not hold up other credentials in the same
//! file: so each has a lock file of its own, in a folder beside the credential file. A keychain has no file:
//! its lock files lie in the session's runtime folder, or in the home of the user who owns the keychain.
//!
//! There is never another lock in place of one that can't be had: then nothing is written.
//!
//! Autocom 0.1.0 of November 2026 and before locked files in `locks/`. For one release these are locked as well.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::accounts;
use super::file_path::{file_name, folder_of, follow};
use super::files::{self, FileError};
use super::lock_holder::LockHolder;
use super::paths::{Paths, Place};
use super::replace::{self, Mode, PreparedWrite};
use crate::domain::StoreKind;

const CONFIG: &str = "config.lock";
const PROTECTION: &str = "protection.lock";
const CREDENTIALS: &str = "credentials.lock";
const LOGIN: &str = "login.lock";

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{} has held the lock on {path} for {} seconds", held_by(.holder), .waited.as_secs())]
    Busy { path: PathBuf, waited: Duration, holder: Option<LockHolder> },
    #[error("there is no home folder to keep locks in")]
    NoHome,
}

/// The locks of this invocation.
#[derive(Debug, Clone)]
pub struct Locks {
    /// The folder of lock files in the home.
    folder: Option<PathBuf>,
    runtime: Option<PathBuf>,
    credentials: Option<Place>,
    patience: Duration,
}

/// A file that no other process writes until this is dropped.
#[derive(Debug)]
pub struct FileLock {
    place: Place,
    target: PathBuf,
    file: Arc<File>,
    /// Whether the file was made for its lock, and is still empty.
    made: bool,
    _old: Option<Arc<File>>,
}

/// The locks of one credential, held until the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct LockGuard {
    _files: Vec<Arc<File>>,
}

/// One of the locks of a credential.
enum LockStep {
    Own(PathBuf),
    /// That of old versions.
    Old(PathBuf),
    /// A mounted credential file itself.
    Mounted(PathBuf),
}

impl LockStep {
    fn path(&self) -> &Path {
        let (LockStep::Own(path) | LockStep::Old(path) | LockStep::Mounted(path)) = self;
        path
    }
}

impl Locks {
    pub fn new(paths: &Paths) -> Locks {
        let (folder, runtime, credentials) = (
            paths.locks.clone(),
            paths.runtime_dir.as_ref().map(|folder| folder.join("autocom")),
            paths.credentials.clone(),
        );
        Locks { folder, runtime, credentials, patience: Duration::from_secs(30) }
    }

    pub fn with_patience(self, patience: Duration) -> Locks {
        Locks { patience, ..self }
    }

    pub fn config(&self, place: &Place) -> Result<FileLock, LockError> {
        self.file(place, Some(self.old(CONFIG).unwrap_or_else(|| beside(place).join(CONFIG))))
    }

    /// The lock of `pins.toml`. Taken after that of `config.toml`.
    pub fn pins(&self, place: &Place) -> Result<FileLock, LockError> {
        self.file(place, self.old(CONFIG))
    }

    /// The lock of a file about protected profiles. Taken after those of `config.toml` and `pins.toml`.
    pub fn protection(&self, place: &Place) -> Result<FileLock, LockError> {
        self.file(place, self.old(PROTECTION))
    }

    /// The lock of the credential file as a whole. Taken after that of the credential.
    pub fn credentials_file(&self, place: &Place) -> Result<FileLock, LockError> {
        self.file(place, self.old_beside(place, CREDENTIALS))
    }

    /// The lock of `logins.toml`. Taken after all others. An old autocom may overwrite what is written under
    /// it, which is no loss: the file is a cache.
    pub fn logins(&self, place: &Place) -> Result<FileLock, LockError> {
        self.file(place, None)
    }

    /// The lock that old versions hold while they log in or out.
    pub fn old_login(&self) -> Result<LockGuard, LockError> {
        let file = self.old(LOGIN).map(|path| self.lock_old(&path)).transpose()?.flatten();
        Ok(LockGuard { _files: file.into_iter().collect() })
    }

    /// The locks of a credential in `stores`, always in the same order. To be taken together: one file may be the
    /// lock for both stores.
    pub fn credential(&self, key: &str, stores: &[StoreKind]) -> Result<LockGuard, LockError> {
        let name = Locks::name_of(key);
        let mut steps = Vec::new();
        if stores.contains(&StoreKind::Keychain) {
            let own_home = || Some(accounts::own_home()?.join(".autocom").join("locks"));
            let folder = self.runtime.clone().or_else(own_home).ok_or(LockError::NoHome)?;
            steps.extend(self.old(&name).map(LockStep::Old));
            steps.push(LockStep::Own(folder.join(&name)));
        }
        if stores.contains(&StoreKind::File) {
            let place = self.credentials.as_ref().ok_or(LockError::NoHome)?;
            steps.extend(self.old_beside(place, &name).map(LockStep::Old));
            if replace::is_mount_point(&place.path) {
                // What lies beside a mounted file is not what lies beside it elsewhere. In this process the lock
                // file in the home keeps the credentials apart.
                steps.push(LockStep::Mounted(canonical(place)));
                let folder = self.folder.as_ref().ok_or(LockError::NoHome)?;
                steps.push(LockStep::Own(folder.join(&name)));
            } else {
                steps.push(LockStep::Own(beside(place).join(&name)));
            }
        }
        let mut files: Vec<(PathBuf, Arc<File>)> = Vec::new();
        for step in &steps {
            let path = files::canonical(step.path());
            if files.iter().any(|(locked, _)| *locked == path) {
                continue;
            }
            let is_own =
                |other: &LockStep| matches!(other, LockStep::Own(own) if files::canonical(own) == path);
            let file = match step {
                LockStep::Old(old) if !steps.iter().any(is_own) => self.lock_old(old)?,
                LockStep::Old(own) | LockStep::Own(own) => Some(Arc::new(self.lock_named(own)?)),
                LockStep::Mounted(file) => Some(shared(file, |path| self.lock_file(path))?),
            };
            files.extend(file.map(|file| (path, file)));
        }
        Ok(LockGuard { _files: files.into_iter().map(|(_, file)| file).collect() })
    }

    /// The name of a credential's lock file.
    pub fn name_of(key: &str) -> String {
        format!("key-{}.lock", file_name(key))
    }

    fn old(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(name))
    }

    /// Where old versions lock something about a credential file.
    fn old_beside(&self, place: &Place, name: &str) -> Option<PathBuf> {
        if place.by_variable.is_some() { Some(beside(place).join(name)) } else { self.old(name) }
    }

    fn file(&self, place: &Place, old: Option<PathBuf>) -> Result<FileLock, LockError> {
        // First, so that an old version which waits for it holds nothing that is needed here.
        let old = old.map(|old| self.lock_old(&old)).transpose()?.flatten();
        let target = follow(&place.path).map_err(FileError::io("lock", &place.path))?;
        let (file, made) = if replace::is_mount_point(&target) {
            let file = shared(&target, |path| self.lock_file(path))?;
            replace::drop_finished_copy(place);
            (file, false)
        } else {
            let made = target.symlink_metadata().is_err();
            (Arc::new(self.lock_file(&target)?), made)
        };
        Ok(FileLock { place: place.clone(), target, file, made, _old: old })
    }

    /// Locks the file that `path` names when the lock is had, which is made if there is none.
    #[cfg(unix)]
    fn lock_file(&self, path: &Path) -> Result<File, LockError> {
        let started = Instant::now();
        loop {
            let file = open_or_make(path)?;
            self.wait_for(&file, path, started)?;
            if names(path, &file) {
                return Ok(file);
            }
        }
    }

    #[cfg(not(unix))]
    fn lock_file(&self, path: &Path) -> Result<File, LockError> {
        let mut path = path.to_owned().into_os_string();
        path.push(".lock");
        self.lock_named(Path::new(&path))
    }

    /// Locks a file that is nothing but a lock, and is never removed.
    fn lock_named(&self, path: &Path) -> Result<File, LockError> {
        files::make_private_folder(folder_of(path))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(FileError::io("lock", path))?;
        self.wait_for(&file, path, Instant::now())?;
        Ok(file)
    }

    /// The lock of an old version, which this process may hold several times. `None` where it can't be had:
    /// then no old version has it either.
    fn lock_old(&self, path: &Path) -> Result<Option<Arc<File>>, LockError> {
        match shared(path, |path| self.lock_named(path)) {
            Ok(file) => Ok(Some(file)),
            Err(error @ LockError::Busy { .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn wait_for(&self, file: &File, path: &Path, started: Instant) -> Result<(), LockError> {
        let mut pause = Duration::from_millis(2);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(FileError::io("lock", path)(source).into()),
            }
            // std has no lock with a deadline; a blocking one could not be given up.
            if started.elapsed() >= self.patience {
                let holder = LockHolder::find(file);
                return Err(LockError::Busy { path: path.to_owned(), waited: self.patience, holder });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn held_by(holder: &Option<LockHolder>) -> String {
    holder.as_ref().map_or_else(|| "another autocom process".to_owned(), ToString::to_string)
}

impl FileLock {
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether there was no such file, and nothing is written yet.
    pub fn is_new(&self) -> bool {
        self.made
    }

    /// Takes the space for a write of at most `size` bytes, which may be made after this lock was released,
    /// under another.
    pub fn prepare(&self, mode: Mode, size: usize) -> Result<PreparedWrite, FileError> {
        PreparedWrite::new(&self.place, mode, size)
    }

    /// Replaces the file, and holds the lock of the one that is there now.
    pub fn replace(&mut self, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
        let prepared = self.prepare(mode, 0)?;
        self.finish(prepared, bytes)
    }

    /// As [`replace`](Self::replace), with a write that was prepared before.
    pub fn finish(&mut self, prepared: PreparedWrite, bytes: &[u8]) -> Result<(), FileError> {
        let file = prepared.finish(bytes)?;
        self.made = false;
        // Elsewhere the lock is another file's, which stays. A mount point keeps its inode.
        if cfg!(unix) && !replace::is_mount_point(&self.target) {
            self.file = Arc::new(file);
        }
        Ok(())
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let is_empty = || fs::metadata(&self.target).is_ok_and(|metadata| metadata.len() == 0);
        if cfg!(unix) && self.made && is_empty() {
            let _ = fs::remove_file(&self.target);
        }
    }
}

/// A lock that threads of this process hold together.
fn shared(path: &Path, lock: impl FnOnce(&Path) -> Result<File, LockError>) -> Result<Arc<File>, LockError> {
    static HELD: Mutex<Option<HashMap<PathBuf, Weak<File>>>> = Mutex::new(None);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let held = held.get_or_insert_default();
    if let Some(file) = held.get(path).and_then(Weak::upgrade) {
        return Ok(file);
    }
    let file = Arc::new(lock(path)?);
    held.insert(path.to_owned(), Arc::downgrade(&file));
    Ok(file)
}

#[cfg(unix)]
fn open_or_make(path: &Path) -> Result<File, FileError> {
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = FileError::io("lock", path);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let opened = options.clone().write(true).open(path);
    let opened = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            files::make_private_folder(folder_of(path))?;
            // Another process may make it first.
            options.clone().write(true).create(true).truncate(false).mode(0o600).open(path)
        }
        // A file that can't be written may still be replaced; its lock is the same.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            options.open(path).map_err(|_| error)
        }
        opened => opened,
    };
    let file = opened.map_err(failed)?;
    match file.metadata() {
        Ok(metadata) if !metadata.is_file() => Err(FileError::NotAFile { path: path.to_owned() }),
        _ => Ok(file),
    }
}

/// Whether the path names this very file now.
#[cfg(unix)]
fn names(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((fs::metadata(path), file.metadata()), (Ok(now), Ok(held)) if id(&now) == id(&held))
}

fn canonical(place: &Place) -> PathBuf {
    files::canonical(&follow(&place.path).unwrap_or_else(|_| place.path.clone()))
}

/// The folder for the locks of single credentials, by the file that is finally meant, whatever it was named by.
/// A file with the default name has them where the default file has them.
fn beside(place: &Place) -> PathBuf {
    let file = canonical(place);
    if file.file_name().is_some_and(|name| name == "credentials") {
        return file.with_file_name("locks");
    }
    let mut path = file.into_os_string();
    path.push(".locks");
    path.into()
}
