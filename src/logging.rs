//! Tracing to stderr: `-v` is info, `-vv` debug, `-vvv` trace; `AUTOCOM_LOG` takes a filter.
//!
//! Nothing is set up unless one of them is given. Secrets are a type that cannot be printed, and
//! the HTTP libraries' own logs (which know headers) are never switched on by `-v`.

use std::fmt;

use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::domain::diagnostic;
use crate::domain::time::rfc3339;
use crate::system::clock::{Clock, SystemClock};
use crate::system::environment::Environment;

/// How an event is written.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Text {
        colours: bool,
    },
    /// A line of its own for each, drawn by this.
    Lines(fn(LogEvent) -> String),
}

pub(crate) fn start(verbose: u8, environment: &Environment, style: Style) {
    let filter = match (environment.var("AUTOCOM_LOG"), verbose) {
        (_, 1) => "autocom=info".to_owned(),
        (_, 2) => "autocom=debug".to_owned(),
        (_, 3..) => "autocom=trace".to_owned(),
        (Some(filter), 0) => ours_only(&filter),
        (None, 0) => return,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(filter))
        .with_writer(std::io::stderr);
    // An error: a test may have set one.
    let _ = match style {
        Style::Text { colours } => subscriber
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_ansi(colours)
            .with_target(false)
            .try_init(),
        Style::Lines(draw) => subscriber.event_format(Lines(draw)).try_init(),
    };
}

/// What happened, for a line of JSON. Its texts have passed the gate.
pub(crate) struct LogEvent {
    pub time: String,
    pub level: String,
    pub message: String,
    pub fields: Map<String, Value>,
}

struct Lines(fn(LogEvent) -> String);

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N>
    for Lines
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").and_then(|text| text.as_str().map(str::to_owned));
        let time = rfc3339(SystemClock.now());
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let message = message.unwrap_or_default();
        writeln!(writer, "{}", (self.0)(LogEvent { time, level, message, fields: fields.0 }))
    }
}

/// The fields of an event, each text through the gate for text from outside.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), diagnostic(value).into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.insert(field.name().to_owned(), u64::try_from(value).unwrap_or(u64::MAX).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
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
