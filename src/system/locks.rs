//! Locks between processes, as files in `locks/`.
//!
//! The kernel frees a lock when its holder dies, so a file that is left over means nothing. The
//! files themselves are never removed: removing one would let two holders in at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::files::{self, FileError};
use super::paths::Place;

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("another autocom process has held {path} for {} seconds", .waited.as_secs())]
    Busy { path: PathBuf, waited: Duration },
    #[error("there is no home folder to keep locks in")]
    NoHome,
}

/// Held until dropped.
#[derive(Debug)]
pub struct LockGuard {
    _file: File,
}

/// The folder of lock files.
#[derive(Debug, Clone)]
pub struct Locks {
    folder: Option<PathBuf>,
    /// Where nothing can be written in that.
    otherwise: Option<PathBuf>,
    patience: Duration,
}

impl Locks {
    pub fn new(folder: Option<PathBuf>) -> Locks {
        Locks { folder, otherwise: None, patience: Duration::from_secs(30) }
    }

    pub fn with_patience(self, patience: Duration) -> Locks {
        Locks { patience, ..self }
    }

    /// Where there is no home: a folder beside the file that a variable names, `<file>.locks`.
    pub fn or_beside(self, place: Option<&Place>) -> Locks {
        Locks { folder: self.folder.or_else(|| Some(beside(place?))), ..self }
    }

    /// Beside a file that a variable names, `<file>.locks`: processes that share it may have homes of their
    /// own, and must meet at one lock all the same.
    pub fn where_it_is(self, place: Option<&Place>) -> Locks {
        match place.filter(|place| place.by_variable.is_some()) {
            Some(place) => Locks { folder: Some(beside(place)), otherwise: self.folder, ..self },
            None => self,
        }
    }

    // Whoever takes several takes them in this order: config.toml, pins.toml, leases and journal, a credential,
    // the credential file, logins.toml.

    /// The lock of `config.toml`.
    pub fn config(&self) -> Result<LockGuard, LockError> {
        self.acquire("config.lock")
    }

    /// The lock of `pins.toml`.
    pub fn pins(&self) -> Result<LockGuard, LockError> {
        self.acquire("pins.lock")
    }

    /// The lock of `logins.toml`.
    pub fn logins(&self) -> Result<LockGuard, LockError> {
        self.acquire("logins.lock")
    }

    /// The lock of the journal and of what is unlocked.
    pub fn protection(&self) -> Result<LockGuard, LockError> {
        self.acquire("protection.lock")
    }

    /// The lock of the credential file as a whole, which several keys share.
    pub fn credentials_file(&self) -> Result<LockGuard, LockError> {
        self.acquire("credentials.lock")
    }

    /// The lock of who logs in or out, from looking at what is there to having written it all. The
    /// locks of the single files are taken inside it.
    pub fn login(&self) -> Result<LockGuard, LockError> {
        self.acquire("login.lock")
    }

    /// The lock of one credential.
    pub fn credential(&self, key: &str) -> Result<LockGuard, LockError> {
        self.acquire(&Locks::name_of(key))
    }

    /// The name of a credential's lock file.
    pub fn name_of(key: &str) -> String {
        format!("key-{}.lock", file_name(key))
    }

    fn acquire(&self, name: &str) -> Result<LockGuard, LockError> {
        let folder = self.folder.as_deref().ok_or(LockError::NoHome)?;
        let (path, file) = match (open_in(folder, name), &self.otherwise) {
            (Err(_), Some(otherwise)) => open_in(otherwise, name)?,
            (opened, _) => opened?,
        };
        let started = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(LockGuard { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(FileError::Io { action: "lock", path, source }.into());
                }
            }
            // std has no lock with a deadline; a blocking one could not be given up.
            if started.elapsed() >= self.patience {
                return Err(LockError::Busy { path, waited: self.patience });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// By the file that is finally meant, whatever it was named by: two names of one file share their locks.
/// A file with the default name has its locks where the default file has them.
fn beside(place: &Place) -> PathBuf {
    let file = files::follow(&place.path).unwrap_or_else(|_| place.path.clone());
    if file.file_name().is_some_and(|name| name == "credentials") {
        return file.with_file_name("locks");
    }
    let mut path = file.into_os_string();
    path.push(".locks");
    path.into()
}

fn open_in(folder: &Path, name: &str) -> Result<(PathBuf, File), FileError> {
    files::make_private_folder(folder)?;
    let path = folder.join(name);
    let file = open(&path)?;
    Ok((path, file))
}

fn open(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| FileError::Io { action: "open", path: path.to_owned(), source })
}

/// `key` as a file name: readable, distinct for distinct keys, also where names ignore case.
fn file_name(key: &str) -> String {
    let readable: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(80)
        .collect();
    // FNV-1a: the name must be the same in every build of autocom, which std's hashers don't promise.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{readable}-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_distinct_keys_do_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::new(Some(dir.path().join("locks"))).with_patience(Duration::ZERO);
        let held = locks.credential("https://a.test/api/v1").unwrap();
        assert!(matches!(locks.credential("https://a.test/api/v1"), Err(LockError::Busy { .. })));
        locks.credential("https://a_test/api/v1").unwrap();
        locks.config().unwrap();
        drop(held);
        locks.credential("https://a.test/api/v1").unwrap();
    }

    #[test]
    fn names_of_lock_files_stay_apart_and_short() {
        assert_ne!(file_name("a/b"), file_name("a:b"));
        assert_ne!(file_name("Prod"), file_name("prod"));
        assert!(file_name(&"x".repeat(5000)).len() < 120);
    }
}
