//! Somebody at a browser who logs in by themselves: a program for `$BROWSER` that goes through the
//! platform's own pages and ends on autocom's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use super::real_server::CACHE;
use super::world::{DEADLINE, World};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real-server/browser");

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    /// Debian's Chromium, headless, by `approve.js`.
    Chromium,
    /// No browser at all: `approve_http.py` sends the forms.
    Forms,
}

/// What `$BROWSER` was set to.
pub struct Driver {
    browser: Browser,
    home: PathBuf,
}

impl Driver {
    /// Makes it the browser of `world`: `user` approves or denies.
    pub fn install(world: &mut World, browser: Browser, user: &str, action: &str) -> Driver {
        let home = world.home().to_owned();
        assert!(Command::new("mkfifo").arg(home.join("browser.end")).status().unwrap().success());
        let program = match browser {
            Browser::Chromium => "approve.js",
            Browser::Forms => "approve_http.py",
        };
        let script = format!(
            "export APPROVE_USER={user} APPROVE_ACTION={action} APPROVE_LOG=browser.log APPROVE_SHOT=page.png TMPDIR=\"$HOME\"\n\
             export NODE_PATH='{CACHE}/browser/node_modules' APPROVE_CAFILE=\"$SSL_CERT_FILE\"\n\
             '{FOLDER}/{program}' \"$1\" > browser.out 2>&1\n\
             echo $? > browser.end\n"
        );
        std::fs::write(home.join("browser.sh"), script).unwrap();
        world.set("BROWSER", format!("sh {}", home.join("browser.sh").display()));
        Driver { browser, home }
    }

    /// Waits until the browser is closed; answers the text of the page that it ended on (of
    /// [`Browser::Forms`]: its markup).
    pub fn last_page(self) -> String {
        let (send, ended) = mpsc::channel();
        let end = self.home.join("browser.end");
        std::thread::spawn(move || send.send(std::fs::read_to_string(end)));
        let status = ended.recv_timeout(DEADLINE).expect("the browser ends").unwrap();
        let log = std::fs::read_to_string(self.home.join("browser.log")).unwrap_or_default();
        let said = std::fs::read_to_string(self.home.join("browser.out")).unwrap_or_default();
        assert_eq!(status.trim(), "0", "the browser failed: {said}\n{log}");
        match self.browser {
            Browser::Chromium => {
                let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
                assert!(last["final"].as_str().unwrap().contains("/callback"), "{log}");
                last["text"].as_str().unwrap().to_owned()
            }
            Browser::Forms => {
                log.split_once("callback page: ").unwrap_or_else(|| panic!("no callback: {log}")).1.to_owned()
            }
        }
    }
}

/// Goes to `url` as `user` and answers the address of the callback, which nobody has requested: what
/// a person would copy and paste.
pub fn callback_address(url: &str, user: &str) -> String {
    let output = Command::new(Path::new(FOLDER).join("approve_http.py"))
        .arg(url)
        .env("APPROVE_USER", user)
        .env("APPROVE_PRINT_CALLBACK", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Goes to a device's `page` as `user`, enters `code` there and approves or denies.
pub fn enter_code(page: &str, code: &str, user: &str, action: &str) {
    let output = Command::new(Path::new(FOLDER).join("approve_http.py"))
        .arg(page)
        .envs([("APPROVE_USER", user), ("APPROVE_CODE", code), ("APPROVE_ACTION", action)])
        .output()
        .unwrap();
    // What it makes of the page that a denial ends on is its own affair.
    assert!(action == "deny" || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
