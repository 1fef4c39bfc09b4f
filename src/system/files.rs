//! Reading files with their owners and modes in mind, and adding lines to them.

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
use super::accounts;
pub use super::file_path::{FileError, canonical, check_withheld, make_private_folder, withhold};
use super::file_path::{folder_of, is_absence};
use super::paths::Place;
use super::replace::{self, Mode};
use super::reporter::Reporter;

/// No file of ours comes near this; one that does is not ours.
const LARGEST: u64 = 64 << 20;

/// What a file's owner and mode must be before it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// At our default path: ours or root's, and tightened to 0600 with a warning.
    Tighten,
    /// Named by variable, holds secrets: ours or root's, a warning if too open.
    WarnOnly,
    /// Named by variable, holds none: taken as it is.
    AsIs,
    /// The same, for one who must not wait, as for whoever writes into a pipe.
    AsIsAtOnce,
}

impl Trust {
    /// Whether the file may belong to anybody, and have any mode.
    #[cfg(unix)]
    fn is_blind(self) -> bool {
        matches!(self, Trust::AsIs | Trust::AsIsAtOnce)
    }

    /// A file at its default path must belong to the user or root and is tightened to 0600. A file that a variable
    /// names keeps its mode, and its owner and mode are checked only if it holds secrets.
    pub fn new(place: &Place, holds_secrets: bool) -> Trust {
        match (place.by_variable, holds_secrets) {
            (None, _) if place.look_only => Trust::WarnOnly,
            (None, _) => Trust::Tighten,
            (Some(_), true) => Trust::WarnOnly,
            (Some(_), false) if place.look_only => Trust::AsIsAtOnce,
            (Some(_), false) => Trust::AsIs,
        }
    }
}

/// The file's bytes, or `None` if there is no such file.
pub fn read(path: &Path, trust: Trust, reporter: &Reporter) -> Result<Option<Vec<u8>>, FileError> {
    let file = match open(path, trust) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(FileError::io("read", path)(error)),
    };
    let metadata = file.metadata().map_err(FileError::io("read", path))?;
    if metadata.is_dir() || (trust != Trust::AsIs && !metadata.is_file()) {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    let too_large = || FileError::TooLarge { path: path.to_owned(), limit: LARGEST };
    if metadata.len() > LARGEST {
        return Err(too_large());
    }
    check_owner_and_mode(path, &file, &metadata, trust, reporter)?;
    let bytes = read_at_most(&file, &metadata, LARGEST).map_err(FileError::io("read", path))?;
    bytes.ok_or_else(too_large).map(Some)
}

/// As [`read`], but where a write in place was cut off, so that the file `is_torn`, the complete copy that was
/// made before it. The next write of the file finishes what was begun.
pub fn read_whole(
    place: &Place,
    trust: Trust,
    reporter: &Reporter,
    is_torn: impl Fn(&[u8]) -> bool,
) -> Result<Option<Vec<u8>>, FileError> {
    let bytes = read(&place.path, trust, reporter)?;
    let copy = bytes.as_ref().and_then(|_| replace::unfinished_copy(place)).filter(|copy| !is_torn(copy));
    match (copy, bytes) {
        (Some(copy), Some(bytes)) if is_torn(&bytes) => {
            reporter.warn(format!(
                "a write to {} was interrupted; using the complete copy of it",
                place.path.display()
            ));
            Ok(Some(copy))
        }
        (_, bytes) => Ok(bytes),
    }
}

/// The bytes of a file that somebody else has put there, as in a repository that was cloned: a regular file
/// of at most `limit` bytes, else an error. No link is followed, and nothing that could wait is opened.
pub fn read_of_other_user(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    let failed = FileError::io("read", path);
    // Looked at by name first: to open a device may already do something.
    let fit = |metadata: &fs::Metadata| match metadata {
        it if it.is_symlink() => Err(FileError::Link { path: path.to_owned() }),
        it if !it.is_file() => Err(FileError::NotAFile { path: path.to_owned() }),
        it if it.len() > limit => Err(FileError::TooLarge { path: path.to_owned(), limit }),
        _ => Ok(()),
    };
    match path.symlink_metadata() {
        Ok(metadata) => fit(&metadata)?,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        // It may have become another since.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let bytes = options.open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = bytes.map_err(failed)?;
    fit(&metadata)?;
    let bytes = read_at_most(&file, &metadata, limit).map_err(FileError::io("read", path))?;
    bytes.ok_or_else(|| FileError::TooLarge { path: path.to_owned(), limit }).map(Some)
}

/// `None` if there are more than `limit`, whatever the metadata said.
fn read_at_most(file: &File, metadata: &fs::Metadata, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Nobody writes to a pipe that lies about at a path of ours: opening it must not wait. A config
/// that a variable names may well be one, as in `AUTOCOM_CONFIG=<(generate)`.
fn open(path: &Path, trust: Trust) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    if trust != Trust::AsIs {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    #[cfg(not(unix))]
    let _ = trust;
    options.open(path)
}

/// Checks the folder of our files: ours or root's; the default one is tightened to 0700 with a
/// warning. One that a variable names may be shared (`/tmp`), so it is never chmodded.
#[cfg(unix)]
pub fn check_folder(place: &Place, reporter: &Reporter) -> Result<(), FileError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let path = &place.path;
    let found = fs::metadata(path);
    let owner = found.as_ref().ok().map(MetadataExt::uid);
    if let Some(owner) = owner {
        check_owner(path, owner, true)?;
    }
    // The default one is in a home, which may be another's although this folder is root's.
    let parent = fs::metadata(folder_of(path)).ok().filter(|_| place.by_variable.is_none());
    let mut owners = owner.into_iter().chain(parent.map(|home| home.uid()));
    if is_root()
        && check_withheld(path).is_ok()
        && let Some(owner) = owners.find(|owner| *owner != 0)
    {
        reporter.warn(format!(
            "running as root in the home of {}: files that autocom creates in {} will belong to root",
            accounts::name_of(owner),
            path.display()
        ));
    }
    let Ok(metadata) = found else { return Ok(()) }; // whoever reads a file in it will say
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 || !metadata.is_dir() {
        return Ok(());
    }
    let ours = place.by_variable.is_none() && !place.look_only;
    if ours && fs::set_permissions(path, fs::Permissions::from_mode(0o700)).is_ok() {
        reporter.warn(format!("{} was open to others (mode {mode:04o}); it is 0700 now", path.display()));
    } else if mode & 0o022 != 0 {
        reporter.warn(format!("{} can be written by others (mode {mode:04o})", path.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn check_folder(_: &Place, _: &Reporter) -> Result<(), FileError> {
    Ok(())
}

/// Adds a line to a file that only grows, mode 0600, and sees it safe on disk. What a crash has cut short
/// stays a line of its own. Whoever calls holds the file's lock.
pub fn append_line(path: &Path, line: &str, trust: Trust, reporter: &Reporter) -> Result<(), FileError> {
    make_private_folder(folder_of(path))?;
    let failed = || FileError::io("write", path);
    let mut options = fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Not waiting: nobody reads a pipe that lies about here.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let mut file = options.open(path).map_err(failed())?;
    let metadata = file.metadata().map_err(failed())?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    check_owner_and_mode(path, &file, &metadata, trust, reporter)?;
    let mut last = [b'\n'];
    if metadata.len() > 0 {
        file.seek(io::SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(failed())?;
    }
    let begin = if last == [b'\n'] { "" } else { "\n" };
    // At once, so that a line is whole or cut short, never mixed with another.
    file.write_all(format!("{begin}{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(failed())
}

/// Hands each line of a file that may be of any size to `take`; a missing one has none.
pub fn each_line(
    path: &Path,
    trust: Trust,
    reporter: &Reporter,
    mut take: impl FnMut(&[u8]),
) -> Result<(), FileError> {
    let file = match open(path, trust) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(()),
        Err(error) => return Err(FileError::io("read", path)(error)),
    };
    let metadata = file.metadata().map_err(FileError::io("read", path))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    check_owner_and_mode(path, &file, &metadata, trust, reporter)?;
    let mut lines = io::BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line of ours is short; what has no end is none.
        let read = (&mut lines).take(LARGEST).read_until(b'\n', &mut line);
        if read.map_err(FileError::io("read", path))? == 0 {
            return Ok(());
        }
        take(line.strip_suffix(b"\n").unwrap_or(&line));
    }
}

/// Puts a copy of a file that can't be used beside it: `NAME.old`, `NAME.old-2`... Not a rename: a crash
/// right here must leave the file where it was.
pub fn keep_aside(path: &Path, bytes: &[u8]) -> Result<PathBuf, FileError> {
    let kept = name_aside(path);
    replace::replace(&kept, bytes, Mode::Private)?;
    Ok(kept)
}

/// The first name that is free for [`keep_aside`].
pub fn name_aside(path: &Path) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(if n == 1 { ".old".to_owned() } else { format!(".old-{n}") });
        path.with_file_name(name)
    };
    (1..).map(numbered).find(|kept| kept.symlink_metadata().is_err()).unwrap_or_default()
}

/// Removes a file.
pub fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(FileError::io("remove", path))
}

#[cfg(unix)]
fn check_owner_and_mode(
    path: &Path,
    file: &File,
    metadata: &fs::Metadata,
    trust: Trust,
    reporter: &Reporter,
) -> Result<(), FileError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if trust.is_blind() {
        return Ok(());
    }
    let folder = fs::metadata(folder_of(path)).ok().map(|folder| folder.uid());
    check_owner(path, metadata.uid(), folder == Some(metadata.uid()))?;
    // Whoever owns the folder can put any file there.
    if let Some(owner) = folder.filter(|_| trust == Trust::Tighten) {
        check_owner(folder_of(path), owner, true)?;
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if trust == Trust::Tighten && file.set_permissions(fs::Permissions::from_mode(0o600)).is_ok() {
        reporter.warn(format!("{} was open to others (mode {mode:04o}); it is 0600 now", path.display()));
    } else {
        reporter.warn(format!("{} is open to others (mode {mode:04o})", path.display()));
    }
    Ok(())
}

/// Ours or root's. Root also takes what is `expected` to be another's, as in a container whose home is.
#[cfg(unix)]
fn check_owner(path: &Path, owner: u32, expected: bool) -> Result<(), FileError> {
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    check_withheld(path)?;
    if is_root() && expected { Ok(()) } else { Err(FileError::Owner { path: path.to_owned(), owner }) }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn check_owner_and_mode(
    _: &Path,
    _: &File,
    _: &fs::Metadata,
    _: Trust,
    _: &Reporter,
) -> Result<(), FileError> {
    Ok(()) // On Windows the access list is inherited from the profile folder.
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "files as other programs write them")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_of_ours_that_is_too_open_is_tightened_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "x").unwrap();
        for (trust, after) in [(Trust::AsIs, 0o644), (Trust::WarnOnly, 0o644), (Trust::Tighten, 0o600)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let said = std::sync::Arc::new(std::sync::Mutex::new(0));
            let count = said.clone();
            let reporter = Reporter::new(move |_, _| *count.lock().unwrap() += 1);
            assert_eq!(read(&path, trust, &reporter).unwrap().unwrap(), b"x");
            assert_eq!(mode(&path), after, "{trust:?}");
            assert_eq!(*said.lock().unwrap(), i32::from(trust != Trust::AsIs), "{trust:?}");
        }
    }

    #[test]
    fn a_write_in_place_that_was_cut_off_is_read_from_its_copy_until_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let copies = dir.path().join("copies");
        let place = Place { copies: Some(copies.clone()), ..Place::at(dir.path().join("config.toml")) };
        let read = || {
            let quiet = Reporter::silent();
            read_whole(&place, Trust::AsIs, &quiet, |bytes| !bytes.ends_with(b".")).unwrap().unwrap()
        };
        replace::replace(&replace::copy_of(&place).unwrap(), b"new, and whole.", Mode::Private).unwrap();
        for (bytes, seen) in [("new, and w", "new, and whole."), ("old.", "old.")] {
            replace::replace(&place.path, bytes.as_bytes(), Mode::Private).unwrap();
            assert_eq!(String::from_utf8(read()).unwrap(), seen);
        }
    }

    #[test]
    fn what_is_not_there_is_none_and_a_folder_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let quiet = Reporter::silent();
        assert!(read(&dir.path().join("none"), Trust::Tighten, &quiet).unwrap().is_none());
        assert!(matches!(read(dir.path(), Trust::Tighten, &quiet), Err(FileError::NotAFile { .. })));
    }
}
