//! Which file is where.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::domain::{Hint, expand_home, one_line, quoted};

/// A file's place and who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Named by a variable: somebody else looks after its mode (mounted, committed).
    pub by_variable: Option<&'static str>,
    /// Whether it is only looked at, and its mode stays as it is.
    pub look_only: bool,
    /// The folder for a complete copy while the file is written in place: see [`replace`](super::replace).
    pub copies: Option<PathBuf>,
}

/// The files of autocom. `AUTOCOM_HOME` moves all of them, and two have a variable of their own. All are `None`
/// if there is no home at all.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The folder of what no variable names.
    pub home: Option<Place>,
    pub config: Option<Place>,
    pub logins: Option<Place>,
    pub pins: Option<Place>,
    pub credentials: Option<Place>,
    /// Which protected profiles are open, and until when.
    pub leases: Option<Place>,
    /// What was sent to protected profiles.
    pub journal: Option<Place>,
    pub locks: Option<PathBuf>,
    /// The addresses of the D-Bus session bus, if the variable names them.
    pub session_bus: Option<String>,
    /// The folder of this user's sockets (XDG Base Directory Specification).
    pub runtime_dir: Option<PathBuf>,
    /// The variables that name no place: neither theirs nor the default one is used then.
    pub refused: Vec<PathError>,
}

/// The variables that say where files are.
pub const VARIABLES: [&str; 3] = ["AUTOCOM_HOME", "AUTOCOM_CONFIG", "AUTOCOM_CREDENTIALS_FILE"];

/// A variable whose value can't be used as a path.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot use {variable}: `{}` {why}", one_line(&value.display().to_string()))]
pub struct PathError {
    pub variable: &'static str,
    pub value: PathBuf,
    why: String,
    /// The command that sets it right.
    pub fix: Hint,
}

impl Paths {
    pub fn new(environment: &Environment) -> Paths {
        let mut refused = Vec::new();
        let [home, config, credentials] = VARIABLES.map(|variable| {
            named_by(variable, environment).unwrap_or_else(|error| {
                refused.push(error);
                None
            })
        });
        let is_refused = |variable: &str| refused.iter().any(|it| it.variable == variable);
        let by_variable = home.is_some().then_some("AUTOCOM_HOME");
        let default = || environment.home().filter(|_| !is_refused("AUTOCOM_HOME"));
        let home = home.or_else(|| default().map(|home| home.join(".autocom")));
        let copies = home.as_ref().map(|home| home.join("copies"));
        let place = |variable: Option<&'static str>, named: Option<PathBuf>, file: &str| {
            let default = || Some(home.as_ref()?.join(file)).filter(|_| !variable.is_some_and(is_refused));
            let by_variable = variable.filter(|_| named.is_some());
            Some(Place {
                path: named.or_else(default)?,
                by_variable,
                look_only: false,
                copies: copies.clone(),
            })
        };
        Paths {
            config: place(Some("AUTOCOM_CONFIG"), config, "config.toml"),
            logins: place(None, None, "logins.toml"),
            pins: place(None, None, "pins.toml"),
            credentials: place(Some("AUTOCOM_CREDENTIALS_FILE"), credentials, "credentials"),
            leases: place(None, None, "unlocked.json"),
            journal: place(None, None, "journal.jsonl"),
            locks: home.as_ref().map(|home| home.join("locks")),
            session_bus: environment.var("DBUS_SESSION_BUS_ADDRESS"),
            runtime_dir: environment.path_var("XDG_RUNTIME_DIR"),
            home: home.map(|path| Place { path, by_variable, look_only: false, copies: None }),
            refused,
        }
    }

    /// Fails if a variable names no place.
    pub fn check(&self) -> Result<(), PathError> {
        self.refused.first().cloned().map_or(Ok(()), Err)
    }

    /// The same files, for one who changes nothing about them.
    pub fn looking_only(mut self) -> Paths {
        let all = [&mut self.home, &mut self.config, &mut self.logins, &mut self.leases, &mut self.journal];
        for place in all.into_iter().chain([&mut self.credentials]).flatten() {
            place.look_only = true;
        }
        self
    }
}

impl Place {
    /// A file that no variable names.
    pub fn at(path: impl Into<PathBuf>) -> Place {
        Place { path: path.into(), by_variable: None, look_only: false, copies: None }
    }
}

/// The path in a variable, made absolute. A relative home would be another in every directory.
fn named_by(variable: &'static str, environment: &Environment) -> Result<Option<PathBuf>, PathError> {
    let Some(value) = environment.path_var(variable) else { return Ok(None) };
    let absolute = |path: &Path| match &environment.current_dir {
        Some(dir) => dir.join(path),
        None => path.to_owned(),
    };
    let refuse = |why: String, better: &Path| {
        let fix = format!("export {variable}={}", quoted(better));
        PathError { variable, value: value.clone(), why, fix: fix.into() }
    };
    let path = expand_home(&value, environment.home().as_deref())
        .map_err(|why| refuse(why.to_string(), Path::new("/ABSOLUTE/PATH")))?;
    if variable == "AUTOCOM_HOME" && !path.has_root() {
        return Err(refuse("is a relative path".to_owned(), &absolute(&path)));
    }
    Ok(Some(absolute(&path)))
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
