//! Answers that come page by page and are shown as they come.

use std::io::{self, ErrorKind};

use super::bearer::CallError;
use crate::error::{Error, Kind};
use crate::system::runtime;

/// Where pages go. It blocks while it writes.
pub trait Sink<P>: Send + 'static {
    fn take(&mut self, page: P) -> io::Result<()>;
}

/// Fetches every page and shows each while the next one is on its way. Answers with the sink, or
/// `None` if its reader has gone away: then nothing more is fetched.
///
/// Writing happens apart from the runtime: a pipe that nobody empties must not keep Ctrl-C waiting.
pub(super) async fn stream<P: Send + 'static, S: Sink<P>>(
    mut next: impl AsyncFnMut() -> Result<Option<P>, CallError>,
    mut sink: S,
) -> Result<Option<S>, CallError> {
    let mut page = next().await?;
    while let Some(current) = page {
        let showing = runtime::blocking(move || sink.take(current).map(|()| sink));
        let fetching = next();
        tokio::pin!(showing, fetching);
        let (shown, fetched) = tokio::select! {
            shown = &mut showing => (shown, None),
            fetched = &mut fetching => (showing.await, Some(fetched)),
        };
        sink = match shown.map_err(|error| CallError::Own(error.into()))? {
            Some(Ok(sink)) => sink,
            Some(Err(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
            Some(Err(error)) => return Err(CallError::Own(error.into())),
            None => return Err(CallError::Own(Error::new(Kind::Failed, "writing the answer broke off"))),
        };
        page = match fetched {
            Some(fetched) => fetched?,
            None => fetching.await?,
        };
    }
    Ok(Some(sink))
}
