//! The five callback ports belong to the whole machine: tests that need them take turns.

use std::fs::File;

/// Held while a test may listen on the callback ports.
pub struct CallbackPorts {
    _turn: File,
}

impl CallbackPorts {
    /// Waits for its turn, also behind other runs of this suite on this machine.
    pub fn take() -> CallbackPorts {
        let path = std::env::temp_dir().join("autocom-callback-ports.lock");
        let file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
        file.lock().unwrap();
        CallbackPorts { _turn: file }
    }
}
