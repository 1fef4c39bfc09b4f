//! A question has the terminal to itself until it is answered or a signal comes.

use super::interrupt;
use super::terminal::Lent;

/// Lends the terminal to a question. No answer also where a signal has come: nobody acts on it any more.
pub fn lend<T>(question: impl FnOnce() -> Option<T>) -> Option<T> {
    interrupt::watch();
    let _lent = Lent::now();
    if interrupt::has_come() {
        return None;
    }
    question().filter(|_| !interrupt::has_come())
}
