//! Tracing to stderr: `-v` is info, `-vv` debug, `-vvv` trace; `AUTOCOM_LOG` takes a filter.
//!
//! Nothing is set up unless one of them is given. Secrets are a type that cannot be printed, and
//! the HTTP libraries' own logs (which know headers) are never switched on by `-v`.

use std::fmt;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::domain::diagnostic;
use crate::system::environment::Environment;

pub fn start(verbose: u8, environment: &Environment, colours: bool) {
    let filter = match (environment.var("AUTOCOM_LOG"), verbose) {
        (_, 1) => "autocom=info".to_owned(),
        (_, 2) => "autocom=debug".to_owned(),
        (_, 3..) => "autocom=trace".to_owned(),
        (Some(filter), 0) => ours_only(&filter),
        (None, 0) => return,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(filter))
        .with_writer(std::io::stderr)
        .fmt_fields(debug_fn(write_field).delimited(" "))
        .with_ansi(colours)
        .with_target(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber); // a test may have set one
}

/// Every value passes the gate for text from outside.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = diagnostic(&format!("{value:?}"));
    match field.name() {
        "message" => write!(writer, "{value}"),
        name => write!(writer, "{name}={value}"),
    }
}

/// `AUTOCOM_LOG` as a filter of autocom's own events: a bare level means ours, and another crate's
/// directive is dropped, since hyper and h2 log headers.
fn ours_only(filter: &str) -> String {
    filter
        .split(',')
        .map(str::trim)
        .filter_map(|directive| match directive.split_once('=') {
            None if directive.starts_with("autocom") => Some(directive.to_owned()),
            None => Some(format!("autocom={directive}")),
            Some((target, _)) => target.starts_with("autocom").then(|| directive.to_owned()),
        })
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn other_crates_stay_silent_whatever_is_asked_for() {
        assert_eq!(super::ours_only("debug"), "autocom=debug");
        assert_eq!(super::ours_only("h2=trace,autocom::oauth=debug, hyper=trace"), "autocom::oauth=debug");
    }
}
