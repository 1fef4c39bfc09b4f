//! What a request takes from files and from standard input.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use crate::domain::quoted;
use crate::error::{Error, Result};
use crate::system::http::{Body, Once};

/// More is no field of a request.
const MAX_FIELD: u64 = 64 << 20;

/// A body of up to this size is read before the request is sent.
const MAX_IN_MEMORY: u64 = 8 << 20;

/// Standard input can be read once.
#[derive(Default)]
pub(super) struct Input {
    is_used_up: bool,
}

impl Input {
    /// The whole of a file, or of standard input where `path` is `-`.
    pub(super) fn read(&mut self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let source = self.open(path)?;
        source.take(MAX_FIELD + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
        if bytes.len() as u64 > MAX_FIELD {
            return Err(Error::usage(format!("{} is larger than {} MiB", name(path), MAX_FIELD >> 20)));
        }
        Ok(bytes)
    }

    /// A body of any size: what is large is read while it is sent. Of a file that can be done again.
    pub(super) fn body(&mut self, path: &str) -> Result<Body> {
        let mut source = self.open(path)?;
        if path != "-" {
            let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
            if metadata.is_file() && metadata.len() > MAX_IN_MEMORY {
                let path = std::path::absolute(path).map_err(|error| unreadable(path, error))?;
                return Ok(Body::File(path, metadata.len()));
            }
        }
        let mut bytes = Vec::new();
        let mut first = source.by_ref().take(MAX_IN_MEMORY + 1);
        first.read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
        Ok(if bytes.len() as u64 > MAX_IN_MEMORY {
            Body::Once(Once::new(Cursor::new(bytes).chain(source)))
        } else {
            bytes.into()
        })
    }

    fn open(&mut self, path: &str) -> Result<Box<dyn Read + Send>> {
        if path != "-" {
            let file = File::open(path).map_err(|error| unreadable(path, error))?;
            return Ok(Box::new(file));
        }
        if std::mem::replace(&mut self.is_used_up, true) {
            return Err(
                Error::usage("standard input (-) is named twice").hint("put one of the two into a file")
            );
        }
        Ok(Box::new(io::stdin()))
    }
}

fn name(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

fn unreadable(path: &str, error: io::Error) -> Error {
    let file = Path::new(path);
    // What is there instead, or who may read it.
    let look = match (error.kind(), file.parent()) {
        (ErrorKind::NotFound, Some(folder)) if folder.as_os_str().is_empty() => "ls".to_owned(),
        (ErrorKind::NotFound, Some(folder)) => format!("ls {}", quoted(folder)),
        _ => format!("ls -ld {}", quoted(file)),
    };
    let unread = Error::usage(format!("{} can't be read", name(path))).cause(error);
    if path == "-" { unread } else { unread.hint(look) }
}
