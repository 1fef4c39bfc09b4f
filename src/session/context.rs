//! One invocation of autocom: its environment, files, clock, prompter and HTTP.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::{Config, ConfigError, Entry, Facts, Flags, Resolved, Setting, resolve, select};
use crate::credentials::{Credentials, Patience};
use crate::domain::redact::note_names;
use crate::domain::{
    CaBundle, CredentialKey, Key, NextCommand, Origin, OutputFormat, Proxy, StoreKind, Tenant, autocom,
    one_line,
};
use crate::error::{Error, Kind, Result};
use crate::platform::Profile as User;
use crate::system::browser::Browser;
use crate::system::clock::Clock;
use crate::system::environment::Environment;
use crate::system::http::{
    Authorities, CONNECT_TIMEOUT, EnvironmentProxy, Http, Network, OwnProxy, REQUEST_TIMEOUT,
};
use crate::system::interrupt::{self, Interruption};
use crate::system::locks::{FileLock, LockGuard, Locks};
use crate::system::paths::{Paths, Place};
use crate::system::prompter::Prompter;
use crate::system::reporter::Reporter;
use crate::system::runtime::LazyRuntime;
use crate::system::terminal;
#[cfg(unix)]
use crate::system::{accounts, files};

pub struct Context {
    pub(crate) environment: Environment,
    pub(crate) flags: Flags,
    pub(crate) paths: Paths,
    pub(crate) locks: Locks,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) browser: Arc<dyn Browser>,
    pub(crate) prompter: Arc<dyn Prompter>,
    pub(crate) can_ask: bool,
    pub(crate) request_timeout: Option<Duration>,
    /// The protected profiles in which this command may change something.
    pub(crate) confirmed: Vec<String>,
    /// Those whose names were typed.
    pub(crate) typed: Arc<Mutex<HashSet<String>>>,
    pub(crate) config: OnceCell<Arc<Config>>,
    /// Set while this command holds the lock of `config.toml`.
    pub(crate) config_lock: Option<Arc<Mutex<Option<FileLock>>>>,
    pub(crate) credentials: OnceCell<Arc<Credentials>>,
    pub(crate) runtime: Rc<LazyRuntime>,
    /// One for each way to the network that profiles want.
    pub(crate) http: RefCell<Vec<Http>>,
    /// Whose the tokens of variables are, by address and variable, as far as that was asked.
    pub(crate) owners: RefCell<HashMap<Asked, (User, Duration)>>,
}

impl Context {
    pub fn new(
        environment: Environment,
        flags: Flags,
        reporter: Arc<Reporter>,
        clock: Arc<dyn Clock>,
        browser: Arc<dyn Browser>,
        prompter: Arc<dyn Prompter>,
    ) -> Context {
        let paths = Paths::new(&environment);
        #[cfg(unix)]
        withhold_home_of_another(&paths, &environment);
        Context {
            locks: Locks::new(&paths),
            can_ask: environment.can_ask(),
            environment,
            flags,
            paths,
            reporter,
            clock,
            browser,
            prompter,
            request_timeout: None,
            confirmed: Vec::new(),
            typed: Arc::default(),
            config: OnceCell::new(),
            config_lock: None,
            credentials: OnceCell::new(),
            runtime: Rc::default(),
            http: RefCell::default(),
            owners: RefCell::default(),
        }
    }

    /// Whether a person may be asked.
    pub fn asking(self, can_ask: bool) -> Context {
        Context { can_ask, ..self }
    }

    /// Whether files are only looked at: one that is too open stays as it is, for a command that can
    /// say so to tighten.
    pub fn looking_only(mut self, only: bool) -> Context {
        if only {
            self.paths = self.paths.looking_only();
        }
        self
    }

    pub fn request_timeout(self, timeout: Option<Duration>) -> Context {
        Context { request_timeout: timeout, ..self }
    }

    /// `--confirm`: the names of protected profiles.
    pub fn confirming(self, confirmed: Vec<String>) -> Context {
        Context { confirmed, ..self }
    }

    /// How long it waits for a lock that another process holds.
    pub fn lock_patience(self, patience: Duration) -> Context {
        Context { locks: self.locks.clone().with_patience(patience), ..self }
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Who is to be asked, if anybody [can be](Context::can_ask).
    pub fn prompter(&self) -> &dyn Prompter {
        self.prompter.as_ref()
    }

    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// The flag that says which profile this command is about, if one does.
    pub fn selecting_flag(&self) -> Option<&'static str> {
        match (self.flags.get(Key::Profile), self.flags.get(Key::ApiUrl)) {
            (Some(_), _) => Some("--profile"),
            (None, Some(_)) => Some("--api-url"),
            (None, None) => None,
        }
    }

    /// The configuration as it was when it was first asked for.
    pub fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = self.load(self.environment.clone(), self.flags.clone())?;
        self.warn_of_invalid_profiles(&config);
        note_names(config.document.profiles().flat_map(|(name, table)| {
            let tenant = table.get(Key::Tenant).and_then(|entry| entry.text());
            std::iter::once(name.as_str()).chain(tenant)
        }));
        for unknown in config.document.unknown_keys() {
            let words = format!("{}:{}: {unknown}", config.document.path().display(), unknown.line);
            let words = one_line(&words);
            if unknown.is_grave { self.reporter.warn(words) } else { self.reporter.note(words) }
        }
        Ok(self.config.get_or_init(|| Arc::new(config)))
    }

    /// Mentions profiles that can't be used, unless the command is about one: then the error says it.
    pub(crate) fn warn_of_invalid_profiles(&self, config: &Config) {
        let mut invalid: Vec<_> = config.document.invalid_profiles().collect();
        // Two that clash are one mistake.
        invalid.dedup_by_key(|profile| (profile.line, profile.to_string()));
        let [profile, others @ ..] = invalid.as_slice() else { return };
        if select(config).is_err_and(|error| error.is_of_file()) {
            return;
        }
        let more = match others.len() {
            0 => String::new(),
            more => format!(" ({more} more: autocom doctor)"),
        };
        let (path, line, fix) = (config.document.path().display(), profile.line, profile.fix());
        self.reporter.warn(format!("{path}:{line}: {profile}; fix it with: {fix}{more}"));
    }

    /// Mentions that a variable names no file, for a command that goes on without profiles.
    pub(crate) fn warn_of_missing_file(&self, config: &Config) {
        if let Err(missing @ ConfigError::MissingFile { .. }) = config.document.check_present() {
            self.reporter.warn(missing.to_string());
        }
    }

    /// Mentions a file that can't be read, for a command that variables or flags tell enough.
    pub(crate) fn warn_of_unreadable_file(&self, config: &Config) {
        if let Err(error) = config.document.check_readable() {
            let error = Error::from(error);
            let cause = error.causes.first().map(|cause| format!(" ({cause})")).unwrap_or_default();
            self.reporter.warn(format!("{}{cause}; continuing without it", error.message));
        }
    }

    /// Where `config.toml` is, whether or not it can be read.
    pub fn config_place(&self) -> Result<&Place> {
        self.paths.check()?;
        Ok(self.paths.config.as_ref().ok_or(ConfigError::NoHome)?)
    }

    /// This invocation once more, with the files as they are now.
    pub(crate) fn reloaded(&self) -> Context {
        Context {
            environment: self.environment.clone(),
            flags: self.flags.clone(),
            paths: self.paths.clone(),
            locks: self.locks.clone(),
            reporter: self.reporter.clone(),
            clock: self.clock.clone(),
            browser: self.browser.clone(),
            prompter: self.prompter.clone(),
            confirmed: self.confirmed.clone(),
            typed: self.typed.clone(),
            config: OnceCell::new(),
            config_lock: self.config_lock.clone(),
            credentials: self.credentials.clone(),
            runtime: self.runtime.clone(),
            http: self.http.clone(),
            owners: self.owners.clone(),
            ..*self
        }
    }

    /// Waits until no process of an old version is logging in or out.
    pub(crate) fn login_lock(&self) -> Result<LockGuard> {
        Ok(self.locks.old_login()?)
    }

    /// The files as they are now, without flags and variables.
    pub(crate) fn files_now(&self) -> Result<Config> {
        self.load(Environment::default(), Flags::default())
    }

    pub(crate) fn load(&self, environment: Environment, flags: Flags) -> Result<Config> {
        self.paths.check()?;
        Ok(Config::load(&self.paths, environment, flags, &self.reporter)?)
    }

    /// This invocation once more, with the lock of `config.toml`, if that could be had.
    pub(crate) fn holding(&self, lock: Option<FileLock>) -> Context {
        let config_lock = lock.map(|lock| Arc::new(Mutex::new(Some(lock))));
        Context { config_lock: config_lock.or_else(|| self.config_lock.clone()), ..self.reloaded() }
    }

    /// Whether what a command was decided on before it waited is still so; `again` is what to run if it isn't.
    pub fn check_facts(&self, facts: &Facts, again: &NextCommand) -> Result<()> {
        let checked = facts.check(self.config()?).map_err(ConfigError::from);
        checked.map_err(|error| Error::from(error).hint_if_none(|| again.clone()))
    }

    /// The format of the answer. Never fails: errors must be shown in some format.
    pub fn output_format(&self) -> OutputFormat {
        let asked =
            self.flags.get(Key::Output).map(str::to_owned).or_else(|| self.environment.var("AUTOCOM_OUTPUT"));
        if let Some(format) = asked.and_then(|text| text.parse().ok()) {
            return format;
        }
        // Only a config that this command has read already: `config path` must not fail on it.
        let configured = self.config.get().filter(|config| config.document.mentions(Key::Output));
        let configured = configured.and_then(|config| resolve(config, select(config).ok()?).ok()?.output);
        configured.map_or(OutputFormat::Table, |output| output.value)
    }

    /// Fails on a format of the answer that is none, naming where it comes from, before anything is
    /// done; also for commands that resolve no profile. `file`: whether `config.toml` counts.
    pub fn check_output_format(&self, file: bool) -> Result<()> {
        let check = |text: &str, origin: Origin| match Key::Output.canonical(text) {
            Ok(_) => Ok(()),
            Err(why) => Err(ConfigError::invalid(Key::Output, &why.to_string(), &origin, text).into()),
        };
        if self.flags.get(Key::Output).is_some() {
            return Ok(()); // clap has seen to it
        }
        if let Some(text) = self.environment.var("AUTOCOM_OUTPUT") {
            return check(&text, Origin::Variable("AUTOCOM_OUTPUT".to_owned()));
        }
        if !file {
            return Ok(());
        }
        let config = self.config()?;
        if !config.document.mentions(Key::Output) {
            return Ok(());
        }
        // A selection that fails is for the command to report.
        let selected = select(config).ok().and_then(|selection| selection.name);
        let own = selected.as_ref().and_then(|name| config.document.table_of(name)?.get(Key::Output));
        let counts = |entry: &&Entry| !entry.is_empty();
        match own.filter(counts).or_else(|| config.document.top().get(Key::Output).filter(counts)) {
            Some(entry) => match entry.text() {
                Some(text) => check(text, config.document.origin_of(entry)),
                None => {
                    let (why, origin) = ("must be a string".to_owned(), config.document.origin_of(entry));
                    Err(ConfigError::Invalid { key: Key::Output, why, origin }.into())
                }
            },
            None => Ok(()),
        }
    }

    pub fn credentials(&self) -> &Arc<Credentials> {
        self.credentials.get_or_init(|| {
            let patience = Patience { interactive: self.can_ask };
            Arc::new(Credentials::new(&self.paths, self.locks.clone(), self.reporter.clone(), patience))
        })
    }

    /// The way to the network that `profile` wants. Profiles that want the same share connections.
    pub(crate) fn http(&self, profile: &Resolved) -> Http {
        let network = Network {
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            connect_timeout: self.request_timeout.unwrap_or(CONNECT_TIMEOUT),
            proxy: profile.proxy.as_ref().map(|proxy| self.own_proxy(profile, proxy)),
            environment_proxy: EnvironmentProxy::new(&self.environment),
            no_proxy: self.environment.var("NO_PROXY").or_else(|| self.environment.var("no_proxy")),
            authorities: profile.ca_bundle.as_ref().map(|bundle| self.authorities(bundle)),
            ssl_cert_file: self.environment.var("SSL_CERT_FILE").map(Into::into),
        };
        let mut known = self.http.borrow_mut();
        if let Some(http) = known.iter().find(|http| *http.network() == network) {
            return http.clone();
        }
        let reporter = self.reporter.clone();
        let http = Http::new(network).telling_waits(move |wait| reporter.note(wait));
        known.push(http.clone());
        http
    }

    pub(crate) fn own_proxy(&self, profile: &Resolved, setting: &Setting<Proxy>) -> OwnProxy {
        let own_table = profile.name().filter(|name| {
            let document = self.config().ok().map(|config| &config.document);
            let entry = document.and_then(|document| document.profile(name)?.get(Key::Proxy));
            document.zip(entry).is_some_and(|(document, entry)| document.origin_of(entry) == setting.origin)
        });
        let unset = match (&setting.origin, own_table) {
            (Origin::Variable(name), _) => format!("unset {name}").into(),
            (_, Some(name)) => {
                autocom("config unset").value(format_args!("profiles.{name}.{}", Key::Proxy)).into()
            }
            (_, None) => autocom("config unset").value(Key::Proxy).into(),
        };
        OwnProxy { proxy: setting.value.clone(), unset }
    }

    /// A relative path counts from the file that names it, or from where a variable's user is.
    pub(crate) fn authorities(&self, bundle: &Setting<CaBundle>) -> Authorities {
        let folder = match &bundle.origin {
            Origin::File { path, .. } => path.parent(),
            _ => self.environment.current_dir.as_deref(),
        };
        let path = bundle.value.path(self.environment.home().as_deref(), folder);
        Authorities { path, origin: bundle.origin.to_string() }
    }

    /// Runs `work` to its end, or until Ctrl-C.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        interrupt::watch();
        let wait = |work: &str| self.reporter.always(format!("{work} first (Ctrl-C again to stop at once)"));
        let outcome = self.runtime.block_on(async {
            tokio::select! {
                biased; // Ctrl-C is ours from the first poll on: it must not kill us once work has begun.
                interruption = interrupt::interrupted(wait) => Err(broken_off(interruption)),
                outcome = work => {
                    // Work that gave up may have left a renewal on its way: it is not lost for that.
                    interrupt::settled(|_| {}).await;
                    outcome
                }
            }
        });
        // A question may still wait for its answer, on a thread of its own.
        if interrupt::has_come() {
            terminal::take_back();
        }
        outcome?
    }

    /// The credential key of a profile, or how to give it an environment.
    pub(crate) fn key_of<'p>(&self, profile: &'p Resolved) -> Result<&'p CredentialKey> {
        profile.credential.as_ref().map(|setting| &setting.value).ok_or_else(|| no_environment(profile))
    }

    /// The store that `logins.toml` names for a profile.
    pub(crate) fn known_store(profile: &Resolved) -> Option<StoreKind> {
        profile.login.as_ref().filter(|login| !login.is_logged_out()).and_then(|login| login.store)
    }
}

/// Files of another user, such as root, in the home of whoever runs sudo would lock their owner out.
#[cfg(unix)]
fn withhold_home_of_another(paths: &Paths, environment: &Environment) {
    let (Some(home), Some(own)) = (&paths.home, environment.home()) else { return };
    let (us, Some(user)) = (accounts::effective_uid(), accounts::invoking_uid(environment)) else { return };
    if us != user && home.path.starts_with(&own) && accounts::owns(user, &own) {
        files::withhold(&home.path, accounts::name_of(user), accounts::name_of(us));
    }
}

/// The error of a command that a signal ended.
pub(crate) fn broken_off(interruption: Interruption) -> Error {
    let kind = match interruption.signal {
        15 => Kind::Terminated,
        1 => Kind::HungUp,
        _ => Kind::Interrupted,
    };
    let error = Error::new(kind, "interrupted");
    match interruption.unfinished {
        Some(work) => error.cause(format!("{work} was not finished")).hint(autocom("auth status --check")),
        None => error,
    }
}

/// No `api_url` anywhere: how to get one.
pub fn no_environment(profile: &Resolved) -> Error {
    Error::usage(format!("profile {} has no api_url", profile.label()))
        .hint(autocom("auth login --api-url").placeholder("https://api.example.test"))
        .naming(profile.label())
}

/// Whose a token is, is one question for an address, a variable and a tenant.
pub(crate) type Asked = (String, String, Option<Tenant>);
