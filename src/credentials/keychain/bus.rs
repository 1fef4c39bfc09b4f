//! The D-Bus session bus, and what its errors mean.
//!
//! The text of a D-Bus error is never repeated: where a policy forbids a call, the bus quotes the
//! command line of the caller, and with it any token or password. Errors are told apart by type and
//! by name, and each has a sentence of our own.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;

use rustix::io::Errno;
use zbus::DBusError;
use zbus::blocking::{Connection, connection};

use crate::system::command_line;
use crate::system::paths::Paths;

/// Why the Secret Service can't be used. Of several reasons the later one here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Failure {
    #[error("no D-Bus session bus")]
    NoBus,
    #[error("the D-Bus session bus belongs to another user")]
    OtherUsersBus,
    #[error("no Secret Service on the D-Bus session bus")]
    NoService,
    #[error("the item no longer exists")]
    Gone,
    /// The service has restarted since the session was opened.
    #[error("the session has ended")]
    NoSession,
    #[error("no default collection")]
    NoCollection,
    #[error("the Secret Service could not be started")]
    NotStarted,
    #[error("it went away before it answered")]
    Disconnected,
    #[error("it reported an error")]
    Other,
    #[error("locked")]
    Locked,
    #[error("access denied")]
    Denied,
}

/// The addresses of the session bus, in the order in which they are tried.
#[derive(Debug, Clone)]
pub(super) struct Addresses(Vec<Address>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Path(PathBuf),
    Abstract(OsString),
    /// Another transport, as the variable spells it.
    Other(String),
}

impl Addresses {
    pub(super) fn new(paths: &Paths) -> Addresses {
        Addresses(match (&paths.session_bus, &paths.runtime_dir) {
            (Some(list), _) => list.split(';').filter_map(Address::parse).collect(),
            (None, Some(folder)) => vec![Address::Path(folder.join("bus"))],
            (None, None) => {
                let user = rustix::process::geteuid().as_raw();
                vec![Address::Path(format!("/run/user/{user}/bus").into())]
            }
        })
    }

    /// The first `T` that can be opened on one of the buses, else the reason that tells most.
    pub(super) fn first<T>(&self, open: impl Fn(Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        command_line::hide_values();
        let mut worst = Failure::NoBus;
        for address in &self.0 {
            match address.connect().and_then(&open) {
                Ok(opened) => return Ok(opened),
                Err(failure) => worst = worst.max(failure),
            }
        }
        Err(worst)
    }
}

impl Address {
    /// One address of the list (D-Bus specification, "Server Addresses"); `None`: it names no bus.
    ///
    /// zbus takes the whole list for one address, and the escapes of a path for a part of its name.
    fn parse(text: &str) -> Option<Address> {
        let (transport, options) = text.trim().split_once(':')?;
        if transport != "unix" {
            return Some(Address::Other(text.trim().to_owned()));
        }
        options.split(',').filter_map(|option| option.split_once('=')).find_map(|(key, value)| {
            let value = OsString::from_vec(percent_encoding::percent_decode_str(value).collect());
            match key {
                "path" => Some(Address::Path(value.into())),
                "abstract" => Some(Address::Abstract(value)),
                _ => None,
            }
        })
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let stream = match self {
            Address::Path(path) => UnixStream::connect(path),
            Address::Abstract(name) => SocketAddr::from_abstract_name(name.as_encoded_bytes())
                .and_then(|name| UnixStream::connect_addr(&name)),
            Address::Other(address) => {
                let built = connection::Builder::address(address.as_str()).and_then(|it| it.build());
                return built.map_err(|error| not_connected(&error));
            }
        };
        let stream = stream.map_err(|error| no_socket(&error))?;
        // dbus-daemon just hangs up on another user, which would look like a bus that crashed.
        let owner =
            rustix::net::sockopt::socket_peercred(&stream).map_err(|error| no_socket(&error.into()))?;
        if owner.uid != rustix::process::geteuid() {
            return Err(Failure::OtherUsersBus);
        }
        connection::Builder::async_io_unix_stream(stream).build().map_err(|error| not_connected(&error))
    }
}

/// A socket that can't be opened is no bus, unless it is this process that can open no more.
fn no_socket(error: &std::io::Error) -> Failure {
    tracing::debug!(%error, "no connection to the D-Bus session bus");
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => Failure::Other,
        _ => Failure::NoBus,
    }
}

fn not_connected(error: &zbus::Error) -> Failure {
    use std::io::ErrorKind;
    match error {
        zbus::Error::Address(_) | zbus::Error::Unsupported => Failure::NoBus,
        zbus::Error::Connection(io, _) => no_socket(io),
        zbus::Error::InputOutput(io)
            if matches!(io.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Failure::NoBus
        }
        // It rejects our user id.
        zbus::Error::Handshake(_) => Failure::OtherUsersBus,
        error => Failure::from(error),
    }
}

impl From<&zbus::Error> for Failure {
    fn from(error: &zbus::Error) -> Failure {
        match error {
            zbus::Error::MethodError(name, text, _) => from_name(name, text.as_deref()),
            zbus::Error::FDO(error) => Failure::from(&**error),
            zbus::Error::InputOutput(io) => {
                tracing::debug!(error = %io, "the connection to the D-Bus session bus broke");
                Failure::Disconnected
            }
            error => {
                tracing::debug!(%error, "D-Bus error");
                Failure::Other
            }
        }
    }
}

impl From<&zbus::fdo::Error> for Failure {
    fn from(error: &zbus::fdo::Error) -> Failure {
        match error {
            zbus::fdo::Error::ZBus(error) => Failure::from(error),
            error => from_name(&error.name(), error.description()),
        }
    }
}

/// Where the names come from: the bus itself, the Secret Service specification, and what gnome-keyring
/// was seen to answer.
fn from_name(name: &str, text: Option<&str>) -> Failure {
    let of_bus = name.strip_prefix("org.freedesktop.DBus.Error.");
    // The texts of these two quote our command line, so not even a log may have them.
    let text = text.filter(|_| !matches!(of_bus, Some("AccessDenied" | "LimitsExceeded")));
    tracing::debug!(name, text, "D-Bus error");
    match of_bus {
        // Nothing owns the name, and nothing is installed that could be started for it.
        Some("ServiceUnknown" | "NameHasNoOwner" | "Spawn.ServiceNotFound" | "Spawn.ExecFailed") => {
            Failure::NoService
        }
        Some("AccessDenied" | "AuthFailed") => Failure::Denied,
        // It crashed while it had our call. It was there, so it is not absent.
        Some("NoReply" | "Disconnected") => Failure::Disconnected,
        // gnome-keyring says the last of an object that no longer has an item's methods.
        Some("UnknownObject" | "UnknownMethod") => Failure::Gone,
        Some("TimedOut") => Failure::NotStarted,
        Some(other) if other.starts_with("Spawn.") => Failure::NotStarted,
        Some(_) => Failure::Other,
        None => match name {
            "org.freedesktop.Secret.Error.IsLocked" => Failure::Locked,
            "org.freedesktop.Secret.Error.NoSession" => Failure::NoSession,
            "org.freedesktop.Secret.Error.NoSuchObject" => Failure::Gone,
            _ => Failure::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &str) -> Vec<Address> {
        Addresses::new(&Paths { session_bus: Some(list.to_owned()), ..Paths::default() }).0
    }

    #[test]
    fn an_address_list_is_split_and_its_escapes_are_decoded() {
        let path = |path: &str| Address::Path(path.into());
        assert_eq!(addresses("unix:path=/gone;unix:path=/real"), [path("/gone"), path("/real")]);
        assert_eq!(addresses("unix:guid=00ff,path=/a%20b%3b;;unix:tmpdir=/tmp"), [path("/a b;")]);
        assert_eq!(
            addresses("unix:abstract=/x,guid=1;tcp:host=h,port=1"),
            [Address::Abstract("/x".into()), Address::Other("tcp:host=h,port=1".to_owned())]
        );
        for nothing in [";", "nonsense", "unix:", "unix:guid=1"] {
            assert_eq!(addresses(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn without_a_variable_the_bus_is_in_the_runtime_folder() {
        let paths = Paths { runtime_dir: Some("/run/a;b".into()), ..Paths::default() };
        assert_eq!(Addresses::new(&paths).0, [Address::Path("/run/a;b/bus".into())]);
    }

    #[test]
    fn of_several_buses_the_reason_that_tells_most_is_given() {
        let dead = Addresses(vec![Address::Path("/nonexistent".into()), Address::Path("/dev/null".into())]);
        assert_eq!(dead.first(|_| Ok(())), Err(Failure::NoBus));
        assert!(Failure::NoService > Failure::OtherUsersBus && Failure::Disconnected > Failure::NoService);
    }
}
