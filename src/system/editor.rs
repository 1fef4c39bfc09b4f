//! A file of ours in the user's editor: `$VISUAL`, else `$EDITOR`, else what there is.
//!
//! The editor gets our terminal and stays in our process group, as it must to be in the foreground. So a Ctrl-C
//! in it reaches us too: that is left to it, and to what it makes of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::TempPath;

use super::environment::Environment;
use super::files::{self, FileError, Trust};
use super::interrupt;
use super::look;
use super::notices::Notices;
use super::replace::{Mode, replace};
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
    pub fn of(environment: &Environment) -> Result<Editor, EditorError> {
        let hidden = environment.starting_with("AUTOCOM_TOKEN").map(|(name, _)| name.to_owned()).collect();
        let chosen =
            ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, environment.os_var(name)?)));
        if let Some((variable, entry)) = chosen {
            let words = command_words(entry).ok_or(EditorError::Unreadable { variable })?;
            return Ok(Editor { words, hidden, is_chosen: true });
        }
        let usual = USUAL.iter().find(|name| look::program(environment, name).is_some());
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
#[derive(Debug)]
pub struct Draft(TempPath);

impl Draft {
    /// In `folder`, mode 0600, `config-XXXXXX.toml` for the name `config.toml`: editors go by the ending.
    pub fn new(folder: &Path, name: &str, bytes: &[u8]) -> Result<Draft, FileError> {
        files::make_private_folder(folder)?;
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let file = tempfile::Builder::new()
            .prefix(&format!("{stem}-"))
            .suffix(&format!(".{ending}"))
            .tempfile_in(folder)
            .map_err(|source| FileError::Io { action: "write to", path: folder.to_owned(), source })?;
        let draft = Draft(file.into_temp_path());
        replace(&draft.0, bytes, Mode::Private)?;
        Ok(draft)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What is in it now; `None` if the editor took it away.
    pub fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        files::read(&self.0, Trust::Tighten, &Notices::silent())
    }

    pub fn keep(self) -> PathBuf {
        let path = self.0.to_path_buf();
        // What can't be kept was never ours to delete.
        self.0.keep().unwrap_or(path)
    }
}
