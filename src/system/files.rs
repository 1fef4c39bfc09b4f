//! Reading files with their modes in mind, and replacing them whole or not at all.
//!
//! A write is a temporary file in the target's own folder, with its final mode from the first byte,
//! flushed to disk and renamed over the target; the folder is flushed too. Whoever reads meanwhile,
//! and whoever comes after a crash, sees the old file or the new one. What a process that was killed leaves
//! behind is removed by the next that writes the same file, whose lock it holds.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(unix)]
use super::accounts;
use super::notices::Notices;
use super::paths::Place;

/// No file of ours comes near this; one that does is not ours.
const LARGEST: u64 = 64 << 20;

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
    #[error("{path} is larger than {}", if *limit < 1 << 20 { format!("{} KiB", limit >> 10) } else { format!("{} MiB", limit >> 20) })]
    TooLarge { path: PathBuf, limit: u64 },
}

impl FileError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
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
            | FileError::TooLarge { path, .. } => path,
        }
    }

    /// Whether the file system can't be written at all, as in a read-only home.
    pub fn is_read_only(&self) -> bool {
        matches!(self, FileError::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied))
    }
}

/// What a file's owner and mode must be before it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// At our default path: ours or root's, and tightened to 0600 with a warning.
    Tighten,
    /// Named by variable, holds secrets: ours or root's, a warning if too open.
    WarnOnly,
    /// Named by variable, holds none: taken as it is.
    AsIs,
}

impl Trust {
    /// The rule of section 2 for `place`.
    pub fn of(place: &Place, holds_secrets: bool) -> Trust {
        match (place.by_variable, holds_secrets) {
            (None, _) if place.look_only => Trust::WarnOnly,
            (None, _) => Trust::Tighten,
            (Some(_), true) => Trust::WarnOnly,
            (Some(_), false) => Trust::AsIs,
        }
    }
}

/// A folder that this process must not create, and must not use if it belongs to `user`.
struct Withheld {
    folder: PathBuf,
    user: String,
    us: String,
}

/// For the process as a whole, as the user that it runs as is: every write creates the folders that it needs.
static WITHHELD: OnceLock<Withheld> = OnceLock::new();

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

/// The file's bytes, or `None` if there is no such file.
pub fn read(path: &Path, trust: Trust, notices: &Notices) -> Result<Option<Vec<u8>>, FileError> {
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
    check_owner_and_mode(path, &file, &metadata, trust, notices)?;
    let bytes = read_at_most(&file, &metadata, LARGEST).map_err(FileError::io("read", path))?;
    bytes.ok_or_else(too_large).map(Some)
}

/// The bytes of a file that somebody else has put there, as in a repository that was cloned: a regular file
/// of at most `limit` bytes, else an error. No link is followed, and nothing that could wait is opened.
pub fn read_strangers(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
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
pub fn check_folder(place: &Place, notices: &Notices) -> Result<(), FileError> {
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
        notices.warn(format!(
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
        notices.warn(format!("{} was open to others (mode {mode:04o}); it is 0700 now", path.display()));
    } else if mode & 0o022 != 0 {
        notices.warn(format!("{} can be written by others (mode {mode:04o})", path.display()));
    }
    Ok(())
}

#[cfg(not(unix))]
pub fn check_folder(_: &Place, _: &Notices) -> Result<(), FileError> {
    Ok(())
}

/// Replaces the file behind `path` by `bytes`, mode 0600. A symbolic link stays and its target is
/// replaced. The folder is made (0700) if it is missing.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace_with(path, bytes, Mode::Private)
}

/// As [`replace`], but a file that is there keeps its mode: a config that a variable names may be
/// meant for others to read. Never for secrets.
pub fn replace_keeping_mode(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace_with(path, bytes, Mode::Kept)
}

/// As [`replace`], but for everybody to read (0644), the folder by the umask: a manual page. Never for what is
/// ours alone.
pub fn replace_for_all(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    fs::create_dir_all(folder_of(path)).map_err(FileError::io("create", folder_of(path)))?;
    replace_with(path, bytes, Mode::Public)
}

/// The mode of a file that is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Private,
    Kept,
    Public,
}

fn replace_with(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    let target = follow(path).map_err(FileError::io("write", path))?;
    let failed = || FileError::io("write", path);
    // A config that a variable names may be shared by homes whose locks are not: what lies beside it may be
    // another's write, and no secret in any case.
    if mode == Mode::Private {
        leftovers(&target).iter().for_each(|path| _ = fs::remove_file(path));
    }
    let mut temporary = temporary_for(&target)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Whatever the umask is.
        let old = fs::metadata(&target).ok().filter(|_| mode == Mode::Kept);
        let otherwise = if mode == Mode::Public { 0o644 } else { 0o600 };
        let mode = old.map_or(otherwise, |metadata| metadata.permissions().mode() & 0o777);
        temporary.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(failed())?;
    }
    temporary.write_all(bytes).map_err(failed())?;
    temporary.as_file().sync_all().map_err(failed())?;
    temporary.persist(&target).map_err(|error| failed()(error.error))?;
    #[cfg(unix)]
    File::open(folder_of(&target)).and_then(|folder| folder.sync_all()).map_err(failed())?;
    Ok(())
}

/// Adds a line to a file that only grows, mode 0600, and sees it safe on disk. What a crash has cut short
/// stays a line of its own. Whoever calls holds the file's lock.
pub fn append_line(path: &Path, line: &str, trust: Trust, notices: &Notices) -> Result<(), FileError> {
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
    check_owner_and_mode(path, &file, &metadata, trust, notices)?;
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
    notices: &Notices,
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
    check_owner_and_mode(path, &file, &metadata, trust, notices)?;
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
    replace(&kept, bytes)?;
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

/// Whether a file of `size` bytes could be written at `path`, found out by writing one beside it: a disk may
/// be full although an empty file can still be made. Whoever calls holds the file's lock.
pub fn check_writable(path: &Path, size: usize) -> Result<(), FileError> {
    let target = follow(path).map_err(FileError::io("write", path))?;
    let (mut file, failed) = (temporary_for(&target)?, || FileError::io("write", path));
    // Not blanks: some file systems keep what repeats itself in no space at all.
    let mut bytes = vec![0; size];
    fastrand::fill(&mut bytes);
    file.write_all(&bytes).map_err(failed())?;
    file.as_file().sync_all().map_err(failed())
}

/// Removes what killed processes have left of writes to `path`; answers whether there was something.
/// Whoever calls holds the file's lock, so that nobody is writing it now.
pub fn sweep(path: &Path) -> bool {
    let left = follow(path).map(|target| leftovers(&target)).unwrap_or_default();
    left.iter().for_each(|path| _ = fs::remove_file(path));
    !left.is_empty()
}

/// Whether there is something for [`sweep`].
pub fn has_leftovers(path: &Path) -> bool {
    follow(path).is_ok_and(|target| !leftovers(&target).is_empty())
}

fn leftovers(target: &Path) -> Vec<PathBuf> {
    let prefix = temporary_prefix(target);
    // Not a sibling's, whose name begins like this one: six letters and digits follow.
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
        let rest = name.strip_prefix(prefix.as_encoded_bytes());
        rest.is_some_and(|rest| rest.len() == 6 && rest.iter().all(u8::is_ascii_alphanumeric))
    };
    let entries = fs::read_dir(folder_of(target)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

/// The name says which file it is for: whoever holds that one's lock knows it to be a leftover.
fn temporary_prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".autocom-");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push("-");
    prefix
}

fn temporary_for(target: &Path) -> Result<tempfile::NamedTempFile, FileError> {
    let folder = folder_of(target);
    make_private_folder(folder)?;
    let file = tempfile::Builder::new().prefix(&temporary_prefix(target)).tempfile_in(folder);
    file.map_err(FileError::io("write", target))
}

fn folder_of(target: &Path) -> &Path {
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

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
fn check_owner_and_mode(
    path: &Path,
    file: &File,
    metadata: &fs::Metadata,
    trust: Trust,
    notices: &Notices,
) -> Result<(), FileError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if trust == Trust::AsIs {
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
        notices.warn(format!("{} was open to others (mode {mode:04o}); it is 0600 now", path.display()));
    } else {
        notices.warn(format!("{} is open to others (mode {mode:04o})", path.display()));
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
    match is_root() && expected {
        true => Ok(()),
        false => Err(FileError::Owner { path: path.to_owned(), owner }),
    }
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
    _: &Notices,
) -> Result<(), FileError> {
    Ok(()) // On Windows the access list is inherited from the profile folder.
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_link_stays_a_link_and_its_target_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("dotfiles/real"), dir.path().join("link"));
        make_private_folder(real.parent().unwrap()).unwrap();
        symlink("dotfiles/real", &link).unwrap();
        replace(&link, b"one").unwrap();
        replace(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"two");
        assert_eq!(mode(&real), 0o600);
        assert_eq!(fs::read_dir(real.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_file_of_ours_that_is_too_open_is_tightened_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        replace(&path, b"x").unwrap();
        for (trust, after) in [(Trust::AsIs, 0o644), (Trust::WarnOnly, 0o644), (Trust::Tighten, 0o600)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let said = std::sync::Arc::new(std::sync::Mutex::new(0));
            let count = said.clone();
            let notices = Notices::new(move |_, _| *count.lock().unwrap() += 1);
            assert_eq!(read(&path, trust, &notices).unwrap().unwrap(), b"x");
            assert_eq!(mode(&path), after, "{trust:?}");
            assert_eq!(*said.lock().unwrap(), i32::from(trust != Trust::AsIs), "{trust:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_none_and_a_folder_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let quiet = Notices::silent();
        assert!(read(&dir.path().join("none"), Trust::Tighten, &quiet).unwrap().is_none());
        assert!(matches!(read(dir.path(), Trust::Tighten, &quiet), Err(FileError::NotAFile { .. })));
    }
}
