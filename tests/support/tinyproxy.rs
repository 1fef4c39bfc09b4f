//! A forward proxy as people run it: Debian's tinyproxy, on a port of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub struct Tinyproxy {
    pub port: u16,
    child: Child,
    log: Arc<Mutex<String>>,
    _folder: tempfile::TempDir,
}

impl Tinyproxy {
    /// Listens when this returns. `password`: as `USER PASSWORD`.
    pub fn start(password: Option<&str>) -> Tinyproxy {
        let folder = tempfile::tempdir().unwrap();
        // tinyproxy can't tell which port it took, so one that was free a moment ago has to do.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let password = password.map(|it| format!("BasicAuth {it}\n")).unwrap_or_default();
        let config =
            format!("Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 50\n{password}");
        let path = folder.path().join("tinyproxy.conf");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy is installed: run tests/run --install");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.find(|line| line.contains("Accepting connections")).expect("tinyproxy starts");
        let log = Arc::<Mutex<String>>::default();
        let kept = log.clone();
        std::thread::spawn(move || lines.for_each(|line| *kept.lock().unwrap() += &format!("{line}\n")));
        Tinyproxy { port, child, log, _folder: folder }
    }

    /// Its address, with a user's name and password or without.
    pub fn url(&self, user: &str) -> String {
        let at = if user.is_empty() { "" } else { "@" };
        format!("http://{user}{at}127.0.0.1:{}", self.port)
    }

    /// How many tunnels it has been asked for.
    pub fn tunnels(&self) -> usize {
        self.log.lock().unwrap().matches(": CONNECT ").count()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
