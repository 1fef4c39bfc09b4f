//! Handing this process over to another program.

use std::io;
use std::process::Command;

/// Becomes `command`: comes back only if that fails. What Rust and tokio did to signals is undone by
/// the exec itself, and no file of ours stays open.
#[cfg(unix)]
pub fn become_command(mut command: Command) -> io::Result<u8> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// There is no exec here: waits for `command` and answers its exit code.
#[cfg(not(unix))]
pub fn become_command(mut command: Command) -> io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
