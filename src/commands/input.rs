//! What a request takes from files and from standard input.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::domain::quoted;
use crate::error::{Error, Result};

/// More is no request of this API.
const LARGEST: u64 = 64 << 20;

/// Standard input can be read once.
#[derive(Default)]
pub struct Input {
    is_used_up: bool,
}

impl Input {
    /// The whole of a file, or of standard input where `path` is `-`.
    pub fn read(&mut self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = if path == "-" {
            if std::mem::replace(&mut self.is_used_up, true) {
                return Err(
                    Error::usage("standard input (-) is named twice").hint("put one of the two into a file")
                );
            }
            std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        };
        let name = if path == "-" { "standard input" } else { path };
        read.map_err(|error| {
            let path = Path::new(path);
            // What lies there instead, or who may read it.
            let look = match (error.kind(), path.parent()) {
                (ErrorKind::NotFound, Some(folder)) if folder.as_os_str().is_empty() => "ls".to_owned(),
                (ErrorKind::NotFound, Some(folder)) => format!("ls {}", quoted(folder)),
                _ => format!("ls -ld {}", quoted(path)),
            };
            let unread = Error::usage(format!("{name} can't be read")).cause(error);
            if name == "standard input" { unread } else { unread.hint(look) }
        })?;
        if bytes.len() as u64 > LARGEST {
            return Err(Error::usage(format!("{name} is larger than {} MiB", LARGEST >> 20)));
        }
        Ok(bytes)
    }
}
