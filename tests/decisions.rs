//! What a command decided is still so when it writes: each pair of commands that write, the second one stopped between
//! what it saw and the lock while the first one changes the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::platform::{Options, Sandbox};
use crate::support::locks::ConfigLock;
use crate::support::{Outcome, World};

const FILES: [&str; 6] =
    ["config.toml", "pins.toml", "pins-pending.toml", "unlocked.json", "logins.toml", "credentials"];

/// A home in which `p` is protected, unlocked, pinned and the profile before the active one, and shares ada's login
/// with `a`.
struct Scene {
    world: World,
    sandbox: Sandbox,
    bound: PathBuf,
    free: PathBuf,
}

/// A command that writes.
struct Writer {
    name: &'static str,
    line: String,
    /// Who logs in, if it is a login.
    user: Option<&'static str>,
    /// How it ends where `p` is gone by then.
    without_p: i32,
    /// How it ends where `p` has another address by then.
    elsewhere: i32,
    /// Whether what it is there for is so.
    done: fn(&State) -> bool,
}

/// What the files say.
struct State {
    active: Option<String>,
    profiles: BTreeMap<String, toml::Table>,
    pins: toml::Table,
    unlocked: Vec<Value>,
    credentials: serde_json::Map<String, Value>,
}

impl State {
    fn of(world: &World) -> State {
        let config: toml::Table = world.read("config.toml").parse().unwrap();
        let profiles = config["profiles"].as_table().unwrap().iter();
        let leases: Value = serde_json::from_str(&world.read("unlocked.json")).unwrap_or_default();
        let credentials: Value = serde_json::from_str(&world.read("credentials")).unwrap_or_default();
        State {
            active: config.get("profile").and_then(toml::Value::as_str).map(str::to_owned),
            profiles: profiles
                .map(|(name, table)| (name.clone(), table.as_table().unwrap().clone()))
                .collect(),
            pins: world.read("pins.toml").parse().unwrap(),
            unlocked: leases["leases"].as_array().cloned().unwrap_or_default(),
            credentials: credentials["credentials"].as_object().cloned().unwrap_or_default(),
        }
    }

    fn value(&self, profile: &str, key: &str) -> Option<String> {
        let value = self.profiles.get(profile)?.get(key)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn has(&self, profile: &str, key: &str, value: &str) -> bool {
        self.value(profile, key).as_deref() == Some(value)
    }

    fn bound(&self) -> impl Iterator<Item = (&str, &str)> {
        let directories = self.pins.get("directories").and_then(toml::Value::as_table);
        let bound = directories.into_iter().flatten();
        bound.map(|(directory, name)| (directory.as_str(), name.as_str().unwrap()))
    }

    fn is_unlocked(&self, profile: &str) -> bool {
        self.unlocked.iter().any(|lease| lease["profile"] == profile)
    }

    /// What is broken, whatever was run.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let is_there = |name: &str| self.profiles.contains_key(name);
        for name in self.profiles.keys().filter(|name| self.value(name, "api_url").is_none()) {
            faults.push(format!("profile {name} has no address"));
        }
        if let Some(active) = self.active.as_deref().filter(|name| !is_there(name)) {
            faults.push(format!("the active profile is {active}, which does not exist"));
        }
        let previous = self.pins.get("previous").and_then(toml::Value::as_str);
        for name in self.bound().map(|(_, name)| name).chain(previous).filter(|name| !is_there(name)) {
            faults.push(format!("a pin names {name}, which does not exist"));
        }
        for lease in &self.unlocked {
            let (name, url) = (lease["profile"].as_str().unwrap(), lease["api_url"].as_str().unwrap());
            if !(self.has(name, "protected", "true") && self.has(name, "api_url", url)) {
                faults.push(format!("{name} is unlocked at {url}, which is not its address"));
            }
        }
        for (key, record) in self.credentials.iter().filter(|(key, _)| key.starts_with("http")) {
            if record["api_url"] != **key || record["user_email"] != "ada@example.test" {
                faults.push(format!("a token of {} is kept under {key}", record["user_email"]));
            }
        }
        faults
    }
}

impl Scene {
    fn new() -> Scene {
        let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        let [bound, free] = ["bound", "free"].map(|name| {
            let directory = world.home().join(name);
            fs::create_dir(&directory).unwrap();
            directory
        });
        world.set("EDITOR", "sed -i s/initech/edited/");
        let url = sandbox.api_url();
        let import = format!("[profiles.p]\napi_url = \"{url}\"\nring = \"stable\"\n");
        fs::write(world.home().join("import.toml"), import).unwrap();
        world.config(&format!(
            "profile = \"p\"\n[profiles.a]\napi_url = \"{url}\"\ntenant = \"acme\"\n[profiles.p]\napi_url = \"{url}\"\n\
             tenant = \"acme\"\nprotected = true\n[profiles.c]\napi_url = \"https://c.test/api/v1\"\ntenant = \"initech\"\n"
        ));
        world.log_in(&sandbox, "ada", "-p p");
        world.run(&format!("profiles pin p {}", bound.display())).ok();
        world.run("profiles use a").ok();
        world.run("profiles unlock p --reason why --confirm p").ok();
        Scene { world, sandbox, bound, free }
    }

    fn writers(&self) -> Vec<Writer> {
        let (url, bound, free) = (self.sandbox.api_url(), self.bound.display(), self.free.display());
        let writer = |name, line: &str, without_p, elsewhere, done| Writer {
            name,
            line: format!("{line} --confirm p"),
            user: None,
            without_p,
            elsewhere,
            done,
        };
        let login = |name, user, line: &str, done| Writer {
            user: Some(user),
            ..writer(name, &format!("auth login --token-stdin {line}"), 0, 0, done)
        };
        vec![
            writer("set", "profiles set p tenant=globex", 2, 0, |it| it.has("p", "tenant", "globex")),
            writer("protect", "profiles set p protected=true", 2, 0, |it| it.has("p", "protected", "true")),
            writer("readdress", "profiles set p api_url=https://moved.test/api/v1", 0, 0, |it| {
                it.has("p", "api_url", "https://moved.test/api/v1")
            }),
            writer("create", "profiles set n api_url=https://n.test/api/v1", 0, 0, |it| {
                it.has("n", "api_url", "https://n.test/api/v1")
            }),
            writer("config set", "config set profiles.p.ring edge", 2, 0, |it| it.has("p", "ring", "edge")),
            writer("config set -p", "config set ring canary -p p", 2, 0, |it| it.has("p", "ring", "canary")),
            writer("config unset", "config unset profiles.p.tenant", 2, 0, |it| {
                it.value("p", "tenant").is_none()
            }),
            writer("config set profile", "config set profile p", 2, 0, |it| {
                it.active.as_deref() == Some("p")
            }),
            writer("use", "profiles use p", 2, 0, |it| it.active.as_deref() == Some("p")),
            writer("pin", &format!("profiles pin p {free}"), 2, 0, |it| {
                it.bound().any(|(directory, name)| directory.ends_with("/free") && name == "p")
            }),
            writer("unpin", &format!("profiles unpin {bound}"), 0, 0, |it| {
                !it.bound().any(|(directory, _)| directory.ends_with("/bound"))
            }),
            writer("rename", "profiles rename p q", 2, 0, |it| {
                it.profiles.contains_key("q") && !it.profiles.contains_key("p")
            }),
            writer("rename otherwise", "profiles rename p r", 2, 0, |it| {
                it.profiles.contains_key("r") && !it.profiles.contains_key("p")
            }),
            writer("remove", "profiles remove p --use a", 2, 0, |it| !it.profiles.contains_key("p")),
            writer("lock", "profiles lock p", 2, 0, |it| !it.is_unlocked("p")),
            writer("unlock", "profiles unlock p --reason why", 2, 2, |it| it.is_unlocked("p")),
            writer("tenants use", "tenants use globex -p p", 2, 2, |it| it.has("p", "tenant", "globex")),
            writer("import", "profiles import import.toml --force", 0, 0, |it| it.has("p", "ring", "stable")),
            writer("config edit", "config edit", 2, 2, |it| it.has("c", "tenant", "edited")),
            login("login", "ada", "-p p", |it| {
                it.credentials.values().any(|it| it["user_name"] == "Ada Lovelace")
            }),
            login("login of another user", "grace", "-p p --tenant initech", |it| {
                it.credentials.values().any(|it| it["user_name"] == "Grace Hopper")
            }),
            login("login that creates", "ada", &format!("-p n --api-url {url}"), |it| {
                it.credentials.values().any(|it| it["user_name"] == "Ada Lovelace")
            }),
        ]
    }

    fn start(&self, writer: &Writer) -> crate::support::world::Running {
        let mut running = self.world.start_open(&writer.line);
        let token = writer.user.map(|user| self.sandbox.mint_pat(user, None));
        token.iter().for_each(|token| self.world.plant(token));
        running.input(&token.unwrap_or_default());
        running
    }

    fn files(&self) -> [Option<String>; 6] {
        FILES.map(|file| fs::read_to_string(self.world.path(file)).ok())
    }

    fn put(&self, files: &[Option<String>; 6]) {
        for (file, text) in FILES.iter().zip(files) {
            match text {
                Some(text) => self.world.write(file, text),
                None => drop(fs::remove_file(self.world.path(file))),
            }
        }
    }
}

/// What the second of two commands did where the first has overtaken it.
fn check(first: &Writer, second: &Writer, before: &State, outcome: &Outcome, after: &State) -> Vec<String> {
    let mut faults = after.faults();
    let is_moved = !before.has("p", "api_url", &before.value("a", "api_url").unwrap());
    let wanted = match before.profiles.contains_key("p") {
        false => Some(second.without_p),
        true if is_moved => Some(second.elsewhere),
        true => None,
    };
    // A file that is edited as a whole must be as it was.
    let is_edit = second.name == "config edit" && first.name != "config edit";
    let wanted = if is_edit { None } else { wanted };
    if wanted.is_some_and(|code| outcome.code != code) || !matches!(outcome.code, 0 | 2) {
        faults.push(format!("ended with {} in place of {wanted:?}", outcome.code));
    }
    // What a login was told by config.toml it does not put back there.
    if second.name == "login" && first.user.is_none() && !(first.done)(after) {
        faults.push("undoes what the other has done".to_owned());
    }
    if outcome.code == 0 && !(second.done)(after) {
        faults.push("claims to have done it".to_owned());
    }
    faults
}

#[test]
fn no_command_writes_what_is_not_so_any_more() {
    // Two at a time: each of them waits for a lock most of the time.
    let broken: Vec<String> = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || pairs(half)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{} pairs:\n{}", broken.len(), broken.join("\n"));
}

/// The pairs of every second first command.
fn pairs(half: usize) -> Vec<String> {
    let scene = Scene::new();
    let (start, writers) = (scene.files(), scene.writers());
    let mut broken = Vec::new();
    for first in writers.iter().skip(half).step_by(2) {
        scene.put(&start);
        scene.start(first).finish().ok();
        let (changed, before) = (scene.files(), State::of(&scene.world));
        for second in &writers {
            scene.put(&start);
            let lock = ConfigLock::hold(&scene.world);
            let running = scene.start(second);
            lock.awaited_by(&running);
            scene.put(&changed);
            drop(lock);
            let outcome = running.finish();
            let faults = check(first, second, &before, &outcome, &State::of(&scene.world));
            if !faults.is_empty() {
                let (faults, said) = (faults.join("; "), outcome.stderr);
                broken.push(format!("{} overtaken by {}: {faults}\n    {said}", second.name, first.name));
            }
        }
    }
    broken
}
