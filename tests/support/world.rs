//! A hermetic home for the real binary: nothing of the machine's environment gets in, and no secret
//! that the home holds gets out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::platform::CLIENT_ID;

/// Longer than anything here takes on a busy machine; nothing waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct World {
    home: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    secrets: Arc<Mutex<Vec<String>>>,
}

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
    secrets: Vec<String>,
    home: PathBuf,
}

impl World {
    /// An empty home whose credentials go to the file.
    pub fn new() -> World {
        let mut world = World {
            home: tempfile::Builder::new().prefix("autocom-test-").tempdir().unwrap(),
            variables: BTreeMap::new(),
            secrets: Arc::default(),
        };
        world.set("HOME", world.home.path().display().to_string());
        world.set("AUTOCOM_STORE", "file");
        world.set("BROWSER", "true");
        for name in ["PATH", "SystemRoot", "LLVM_PROFILE_FILE"] {
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
        fs::create_dir_all(self.path("")).unwrap();
        fs::write(self.path(file), text).unwrap();
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
        let mut child = self
            .command(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early closes its end: that is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.running(child)
    }

    /// The command, with nothing but this world's environment.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autocom"));
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
        let secrets = self.secrets.lock().unwrap().clone();
        Running { child, stdout, lines, seen: String::new(), secrets, home: self.home.path().to_owned() }
    }

    /// `auth login` with what every login to a sandbox needs.
    pub fn login(&self, api_url: &str, more: &str) -> Running {
        self.start(&format!("auth login --api-url {api_url} --client-id {CLIENT_ID} {more}"))
    }

    /// Logs in with a personal access token.
    pub fn login_with_token(&self, api_url: &str, token: &str, more: &str) -> Outcome {
        self.plant(token);
        self.run_with_input(&format!("auth login --api-url {api_url} --token-stdin {more}"), token)
    }
}

impl Running {
    /// The URL to log in at, as soon as it is printed.
    pub fn login_url(&mut self) -> String {
        self.line_with("/oauth/authorize?").trim().to_owned()
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

    pub fn id(&self) -> u32 {
        self.child.id()
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
        for secret in self.secrets.iter().chain(&stored_secrets(&self.home)) {
            assert!(!stdout.contains(secret), "a secret on stdout:\n{stdout}");
            assert!(!stderr.contains(secret), "a secret on stderr:\n{stderr}");
        }
        Outcome { stdout, stderr, code: status.code().unwrap_or(-1) }
    }
}

/// Every token in the home's credential file.
fn stored_secrets(home: &Path) -> Vec<String> {
    fn tokens(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(text) if name.ends_with("_token") => found.push(text.to_owned()),
                        _ => tokens(value, found),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| tokens(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(text) = fs::read(home.join(".autocom/credentials"))
        && let Ok(value) = serde_json::from_slice(&text)
    {
        tokens(&value, &mut found);
    }
    found
}

impl Outcome {
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
