//! A Secret Service of one's own: a private session bus and a real gnome-keyring on it, in a home of
//! their own, killed on drop. Needs `dbus-daemon` and `gnome-keyring-daemon`.
//!
//! ```ignore
//! let keychain = SecretService::start();
//! Command::new(autocom).envs(keychain.env());
//! keychain.lock();
//! ```
//!
//! Every wait is for an event: a line, a name on the bus, a process that stopped.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use zbus::blocking::{Connection, connection};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use crate::support::World;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
/// The collection that is the default.
pub const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const UNSUPPORTED: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
/// With the newline: the daemon takes all of its input for the password.
const PASSWORD: &str = "\n";

/// The guard: what it started ends with it.
pub struct SecretService {
    home: tempfile::TempDir,
    address: String,
    bus: Child,
    keyring: Option<Child>,
}

impl SecretService {
    /// A bus with an unlocked, empty keychain. There is no prompter: a request to unlock it is
    /// refused at once, as in a login by ssh.
    pub fn start() -> SecretService {
        let mut service = SecretService::without_service();
        let mut keyring = Command::new("gnome-keyring-daemon")
            .args(["--unlock", "--foreground", "--components=secrets"])
            // What would lead it to the desktop of whoever runs the tests.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("GNOME_KEYRING_CONTROL")
            .envs(service.env())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is installed");
        keyring.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        service.keyring = Some(keyring);
        service.wait_for_name(true);
        service
    }

    /// A bus on which nothing provides secrets and nothing can be started that would.
    pub fn without_service() -> SecretService {
        SecretService::with_policy("")
    }

    /// A bus that forbids to send anything to the service, as a sandbox does. It logs to `bus.log` in
    /// its home.
    pub fn forbidden() -> SecretService {
        SecretService::with_policy(&format!(r#"<deny send_destination="{SERVICE}"/>"#))
    }

    /// What the bus has logged.
    pub fn bus_log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("bus.log")).unwrap()
    }

    fn with_policy(rule: &str) -> SecretService {
        let home = tempfile::Builder::new().prefix("keychain-").tempdir_in("/tmp").unwrap();
        for folder in ["run", "data"] {
            private_folder(&home.path().join(folder));
        }
        let config = home.path().join("bus.conf");
        std::fs::write(&config, bus_config(home.path(), rule)).unwrap();
        let log = std::fs::File::create(home.path().join("bus.log")).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("dbus-daemon is installed");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "dbus-daemon did not start");
        SecretService { home, address, bus, keyring: None }
    }

    /// The variables that lead a program to this keychain. Set them over the test's own, after any
    /// `HOME` of the test, or leave `HOME` out: the keychain needs only the bus.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        let home = self.home.path();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone().into()),
            ("XDG_RUNTIME_DIR", home.join("run").into()),
            ("XDG_DATA_HOME", home.join("data").into()),
            ("HOME", home.into()),
        ]
    }

    /// Lets other users reach the bus's socket, though the bus accepts none.
    pub fn show_to_others(&self) {
        for folder in [self.home.path().to_owned(), self.home.path().join("run")] {
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o711)).unwrap();
        }
    }

    /// Locks the collection that items are in.
    pub fn lock(&self) {
        self.lock_collection(LOGIN);
    }

    pub fn lock_collection(&self, path: &str) {
        let paths = vec![ObjectPath::try_from(path).unwrap()];
        let reply = self.call(ROOT, "org.freedesktop.Secret.Service", "Lock", &(paths,));
        let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) = reply.body().deserialize().unwrap();
        assert_eq!(locked.len(), 1, "the collection was not locked");
    }

    /// Unlocks it, as its owner would in another window.
    pub fn unlock(&self) {
        // A session belongs to its connection, so both calls are made on one.
        let (bus, session) = self.session();
        let password = (session, Vec::<u8>::new(), PASSWORD.as_bytes().to_vec(), "text/plain");
        let body = (ObjectPath::try_from(LOGIN).unwrap(), password);
        bus.call_method(Some(SERVICE), ROOT, Some(UNSUPPORTED), "UnlockWithMasterPassword", &body).unwrap();
    }

    /// Makes another collection, unlocked, and answers its path.
    pub fn add_collection(&self, label: &str) -> String {
        let (bus, session) = self.session();
        let properties = HashMap::from([("org.freedesktop.Secret.Collection.Label", Value::from(label))]);
        let password = (session, Vec::<u8>::new(), b"another".to_vec(), "text/plain");
        let body = (properties, password);
        let reply =
            bus.call_method(Some(SERVICE), ROOT, Some(UNSUPPORTED), "CreateWithMasterPassword", &body);
        let path: OwnedObjectPath = reply.unwrap().body().deserialize().unwrap();
        path.as_str().to_owned()
    }

    /// Stops the service: it holds its name, and answers nothing any more.
    pub fn freeze(&self) {
        let pid = Pid::from_child(self.keyring.as_ref().expect("there is a service"));
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
    }

    /// Lets a frozen service go on.
    pub fn thaw(&self) {
        let pid = Pid::from_child(self.keyring.as_ref().expect("there is a service"));
        kill_process(pid, Signal::CONT).unwrap();
    }

    /// Ends the service without warning, as a crash would, and sees its name leave the bus.
    pub fn kill(&mut self) {
        let mut keyring = self.keyring.take().expect("there is a service");
        keyring.kill().unwrap();
        keyring.wait().unwrap();
        self.wait_for_name(false);
    }

    /// Puts a program in the service's place that takes every call and answers none, until the guard
    /// is dropped or, if it `dies`, until the first call has come in.
    pub fn impersonate(&self, dies: bool) -> Impostor {
        let bus = self.own_name();
        if dies {
            let calls = zbus::blocking::MessageIterator::from(bus.clone());
            let bus = bus.clone();
            std::thread::spawn(move || {
                let is_call =
                    |message: &zbus::Message| message.header().member().is_some_and(|it| it == "OpenSession");
                calls.flatten().find(is_call).expect("somebody calls");
                bus.close().unwrap();
            });
        }
        Impostor { _bus: bus }
    }

    /// Makes an item with the attributes that go-keyring and autocom give theirs, and one more, so
    /// that it is an item of its own beside autocom's. The collection must be unlocked.
    pub fn put(&self, account: &str, secret: &[u8], more: &str) {
        self.put_in(LOGIN, account, secret, more);
    }

    /// The same in another collection; without `more` it has exactly autocom's attributes.
    pub fn put_in(&self, collection: &str, account: &str, secret: &[u8], more: &str) {
        let (bus, session) = self.session();
        let mut attributes = HashMap::from([("service", "autocom"), ("username", account), ("more", more)]);
        attributes.retain(|_, value| !value.is_empty());
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from("put by a test")),
            ("org.freedesktop.Secret.Item.Attributes", Value::from(attributes)),
        ]);
        let secret = (session, Vec::<u8>::new(), secret.to_vec(), "text/plain");
        bus.call_method(
            Some(SERVICE),
            collection,
            Some("org.freedesktop.Secret.Collection"),
            "CreateItem",
            &(properties, secret, false),
        )
        .unwrap();
    }

    /// The accounts of all items of service `autocom`, sorted. Works on a locked collection too, and
    /// asks nobody to unlock it.
    pub fn accounts(&self) -> Vec<String> {
        let mut accounts: Vec<String> = self
            .items(HashMap::from([("service", "autocom")]))
            .iter()
            .map(|item| {
                let reply = self.call(
                    item.as_str(),
                    "org.freedesktop.DBus.Properties",
                    "Get",
                    &("org.freedesktop.Secret.Item", "Attributes"),
                );
                let value: OwnedValue = reply.body().deserialize().unwrap();
                let mut attributes: HashMap<String, String> = value.try_into().unwrap();
                attributes.remove("username").unwrap_or_default()
            })
            .collect();
        accounts.sort();
        accounts
    }

    /// What the items of `account` hold, sorted. The collection must be unlocked.
    pub fn secrets(&self, account: &str) -> Vec<String> {
        let (bus, session) = self.session();
        let items = self.items(HashMap::from([("service", "autocom"), ("username", account)]));
        let secret = |item: &OwnedObjectPath| {
            let interface = Some("org.freedesktop.Secret.Item");
            let reply = bus.call_method(Some(SERVICE), item.as_str(), interface, "GetSecret", &session);
            let body = reply.unwrap().body();
            let (secret,): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) = body.deserialize().unwrap();
            String::from_utf8(secret.2).unwrap()
        };
        let mut secrets: Vec<String> = items.iter().map(secret).collect();
        secrets.sort();
        secrets
    }

    /// The paths of the items of `account`, sorted: each begins with that of its collection.
    pub fn paths(&self, account: &str) -> Vec<String> {
        let items = self.items(HashMap::from([("service", "autocom"), ("username", account)]));
        let mut paths: Vec<String> = items.iter().map(|path| path.as_str().to_owned()).collect();
        paths.sort();
        paths
    }

    fn items(&self, attributes: HashMap<&str, &str>) -> Vec<OwnedObjectPath> {
        let reply = self.call(ROOT, "org.freedesktop.Secret.Service", "SearchItems", &(attributes,));
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            reply.body().deserialize().unwrap();
        unlocked.into_iter().chain(locked).collect()
    }

    /// A session that transfers secrets in plain text; it ends with its connection.
    fn session(&self) -> (Connection, OwnedObjectPath) {
        let bus = self.connect();
        let interface = Some("org.freedesktop.Secret.Service");
        let body = ("plain", Value::from(""));
        let reply = bus.call_method(Some(SERVICE), ROOT, interface, "OpenSession", &body).unwrap();
        let (_, session): (OwnedValue, OwnedObjectPath) = reply.body().deserialize().unwrap();
        (bus, session)
    }

    fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connect().call_method(Some(SERVICE), path, Some(interface), method, body).unwrap()
    }

    /// Sees from now on what is sent to the service.
    pub fn watch(&self) -> Watch<'_> {
        let bus = self.connect();
        let calls = zbus::blocking::MessageIterator::from(bus.clone());
        let dbus = "org.freedesktop.DBus";
        let body = (vec![format!("type='method_call',destination='{SERVICE}'")], 0_u32);
        let interface = Some("org.freedesktop.DBus.Monitoring");
        bus.call_method(Some(dbus), "/org/freedesktop/DBus", interface, "BecomeMonitor", &body).unwrap();
        Watch { service: self, calls }
    }

    pub fn connect(&self) -> Connection {
        connection::Builder::address(self.address.as_str()).unwrap().build().unwrap()
    }

    /// A connection that owns the service's name. Not by zbus's own way, which would answer calls that
    /// nobody serves.
    pub fn own_name(&self) -> Connection {
        let (bus, body) = (self.connect(), (SERVICE, 0_u32));
        let dbus = "org.freedesktop.DBus";
        bus.call_method(Some(dbus), "/org/freedesktop/DBus", Some(dbus), "RequestName", &body).unwrap();
        bus
    }

    /// Waits until the service's name has an owner, or none.
    fn wait_for_name(&self, owned: bool) {
        let bus = self.connect();
        let names = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
        // Subscribed before it is looked at, so that the name can't come in between unseen.
        let changes = names.receive_name_owner_changed_with_args(&[(0, SERVICE)]).unwrap();
        if names.name_has_owner(SERVICE.try_into().unwrap()).unwrap() != owned {
            changes.into_iter().next().expect("gnome-keyring comes onto the bus, or leaves it");
        }
    }
}

/// A bus that answers nothing and only sees who comes.
pub struct Spy(UnixListener);

impl Spy {
    /// `socket` is where its address leads.
    pub fn at(socket: &Path) -> Spy {
        let listener = UnixListener::bind(socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        Spy(listener)
    }

    pub fn somebody_came(&self) -> bool {
        match self.0.accept() {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The calls of the service, as the bus sees them. A frozen service answers none, so a program that sends it one call
/// has waited for it once.
pub struct Watch<'a> {
    service: &'a SecretService,
    calls: zbus::blocking::MessageIterator,
}

impl Watch<'_> {
    /// How many there were since it was asked last. Whoever made them must have ended.
    pub fn calls(&mut self) -> usize {
        let end = zbus::Message::method_call(ROOT, "EndOfCalls").unwrap();
        let end = end.destination(SERVICE).unwrap().build(&()).unwrap();
        let bus = self.service.connect();
        bus.send(&end).unwrap();
        let is_end = |message: &zbus::Message| message.header().member().is_some_and(|it| it == "EndOfCalls");
        self.calls.by_ref().flatten().take_while(|message| !is_end(message)).filter(is_call).count()
    }
}

fn is_call(message: &zbus::Message) -> bool {
    let header = message.header();
    header.message_type() == zbus::message::Type::MethodCall
        && header.destination().is_some_and(|it| it == SERVICE)
}

/// What [`SecretService::impersonate`] put onto the bus.
pub struct Impostor {
    _bus: Connection,
}

impl Drop for SecretService {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A session bus without any folder of services, so that it can't start one either.
fn bus_config(home: &Path, rule: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}/run/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    {rule}
  </policy>
</busconfig>
"#,
        home.display()
    )
}

fn private_folder(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

/// A home where nothing is said about stores, with that bus.
pub fn world_on(service: &SecretService) -> World {
    let mut world = World::new();
    world.unset("AUTOCOM_STORE");
    // The keychain needs no more than the bus, and HOME stays the world's own.
    for (name, value) in service.env().into_iter().filter(|(name, _)| *name != "HOME") {
        world.set(name, value.into_string().unwrap());
    }
    world
}
