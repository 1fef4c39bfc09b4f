//! A hermetic home for the real binary: nothing of the machine's environment gets in, and no secret
//! that the home holds gets out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use autocom::system::files;
use autocom::system::replace::{Mode, replace};

use crate::platform::{CLIENT_ID, Sandbox, Visited, Visitor, visit_blocking};

/// Longer than anything here takes on a busy machine; nothing waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct World {
    home: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    secrets: Secrets,
    /// Set once the commands run as a user whom modes of files bind.
    stranger: Option<PathBuf>,
}

type Secrets = Arc<Mutex<Vec<String>>>;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// A command that is still running.
pub struct Running {
    child: Child,
    stdout: mpsc::Receiver<String>,
    lines: mpsc::Receiver<String>,
    seen: String,
    secrets: Secrets,
    home: PathBuf,
    /// Its answer is a token, or whatever a child that has one prints.
    hands_out_the_token: bool,
}

/// Looks until it is so, for at most [`DEADLINE`]; for what gives no sign of itself.
pub fn until(is_so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Whether the process has that file open.
#[cfg(target_os = "linux")]
pub fn has_open(id: u32, path: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{id}/fd")) else { return false };
    files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == *path))
}

impl World {
    /// An empty home whose credentials go to the file.
    pub fn new() -> World {
        let mut world = World {
            home: tempfile::Builder::new().prefix("autocom-test-").tempdir().unwrap(),
            variables: BTreeMap::new(),
            secrets: Arc::default(),
            stranger: None,
        };
        world.set("HOME", world.home.path().display().to_string());
        world.set("AUTOCOM_STORE", "file");
        world.set("BROWSER", "true");
        // Nor does the keychain of the desktop: without this a bus would be found by the user's id.
        world.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        for name in ["PATH", "SystemRoot", "LLVM_PROFILE_FILE"] {
            #[expect(clippy::disallowed_methods, reason = "the suite's own environment")]
            if let Ok(value) = std::env::var(name) {
                world.set(name, value);
            }
        }
        world
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut World {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut World {
        self.variables.remove(name);
        self
    }

    /// Text that no output may ever show.
    pub fn plant(&self, secret: &str) {
        self.secrets.lock().unwrap().push(secret.to_owned());
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.home.path().join(".autocom").join(file)
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        files::make_private_folder(&self.path("")).unwrap();
        // With the mode of a file that autocom wrote; a link stays one.
        replace(&path, text.as_bytes(), Mode::Private).unwrap();
    }

    pub fn config(&self, text: &str) -> &World {
        self.write("config.toml", text);
        self
    }

    /// Runs `autocom` with these words (split at blanks).
    pub fn run(&self, line: &str) -> Outcome {
        self.run_with_input(line, "")
    }

    pub fn run_with_input(&self, line: &str, input: &str) -> Outcome {
        self.start_with_input(line, input).finish()
    }

    pub fn start(&self, line: &str) -> Running {
        self.start_with_input(line, "")
    }

    fn start_with_input(&self, line: &str, input: &str) -> Running {
        let mut running = self.start_open(line);
        running.input(input);
        running
    }

    /// Starts it with its input open: [`Running::input`] gives it what it waits for.
    pub fn start_open(&self, line: &str) -> Running {
        self.spawn(&mut self.command(line))
    }

    /// Runs words that may hold blanks.
    pub fn run_words(&self, words: &[&str]) -> Outcome {
        let mut running = self.spawn(self.command("").args(words));
        running.input("");
        running.finish()
    }

    /// Runs it in a folder below the home.
    pub fn run_in(&self, folder: &str, line: &str) -> Outcome {
        let mut running = self.spawn(self.command(line).current_dir(self.home.path().join(folder)));
        running.input("");
        running.finish()
    }

    /// Runs it in a folder below the home, in a terminal: stdout and stderr are one there, on stderr.
    #[cfg(target_os = "linux")]
    pub fn run_in_terminal_in(&self, folder: &str, line: &str) -> Outcome {
        let program = env!("CARGO_BIN_EXE_autocom");
        let script = format!("cd '{folder}' && stty cols 250 && exec '{program}' {line}");
        let mut running = self.start_script_in_terminal(&script);
        running.input("");
        running.finish()
    }

    /// Runs it in a terminal of that many columns: stdout and stderr are one there. `script` is part
    /// of every Debian.
    #[cfg(target_os = "linux")]
    pub fn run_in_terminal(&self, line: &str, columns: usize) -> Outcome {
        let program = env!("CARGO_BIN_EXE_autocom");
        let words = format!("stty rows 24 cols {columns} && exec '{program}' {line}");
        let mut command = Command::new("script");
        command.args(["-qfec", &words, "/dev/null"]).env_clear().envs(&self.variables);
        command.env("SHELL", "/bin/sh").env("TERM", "xterm").current_dir(self.home.path());
        command.envs(self.variables.get("TERM").map(|term| ("TERM", term)));
        let mut running = self.spawn(&mut command);
        running.input("");
        let outcome = running.finish();
        Outcome { stdout: outcome.stdout.replace("\r\n", "\n"), ..outcome }
    }

    /// Starts it in a terminal whose screen can be read line by line; [`Running::types`] is its keyboard.
    #[cfg(target_os = "linux")]
    pub fn start_in_terminal(&self, line: &str) -> Running {
        self.start_script_in_terminal(&format!("exec '{}' {line}", env!("CARGO_BIN_EXE_autocom")))
    }

    /// The same for a line of shell.
    #[cfg(target_os = "linux")]
    pub fn start_script_in_terminal(&self, words: &str) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", "exec script -qfec \"$0\" /dev/null >&2", words]);
        command.env_clear().envs(&self.variables).current_dir(self.home.path());
        command.env("SHELL", "/bin/sh").env("TERM", "xterm");
        self.spawn(&mut command)
    }

    /// A line of shell in this world.
    #[cfg(unix)]
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env_clear().envs(&self.variables).current_dir(self.home.path());
        command
    }

    /// Starts a line of shell in this world.
    #[cfg(unix)]
    pub fn start_shell(&self, script: &str) -> Running {
        self.spawn(&mut self.shell(script))
    }

    fn spawn(&self, command: &mut Command) -> Running {
        let words: Vec<&std::ffi::OsStr> = command.get_args().collect();
        let hands_out_the_token =
            words.windows(2).any(|pair| pair == ["auth", "token"]) || words.contains(&"exec".as_ref());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = self.running(pipes.spawn().unwrap());
        running.hands_out_the_token = hands_out_the_token;
        running
    }

    /// The command, with nothing but this world's environment.
    pub fn command(&self, line: &str) -> Command {
        let mut command =
            Command::new(self.stranger.as_deref().unwrap_or(env!("CARGO_BIN_EXE_autocom").as_ref()));
        #[cfg(unix)]
        if self.stranger.is_some() {
            std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        }
        command.args(line.split_whitespace()).env_clear().envs(&self.variables).current_dir(self.home.path());
        command
    }

    fn running(&self, mut child: Child) -> Running {
        let (send, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.split(b'\n').map_while(Result::ok) {
                let _ = send.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let (send, stdout) = mpsc::channel();
        let mut pipe = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = pipe.read_to_end(&mut text);
            let _ = send.send(String::from_utf8_lossy(&text).into_owned());
        });
        let secrets = self.secrets.clone();
        let (seen, home, hands_out_the_token) = (String::new(), self.home.path().to_owned(), false);
        Running { child, stdout, lines, seen, secrets, home, hands_out_the_token }
    }

    /// `auth login` with what every login to a sandbox needs.
    pub fn login(&self, api_url: &str, more: &str) -> Running {
        self.start(&format!("auth login --api-url {api_url} --client-id {CLIENT_ID} {more}"))
    }

    /// Logs in through the browser, in which `who` sits; answers also with where the visit ended.
    pub fn browse(&self, sandbox: &Sandbox, who: Visitor, more: &str) -> (Outcome, Visited) {
        let mut login = self.login(&sandbox.api_url(), more);
        let url = login.login_url();
        let visited = visit_blocking(&url, who).unwrap();
        (login.finish(), visited)
    }

    /// A user's fresh personal access token, stored for the environment.
    pub fn log_in(&self, sandbox: &Sandbox, user: &str, more: &str) -> String {
        let token = sandbox.mint_pat(user, None);
        self.login_with_token(&sandbox.api_url(), &token, more).ok();
        token
    }

    /// The stored record of a credential key; null if there is none.
    pub fn record(&self, key: &str) -> serde_json::Value {
        let file: serde_json::Value = serde_json::from_str(&self.read("credentials")).unwrap_or_default();
        file["credentials"][key].clone()
    }

    /// A text in the stored record of a credential key.
    #[track_caller]
    pub fn stored(&self, key: &str, field: &str) -> String {
        let record = self.record(key);
        record[field].as_str().unwrap_or_else(|| panic!("no {field} in the record of {key}")).to_owned()
    }

    /// The entry of a credential key in `logins.toml`.
    pub fn login_entry(&self, key: &str) -> toml::Table {
        let file: toml::Table = self.read("logins.toml").parse().unwrap();
        file.get(key).and_then(toml::Value::as_table).cloned().unwrap_or_default()
    }

    /// The three files, to be compared with what they are later.
    pub fn files(&self) -> [String; 3] {
        ["config.toml", "logins.toml", "credentials"].map(|file| self.read(file))
    }

    /// The active profile's name and its token's state, as `profiles list` has it, for every profile.
    pub fn tokens(&self) -> Vec<(String, String)> {
        let rows = self.run("profiles list -o json").json();
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
        rows.as_array().unwrap().iter().map(|row| (text(row, "name"), text(row, "token"))).collect()
    }

    /// From now on the modes of files count: root, to whom they don't, becomes nobody.
    #[cfg(unix)]
    pub fn heed_modes(&mut self) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        // A copy, since nobody may not even look into root's folders; made by another process, since
        // what some thread of ours has open for writing can't be run.
        let program = self.home.path().join("autocom");
        if !program.exists() {
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_autocom")).arg(&program).status();
            assert!(copied.unwrap().success());
        }
        for path in [self.home.path().to_owned(), self.path("")] {
            if path.exists() {
                give_away(&path);
            }
        }
        self.stranger = Some(program);
    }

    /// Logs in with a pasted callback: `visit` goes to the URL and answers where it ended. Unlike
    /// [`World::browse`] it needs no port.
    pub fn log_in_by_paste(&self, api_url: &str, visit: impl FnOnce(&str) -> String) {
        let line = format!("auth login --api-url {api_url} --client-id {CLIENT_ID} --no-browser");
        let mut login = self.start_open(&line);
        let url = login.login_url();
        login.input(&visit(&url));
        login.finish().ok();
    }

    /// Logs ada in to a sandbox by OAuth, refresh token included.
    pub fn log_in_by_oauth(&self, sandbox: &Sandbox) {
        self.log_in_by_paste(&sandbox.api_url(), |url| {
            let walk = visit_blocking(url, Visitor::approving("ada").without_delivery()).unwrap();
            let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
            callback
        });
    }

    /// Logs in with a personal access token.
    pub fn login_with_token(&self, api_url: &str, token: &str, more: &str) -> Outcome {
        self.plant(token);
        self.run_with_input(&format!("auth login --api-url {api_url} --token-stdin {more}"), token)
    }
}

impl Running {
    /// Its answer is data, such as a body of the platform, in which a token may be.
    pub fn answers_with_data(&mut self) {
        self.hands_out_the_token = true;
    }

    /// All of its input, then the end of it.
    pub fn input(&mut self, text: &str) {
        // A command that fails early closes its end: that is its right.
        let _ = self.child.stdin.take().unwrap().write_all(text.as_bytes());
    }

    /// Some of its input; more may follow.
    pub fn types(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The URL to log in at, as soon as it is printed.
    pub fn login_url(&mut self) -> String {
        let line = self.line_with("/oauth/authorize?");
        // With -o json it is a field of an object.
        let json = serde_json::from_str::<serde_json::Value>(&line).ok();
        json.map_or_else(|| line.trim().to_owned(), |json| json["login"]["url"].as_str().unwrap().to_owned())
    }

    /// Waits for a line on stderr that contains `text`.
    pub fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(DEADLINE)
                .unwrap_or_else(|_| panic!("no line with {text:?} on stderr, which was:\n{}", self.seen));
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What it is to the operating system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end without a warning (SIGKILL). Answers whether it was still running.
    #[cfg(unix)]
    pub fn kill(mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        self.child.kill().unwrap();
        self.child.wait().unwrap().signal().is_some()
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        use rustix::process::{Pid, kill_process};
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Outcome {
        let stdout = self.stdout.recv_timeout(DEADLINE).expect("autocom still runs");
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        let status = self.child.wait().unwrap();
        let stderr = std::mem::take(&mut self.seen);
        let planted = self.secrets.lock().unwrap().clone();
        let stored = stored_secrets(&self.home);
        for secret in planted.iter().chain(stored.iter().map(|(_, token)| token)) {
            assert!(!stderr.contains(secret), "a secret on stderr:\n{stderr}");
            assert!(self.hands_out_the_token || !stdout.contains(secret), "a secret on stdout:\n{stdout}");
        }
        for (_, token) in stored.iter().filter(|(name, _)| name == "refresh_token") {
            assert!(!stdout.contains(token), "a refresh token on stdout:\n{stdout}");
        }
        Outcome { stdout, stderr, code: status.code().unwrap_or(-1) }
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind that holds a callback port.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The user whom nothing belongs to.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

#[cfg(unix)]
fn give_away(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), None).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

/// Every token in the home's credential file, with the name of its field.
fn stored_secrets(home: &Path) -> Vec<(String, String)> {
    fn tokens(value: &serde_json::Value, found: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(text) if name.ends_with("_token") => found.push((name.clone(), text.to_owned())),
                        _ => tokens(value, found),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| tokens(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let file = home.join(".autocom/credentials");
    if file.is_file() // a pipe would keep us waiting
        && let Ok(text) = fs::read(file)
        && let Ok(value) = serde_json::from_slice(&text)
    {
        tokens(&value, &mut found);
    }
    found
}

impl Outcome {
    /// All of it as one text to pin, with what differs from run to run replaced.
    pub fn shown(&self, replaced: &[(&str, &str)]) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text += &format!("--- {name}\n{stream}");
            }
        }
        replaced.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }

    /// What went wrong, as `-o json` has it.
    #[track_caller]
    pub fn error(&self) -> serde_json::Value {
        let line = self.stderr.lines().find(|line| line.starts_with("{\"error\":"));
        let line = line.unwrap_or_else(|| panic!("no object on stderr:\n{}", self.stderr));
        serde_json::from_str::<serde_json::Value>(line).unwrap()["error"].clone()
    }

    #[track_caller]
    pub fn code(self, code: i32) -> Outcome {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Outcome {
        self.code(0)
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Outcome {
        assert!(self.stderr.contains(text), "no {text:?} in stderr:\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn prints(self, text: &str) -> Outcome {
        assert!(self.stdout.contains(text), "no {text:?} in stdout:\n{}", self.stdout);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}
