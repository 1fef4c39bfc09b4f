//! Commands that are stopped at a lock: a test holds it, changes what the command has decided on, and lets go.

use std::fs::{self, File};
use std::path::PathBuf;

use super::world::{Running, World, until};

/// The lock of a home's `config.toml`, until it is dropped.
pub struct ConfigLock {
    _file: File,
    path: PathBuf,
}

impl ConfigLock {
    pub fn hold(world: &World) -> ConfigLock {
        let path = world.path("config.toml");
        let file = File::open(&path).unwrap();
        file.lock().unwrap();
        ConfigLock { _file: file, path }
    }

    /// Waits until the command stands at the lock.
    #[track_caller]
    pub fn awaited_by(&self, running: &Running) {
        let folder = format!("/proc/{}/fd", running.id());
        // Whoever only reads the file does not open it for writing.
        let waits = |fd: fs::DirEntry| {
            let info = fs::read_to_string(fd.path().to_string_lossy().replace("/fd/", "/fdinfo/"));
            let flags =
                info.ok().and_then(|info| Some(info.lines().nth(1)?.split_whitespace().nth(1)?.to_owned()));
            fs::read_link(fd.path()).is_ok_and(|target| target == self.path)
                && flags.is_some_and(|flags| flags.ends_with(['1', '2']))
        };
        let arrived = until(|| fs::read_dir(&folder).into_iter().flatten().flatten().any(waits));
        assert!(arrived, "the command does not come to the lock");
    }
}
