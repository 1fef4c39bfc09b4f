//! What is tried again, how often and after how long. Only for calls that change nothing
//! (RFC 9110, section 9.2.1): what may have been done must not be done twice.

use std::time::{Duration, Instant};

use super::answer::Answer;
use super::error::PlatformError;

const MOST_RETRIES: u32 = 3;
/// A longer `Retry-After` is left to the user.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(10);

/// How long to wait where the platform doesn't say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The most before the first retry; it doubles with each.
    pub first: Duration,
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { first: Duration::from_millis(250), most: Duration::from_secs(4) }
    }
}

/// The retries of one call.
pub(super) struct Retries {
    backoff: Backoff,
    done: u32,
    started: Instant,
    /// No retry begins once the call has taken this long, so that a platform which is slow *and*
    /// failing doesn't hold a command up four times over. Waiting as asked doesn't count.
    budget: Duration,
    waited_as_asked: Duration,
}

impl Retries {
    pub fn new(backoff: Backoff, budget: Duration) -> Retries {
        Retries { backoff, done: 0, started: Instant::now(), budget, waited_as_asked: Duration::ZERO }
    }

    /// How long to wait before the same call is made again; `None`: `outcome` is final.
    pub fn wait_after(&mut self, outcome: &Result<Answer, PlatformError>) -> Option<Duration> {
        let asked = match outcome {
            Ok(answer) if answer.may_pass() => answer.retry_after(),
            Err(PlatformError::Unreachable(unreachable)) if unreachable.may_pass() => None,
            Ok(_) | Err(_) => return None,
        };
        if self.done == MOST_RETRIES || asked.is_some_and(|asked| asked > LONGEST_ASKED_WAIT) {
            return None;
        }
        let wait = asked.unwrap_or_else(|| self.backoff.wait(self.done, fastrand::f64()));
        let own_time = self.started.elapsed().saturating_sub(self.waited_as_asked);
        match asked {
            Some(asked) => self.waited_as_asked += asked,
            None if own_time + wait >= self.budget => return None,
            None => {}
        }
        if own_time >= self.budget {
            return None;
        }
        self.done += 1;
        tracing::debug!(retry = self.done, ms = wait.as_millis(), asked = asked.is_some(), "trying again");
        Some(wait)
    }
}

impl Backoff {
    /// Anything between nothing and a limit that doubles ("full jitter"): clients that failed together
    /// must not come back together.
    fn wait(&self, retries: u32, random: f64) -> Duration {
        self.first.saturating_mul(1 << retries.min(16)).min(self.most).mul_f64(random)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;
    use crate::system::http::{Cause, Unreachable};

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(status: u16, retry_after: Option<u64>) -> Result<Answer, PlatformError> {
        let mut response = Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        Ok(Answer::new(response.body(Bytes::new()).unwrap()))
    }

    fn failed(cause: Cause) -> Result<Answer, PlatformError> {
        Err(PlatformError::Unreachable(Unreachable { at: String::new(), cause }))
    }

    fn retries() -> Retries {
        Retries::new(Backoff::default(), 30 * SECOND)
    }

    #[test]
    fn what_may_pass_is_tried_again_three_times() {
        let connect = || Cause::Connect(String::new());
        for outcome in [
            answer(429, None),
            answer(502, None),
            answer(503, Some(10)),
            answer(504, None),
            failed(Cause::Refused),
            failed(Cause::NoAnswer),
            failed(connect()),
        ] {
            let mut retries = retries();
            let waits: Vec<_> = std::iter::from_fn(|| retries.wait_after(&outcome)).collect();
            assert_eq!(waits.len(), 3, "{outcome:?}");
        }
        for outcome in [
            answer(200, None),
            answer(429, Some(11)),
            answer(500, Some(1)),
            answer(401, Some(1)),
            failed(Cause::Dns),
            failed(Cause::CutShort),
            failed(Cause::Timeout(SECOND)),
        ] {
            assert_eq!(retries().wait_after(&outcome), None, "{outcome:?}");
        }
    }

    #[test]
    fn an_asked_wait_is_taken_at_its_word_and_others_grow_and_scatter() {
        assert_eq!(retries().wait_after(&answer(503, Some(7))), Some(7 * SECOND));
        let backoff = Backoff::default();
        let most = [0, 1, 2, 9].map(|retries| backoff.wait(retries, 1.0).as_millis());
        assert_eq!(most, [250, 500, 1000, 4000]);
        assert_eq!(backoff.wait(2, 0.0), Duration::ZERO);
        assert_eq!(backoff.wait(2, 0.5).as_millis(), 500);
    }

    #[test]
    fn time_spent_ends_the_retries_but_for_waits_that_were_asked_for() {
        let at = |spent: u32, asked: u32| Retries {
            started: Instant::now() - spent * SECOND,
            waited_as_asked: asked * SECOND,
            ..retries()
        };
        assert_eq!(at(31, 0).wait_after(&answer(503, None)), None);
        assert_eq!(at(31, 0).wait_after(&answer(503, Some(1))), None);
        assert!(at(31, 20).wait_after(&answer(503, Some(10))).is_some());
    }
}
