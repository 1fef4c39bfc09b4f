//! An answer that is there, or whose body is still to come.

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, StatusCode};

use super::answer::Answer;
use super::call::Call;
use super::error::{PlatformError, RequestId};
use crate::system::http::{Body, Http, Incoming};

pub enum Reply {
    Whole(Answer),
    Streamed(Box<Streamed>),
}

/// A success whose body is read as it comes.
pub struct Streamed {
    incoming: Incoming,
    asked_for_json: bool,
}

impl Reply {
    /// Whatever is no success is read whole: it is an error, or says where to go on.
    pub(super) async fn open(
        http: &Http,
        request: Request<Body>,
        call: &Call,
    ) -> Result<Reply, PlatformError> {
        let incoming = http.open(request).await?;
        let streamed = Streamed { incoming, asked_for_json: call.asks_for_json() };
        if streamed.status().is_success() {
            Ok(Reply::Streamed(Box::new(streamed)))
        } else {
            Ok(Reply::Whole(streamed.whole(call.limit()).await?))
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Reply::Whole(answer) => answer.status(),
            Reply::Streamed(streamed) => streamed.status(),
        }
    }

    pub fn request_id(&self) -> RequestId {
        match self {
            Reply::Whole(answer) => answer.request_id(),
            Reply::Streamed(streamed) => RequestId::new(streamed.headers()),
        }
    }
}

impl Streamed {
    pub fn status(&self) -> StatusCode {
        self.incoming.head.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.incoming.head.headers()
    }

    /// The next part of the body, as it comes out of its compression; `None`: that was all.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, PlatformError> {
        Ok(self.incoming.chunk().await?)
    }

    pub(super) async fn whole(self, limit: usize) -> Result<Answer, PlatformError> {
        Ok(Answer::new(self.incoming.whole(limit).await?, self.asked_for_json))
    }
}
