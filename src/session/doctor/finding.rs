//! One line of the report.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{CredentialKey, Hint, StoreChoice, autocom, quoted};
use crate::error::{Error, Result};

/// A part of the report, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    Start,
    Files,
    Profiles,
    Variables,
    Store,
    Login,
    Network,
    Credentials,
    Leftovers,
}

impl Section {
    pub fn as_str(self) -> &'static str {
        match self {
            Section::Start => "start",
            Section::Files => "files",
            Section::Profiles => "profiles",
            Section::Variables => "variables",
            Section::Store => "store",
            Section::Login => "login",
            Section::Network => "network",
            Section::Credentials => "credentials",
            Section::Leftovers => "leftovers",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    Ok,
    /// Works, but not as it should, or not for long.
    Warn,
    /// Something that is wanted does not work.
    Broken,
    /// Not looked at, and why.
    Skipped,
}

impl FindingStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            FindingStatus::Ok => "ok",
            FindingStatus::Warn => "warn",
            FindingStatus::Broken => "broken",
            FindingStatus::Skipped => "skipped",
        }
    }
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    pub section: Section,
    /// What was looked at: a file, a variable, a profile...
    pub check: String,
    pub status: FindingStatus,
    /// A sentence.
    pub finding: String,
    /// The command that mends it.
    pub fix: Option<Hint>,
    /// Whether `--fix` has mended it.
    pub fixed: bool,
    #[serde(skip)]
    pub(crate) remedy: Option<Remedy>,
}

/// What `--fix` may do.
#[derive(Debug, Clone)]
pub(crate) enum Remedy {
    Mode(PathBuf, u32),
    /// `logins.toml` anew, from what the stores hold for these keys.
    Rebuild(PathBuf),
    /// The entry of a key as its record has it.
    Entry(CredentialKey, StoreChoice),
    /// Of two copies, the one that was written earlier goes.
    Copies(CredentialKey, StoreChoice),
    /// What a write that was cut off has left.
    Remove(PathBuf),
    /// What a `config edit` that was killed has left.
    Draft(PathBuf),
}

impl Finding {
    fn new(
        section: Section,
        check: impl Into<String>,
        status: FindingStatus,
        finding: impl Into<String>,
    ) -> Finding {
        let (check, finding) = (check.into(), finding.into());
        Finding { section, check, status, finding, fix: None, fixed: false, remedy: None }
    }

    pub fn ok(section: Section, check: impl Into<String>, finding: impl Into<String>) -> Finding {
        Finding::new(section, check, FindingStatus::Ok, finding)
    }

    pub fn warn(section: Section, check: impl Into<String>, finding: impl Into<String>) -> Finding {
        Finding::new(section, check, FindingStatus::Warn, finding)
    }

    pub fn broken(section: Section, check: impl Into<String>, finding: impl Into<String>) -> Finding {
        Finding::new(section, check, FindingStatus::Broken, finding)
    }

    pub fn skipped(section: Section, check: impl Into<String>, finding: impl Into<String>) -> Finding {
        Finding::new(section, check, FindingStatus::Skipped, finding)
    }

    /// An error as it stands, with its way out.
    pub fn failed(section: Section, check: impl Into<String>, error: Error) -> Finding {
        let words: Vec<&str> =
            std::iter::once(&error.message).chain(&error.causes).map(String::as_str).collect();
        Finding { fix: error.hint, ..Finding::broken(section, check, words.join(": ")) }
    }

    pub fn fix(self, command: impl Into<Hint>) -> Finding {
        Finding { fix: Some(command.into()), ..self }
    }

    /// Tells what came of mending it.
    pub(crate) fn settle(&mut self, outcome: Result<String>) {
        match outcome {
            Ok(done) => {
                self.finding = done;
                (self.status, self.fix, self.fixed) = (FindingStatus::Ok, None, true);
            }
            Err(error) => self.finding += &format!("; could not be mended: {}", error.message),
        }
    }

    /// Mended by `autocom doctor --fix`, which is the command unless another was named.
    pub(crate) fn remedy(self, remedy: Remedy) -> Finding {
        let fix = self.fix.unwrap_or_else(|| autocom("doctor --fix").into());
        Finding { fix: Some(fix), remedy: Some(remedy), ..self }
    }
}

/// The command that opens a file in the user's editor, at a line if one is known.
pub(crate) fn edit(path: &Path, line: Option<usize>) -> String {
    let at = line.map(|line| format!("+{line} ")).unwrap_or_default();
    format!("${{EDITOR:-vi}} {at}{}", quoted(path))
}
