//! The asynchronous runtime and all threads: a system that has no descriptor or thread left is an error here.
//!
//! tokio's signal pipe and `spawn_blocking`, and std's `thread::spawn`, panic instead. So
//! `tests/architecture.rs` refuses them everywhere else.

use std::cell::OnceCell;
use std::future::Future;
use std::io;
use std::sync::Mutex;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

#[derive(Debug, thiserror::Error)]
#[error("cannot start {what}")]
pub struct StartError {
    what: &'static str,
    source: io::Error,
}

impl StartError {
    /// Whether it is the number of open files that is limited, not that of threads.
    pub fn lacks_descriptors(&self) -> bool {
        lacks_descriptors(&self.source)
    }
}

/// The runtime of an invocation, built when something first waits. Connections stay open from one wait to the next.
#[derive(Default)]
pub struct LazyRuntime(OnceCell<Runtime>);

impl LazyRuntime {
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, StartError> {
        if let Some(runtime) = self.0.get() {
            return Ok(runtime.block_on(work));
        }
        let runtime = new()?;
        Ok(self.0.get_or_init(|| runtime).block_on(work))
    }
}

impl Drop for LazyRuntime {
    /// A thread that still waits (for a pasted line, for a name server) must not hold up the exit.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A runtime on this thread, with network, timers and signals.
pub fn new() -> Result<Runtime, StartError> {
    let failed = |source| StartError { what: "the network runtime", source };
    // An epoll instance twice, an eventfd, a pair of sockets, and one of them once more.
    try_descriptors(6).map_err(failed)?;
    Builder::new_current_thread().enable_all().build().map_err(failed)
}

/// Takes and frees as many descriptors and threads as a library needs that panics where it can't have them.
pub fn try_resources(what: &'static str, (descriptors, threads): (usize, usize)) -> Result<(), StartError> {
    let failed = |source| StartError { what, source };
    try_descriptors(descriptors).map_err(failed)?;
    let gate = Mutex::new(());
    std::thread::scope(|scope| {
        // All of them live until it opens.
        let _closed = gate.lock();
        let pass = || drop(gate.lock());
        (0..threads).try_for_each(|_| std::thread::Builder::new().spawn_scoped(scope, pass).map(drop))
    })
    .map_err(failed)
}

fn try_descriptors(count: usize) -> io::Result<()> {
    #[cfg(unix)]
    (0..count.div_ceil(2)).map(|_| std::os::unix::net::UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
    #[cfg(not(unix))]
    let _ = count;
    Ok(())
}

/// How many files this process may have open.
pub fn max_descriptors() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = Some(1024);
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1024)
}

/// Starts a thread that the end of the process does not wait for.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|source| StartError { what: "a thread", source })
}

/// Runs what blocks on a thread of its own. `None`: it panicked. The end of the runtime does not wait for it.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, StartError> {
    let (send, receive) = oneshot::channel();
    thread("blocking", move || drop(send.send(work())))?;
    Ok(receive.await.ok())
}

/// Whether a call failed since this process, or the whole system, has too many files open.
pub fn lacks_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(
        rustix::io::Errno::from_io_error(error),
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    );
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}
