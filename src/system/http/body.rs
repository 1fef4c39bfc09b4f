//! What a request carries: bytes that are in memory, or what is read while it is sent.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::system::runtime::{self, StartError};

/// What is read at a time. Four of them wait to be sent.
const CHUNK: usize = 256 << 10;
const CHUNKS_AHEAD: usize = 4;

/// The body of a request.
#[derive(Clone)]
pub enum Body {
    Whole(Bytes),
    /// Read while it is sent; opened again for another try. Its length in bytes.
    File(PathBuf, u64),
    Once(Once),
}

/// What can be read once, such as a pipe. Clones are the same one.
#[derive(Clone)]
pub struct Once(Arc<Mutex<Option<Box<dyn Read + Send>>>>);

impl Once {
    pub fn new(reader: impl Read + Send + 'static) -> Once {
        Once(Arc::new(Mutex::new(Some(Box::new(reader)))))
    }

    fn take(&self) -> Option<Box<dyn Read + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_unread(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Body {
    /// The bytes, if they are in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Body::Whole(bytes) => Some(bytes),
            Body::File(..) | Body::Once(_) => None,
        }
    }

    /// Whether it can be sent, again if it has been sent before.
    pub fn can_be_sent(&self) -> bool {
        match self {
            Body::Whole(_) | Body::File(..) => true,
            Body::Once(once) => once.is_unread(),
        }
    }

    /// Its length in bytes, where that is known before it is read.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Body::Whole(bytes) => Some(bytes.len() as u64),
            Body::File(_, length) => Some(*length),
            Body::Once(_) => None,
        }
    }

    pub(super) fn open(&self, upload: &Arc<Upload>) -> Result<reqwest::Body, OpenError> {
        let reader = match self {
            Body::Whole(bytes) => return Ok(bytes.clone().into()),
            // What is appended while it is sent is not sent.
            Body::File(path, length) => Box::new(File::open(path)?.take(*length)),
            Body::Once(once) => once.take().ok_or_else(|| io::Error::other("it can only be read once"))?,
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let failed = Arc::clone(upload);
        runtime::thread("upload", move || {
            if let Err(error) = send_chunks(reader, &sender) {
                // The connection must not end as if all had been sent.
                let _ = sender.blocking_send(Err(io::Error::from(error.kind())));
                failed.fail(error);
            }
        })?;
        let (upload, mut receiver) = (Arc::clone(upload), receiver);
        let chunks = stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|chunk: Option<io::Result<Bytes>>| {
                upload.note_progress();
                chunk.map(|chunk| chunk.map(Frame::data))
            })
        });
        Ok(reqwest::Body::wrap(StreamBody::new(chunks)))
    }
}

fn send_chunks(mut reader: impl Read, to: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                if to.blocking_send(Ok(Bytes::copy_from_slice(&chunk[..length]))).is_err() {
                    return Ok(()); // The request has ended without it.
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Input(#[from] io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
}

/// How far the sending of a body is.
pub(super) struct Upload {
    progress: Mutex<Instant>,
    failure: Mutex<Option<io::Error>>,
}

impl Upload {
    pub(super) fn new() -> Upload {
        Upload { progress: Mutex::new(Instant::now()), failure: Mutex::default() }
    }

    fn note_progress(&self) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn fail(&self, error: io::Error) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Why the body could not be read, if that is what went wrong.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until nothing was taken of the body for `time`.
    pub(super) async fn stalls_for(&self, time: Duration) {
        loop {
            let end = *self.progress.lock().unwrap_or_else(PoisonError::into_inner) + time;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Whole(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Whole(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Whole(text.into())
    }
}

/// Its length alone: a body may hold secrets.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.length())
    }
}
