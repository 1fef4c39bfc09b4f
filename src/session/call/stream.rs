//! Answers that come part by part and are shown as they come.

use std::io::{self, ErrorKind};

use tokio::sync::mpsc;

use crate::error::{Error, Kind};
use crate::session::call::tokens::CallError;
use crate::system::runtime;

/// How many parts wait to be shown while the next one is on its way.
const AHEAD: usize = 8;

/// Where the parts go. It blocks while it writes.
pub trait Sink<P>: Send + 'static {
    fn take(&mut self, part: P) -> io::Result<()>;
}

/// Fetches every part and shows each while the next one is on its way. Answers with the sink, or
/// `None` if its reader has gone away: then nothing more is fetched.
///
/// Writing happens apart from the runtime: a pipe that nobody empties must not keep Ctrl-C waiting.
pub(crate) async fn stream<P: Send + 'static, S: Sink<P>>(
    mut next: impl AsyncFnMut() -> Result<Option<P>, CallError>,
    mut sink: S,
) -> Result<Option<S>, CallError> {
    // Nothing is written, and no thread started, for what fails at once.
    let Some(first) = next().await? else { return Ok(Some(sink)) };
    let (parts, mut received) = mpsc::channel(AHEAD);
    let writing = runtime::blocking(move || {
        sink.take(first)?;
        while let Some(part) = received.blocking_recv() {
            sink.take(part)?;
        }
        io::Result::Ok(sink)
    });
    let fetching = async {
        let parts = parts;
        while let Some(part) = next().await? {
            if parts.send(part).await.is_err() {
                break; // The writer tells why.
            }
        }
        Ok(())
    };
    tokio::pin!(writing);
    let (written, fetched) = {
        tokio::pin!(fetching);
        tokio::select! {
            biased;
            fetched = &mut fetching => (None, Some(fetched)),
            written = &mut writing => (Some(written), None),
        }
    };
    // What was fetched before a failure is shown.
    let written = match written {
        Some(written) => written,
        None => writing.await,
    };
    let sink = match written.map_err(|error| CallError::Own(error.into()))? {
        Some(Ok(sink)) => sink,
        Some(Err(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
        Some(Err(error)) => return Err(CallError::Own(error.into())),
        None => return Err(CallError::Own(Error::new(Kind::Failed, "writing the answer broke off"))),
    };
    fetched.unwrap_or(Ok(())).map(|()| Some(sink))
}
