//! Which file is where.

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// A file's place and who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Named by a variable: somebody else looks after its mode (mounted, committed).
    pub by_variable: Option<&'static str>,
    /// Whether it is only looked at, and its mode stays as it is.
    pub look_only: bool,
}

/// The files of section 2 of the contract. All is `None` where there is no home at all.
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
}

impl Paths {
    pub fn of(environment: &Environment) -> Paths {
        let absolute = |path: PathBuf| match &environment.current_dir {
            Some(dir) => dir.join(path),
            None => path,
        };
        let named = environment.path_var("AUTOCOM_HOME").map(absolute);
        let by_variable = named.is_some().then_some("AUTOCOM_HOME");
        let home = named.or_else(|| environment.home().map(|home| home.join(".autocom")));
        let place = |variable: Option<&'static str>, file: &str| {
            let named = variable.and_then(|name| Some((name, environment.path_var(name)?)));
            match (named, &home) {
                (Some((name, path)), _) => {
                    Some(Place { path: absolute(path), by_variable: Some(name), look_only: false })
                }
                (None, Some(home)) => {
                    Some(Place { path: home.join(file), by_variable: None, look_only: false })
                }
                (None, None) => None,
            }
        };
        Paths {
            config: place(Some("AUTOCOM_CONFIG"), "config.toml"),
            logins: place(None, "logins.toml"),
            pins: place(None, "pins.toml"),
            credentials: place(Some("AUTOCOM_CREDENTIALS_FILE"), "credentials"),
            leases: place(None, "unlocked.json"),
            journal: place(None, "journal.jsonl"),
            locks: home.as_ref().map(|home| home.join("locks")),
            session_bus: environment.var("DBUS_SESSION_BUS_ADDRESS"),
            runtime_dir: environment.path_var("XDG_RUNTIME_DIR"),
            home: home.map(|path| Place { path, by_variable, look_only: false }),
        }
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

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
