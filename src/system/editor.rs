//! A file of ours in the user's editor: `$VISUAL`, else `$EDITOR`, else what there is.
//!
//! The editor gets our terminal and stays in our process group, as it must to be in the foreground. So a Ctrl-C
//! in it reaches us too: that is left to it, and to what it makes of it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::{NamedTempFile, TempPath};

use super::environment::Environment;
use super::file_status;
use super::files::{self, FileError, Trust};
use super::interrupt;
use super::replace::{Mode, replace};
use super::reporter::Reporter;
use super::words::command_words;

/// In this order, where no variable names one.
const USUAL: &[&str] = if cfg!(windows) { &["notepad"] } else { &["vi", "nano"] };

#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    #[error("there is no editor here (tried {})", USUAL.join(", "))]
    None,
    #[error("{variable} is no command line: a quote in it is not closed, or it is blank")]
    Unreadable { variable: &'static str },
    #[error("the editor {name} could not be started")]
    NotStarted { name: String, source: std::io::Error },
    #[error("the editor {name} failed ({status})")]
    Failed { name: String, status: ExitStatus },
}

/// What a copy of `config.toml` is made of.
pub const CONFIG: &str = "config.toml";

const LOCK: &str = ".lock";

/// The command that shows a file to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    words: Vec<OsString>,
    /// Variables that hold secrets: no editor needs them.
    hidden: Vec<String>,
    /// Whether a variable named it: then it need not be one that wants a terminal.
    pub is_chosen: bool,
}

impl Editor {
    pub fn new(environment: &Environment) -> Result<Editor, EditorError> {
        let hidden = environment.starting_with("AUTOCOM_TOKEN").map(|(name, _)| name.to_owned()).collect();
        let chosen =
            ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, environment.os_var(name)?)));
        if let Some((variable, entry)) = chosen {
            let words = command_words(entry).ok_or(EditorError::Unreadable { variable })?;
            return Ok(Editor { words, hidden, is_chosen: true });
        }
        let usual = USUAL.iter().find(|name| file_status::program(environment, name).is_some());
        let words = vec![OsString::from(usual.ok_or(EditorError::None)?)];
        Ok(Editor { words, hidden, is_chosen: false })
    }

    pub fn name(&self) -> String {
        self.words[0].to_string_lossy().into_owned()
    }

    /// Comes back when the editor has ended.
    pub fn show(&self, path: &Path) -> Result<(), EditorError> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(path);
        self.hidden.iter().for_each(|name| _ = command.env_remove(name));
        let _theirs = interrupt::leave_to_child();
        tracing::debug!(program = self.name(), path = %path.display(), "starting the editor");
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(EditorError::Failed { name: self.name(), status }),
            Err(source) => Err(EditorError::NotStarted { name: self.name(), source }),
        }
    }
}

/// A copy to be edited, gone when this is dropped unless it is kept.
///
/// Beside `config-XXXXXX.toml` lies `.config-XXXXXX.lock`, locked for as long as this process lives: an editor may
/// put another file in place of the copy itself. A copy without such a file was kept.
#[derive(Debug)]
pub struct Draft {
    path: TempPath,
    _lock: NamedTempFile,
}

impl Draft {
    /// In `folder`, mode 0600, `config-XXXXXX.toml` for the name `config.toml`: editors go by the ending. Those that
    /// killed processes have left are removed.
    pub fn new(folder: &Path, name: &str, bytes: &[u8]) -> Result<Draft, FileError> {
        files::make_private_folder(folder)?;
        abandoned_drafts(folder, name).iter().for_each(|draft| remove_draft(draft));
        let failed = |source| FileError::Io { action: "write to", path: folder.to_owned(), source };
        let (stem, ending) = split(name);
        let lock = loop {
            let lock = tempfile::Builder::new().prefix(&format!(".{stem}-")).suffix(LOCK).tempfile_in(folder);
            let lock = lock.map_err(failed)?;
            // Where there are no locks, nothing is taken for a leftover either.
            let _ = lock.as_file().lock();
            // Another process may have taken it for a leftover before it was locked.
            if lock.path().exists() {
                break lock;
            }
        };
        let path = draft_of(lock.path(), ending).unwrap_or_default();
        let draft = Draft { path: TempPath::try_from_path(path).map_err(failed)?, _lock: lock };
        replace(&draft.path, bytes, Mode::Private)?;
        Ok(draft)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it now; `None` if the editor took it away.
    pub fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        files::read(&self.path, Trust::Tighten, &Reporter::silent())
    }

    pub fn keep(self) -> PathBuf {
        let path = self.path.to_path_buf();
        // What can't be kept was never ours to delete.
        self.path.keep().unwrap_or(path)
    }
}

/// The copies of the file called `name` whose process is gone.
pub fn abandoned_drafts(folder: &Path, name: &str) -> Vec<PathBuf> {
    let (stem, ending) = split(name);
    let locks = file_status::names(folder, &format!(".{stem}-")).into_iter().map(|(path, _)| path);
    let is_abandoned = |lock: &PathBuf| {
        let is_lock = lock.as_os_str().as_encoded_bytes().ends_with(LOCK.as_bytes()) && lock.is_file();
        is_lock && File::open(lock).is_ok_and(|file| file.try_lock().is_ok())
    };
    locks.filter(is_abandoned).filter_map(|lock| draft_of(&lock, ending)).collect()
}

/// Removes a copy and what says that it was not kept.
pub fn remove_draft(draft: &Path) {
    let stem = draft.file_stem().unwrap_or_default().to_string_lossy();
    for path in [draft.to_owned(), draft.with_file_name(format!(".{stem}{LOCK}"))] {
        let _ = std::fs::remove_file(path);
    }
}

fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or((name, ""))
}

fn draft_of(lock: &Path, ending: &str) -> Option<PathBuf> {
    let stem = lock.file_stem()?.to_str()?.strip_prefix('.')?;
    Some(lock.with_file_name(format!("{stem}.{ending}")))
}
