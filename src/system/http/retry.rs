//! What is sent again, how often and after how long.
//!
//! A request that changes nothing (RFC 9110, section 9.2.1) is sent again where its failure may pass. Any other
//! one only where it certainly was not processed: what may have been done must not be done twice.

use std::time::Duration;

use http::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::time::Instant;

use super::failure::HttpError;

const MAX_RETRIES: u32 = 3;
/// A longer `Retry-After` is left to the user.
const MAX_ASKED_WAIT: Duration = Duration::from_secs(10);
/// Before a login is continued, where a platform that is too busy doesn't say how long to wait.
const PAUSE: Duration = Duration::from_secs(5);

/// Which failures a request is sent again after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Those that may pass: the request changes nothing.
    Safe,
    /// Those after which it certainly was not processed.
    Unprocessed,
}

/// How long to wait where the server doesn't say.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The most before the first retry; it doubles with each.
    pub first: Duration,
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { first: Duration::from_millis(250), most: Duration::from_secs(4) }
    }
}

/// The retries of one request.
pub struct Retries {
    repeat: Repeat,
    backoff: Backoff,
    done: u32,
    started: Instant,
    /// No retry begins once the request has taken this long, so that a platform which is slow *and*
    /// failing doesn't hold a command up four times over. Waiting as asked doesn't count.
    budget: Duration,
    waited_as_asked: Duration,
    /// What no wait goes beyond.
    deadline: Option<Instant>,
    /// Whether it is a login, which a person waits for: until the deadline, however often.
    patient: bool,
}

impl Retries {
    pub fn new(repeat: Repeat, backoff: Backoff, budget: Duration) -> Retries {
        let started = Instant::now();
        let (done, waited_as_asked) = (0, Duration::ZERO);
        Retries { repeat, backoff, done, started, budget, waited_as_asked, deadline: None, patient: false }
    }

    pub fn until(self, deadline: Option<Instant>) -> Retries {
        Retries { deadline, ..self }
    }

    /// For a login that is waited for until `deadline`.
    pub fn patient(deadline: Instant) -> Retries {
        let retries = Retries::new(Repeat::Unprocessed, Backoff::default(), Duration::MAX);
        Retries { deadline: Some(deadline), patient: true, ..retries }
    }

    /// How long to wait before the same request is sent again; `None`: `outcome` is final.
    pub fn wait_after<T>(&mut self, outcome: Result<&Response<T>, &HttpError>) -> Option<Duration> {
        let asked = match outcome {
            Ok(answer) => self.asked_by(answer.status(), answer.headers())?,
            Err(HttpError::Unreachable(unreachable)) => match self.repeat {
                Repeat::Safe => unreachable.may_pass().then_some(None)?,
                Repeat::Unprocessed => unreachable.is_unprocessed().then_some(None)?,
            },
            Err(_) => return None,
        };
        let is_patient = self.patient && asked.is_some();
        if !is_patient && (self.done >= MAX_RETRIES || asked.is_some_and(|asked| asked > MAX_ASKED_WAIT)) {
            return None;
        }
        let wait = asked.unwrap_or_else(|| self.backoff.wait(self.done, fastrand::f64()));
        let own_time = self.started.elapsed().saturating_sub(self.waited_as_asked);
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() + wait >= deadline);
        if is_late || own_time >= self.budget || asked.is_none() && own_time + wait >= self.budget {
            return None;
        }
        self.waited_as_asked += asked.unwrap_or_default();
        self.done += 1;
        tracing::debug!(retry = self.done, ms = wait.as_millis(), asked = asked.is_some(), "trying again");
        Some(wait)
    }

    /// Whether the request is sent again after an answer, and the `Retry-After` that it carries.
    fn asked_by(&self, status: StatusCode, headers: &HeaderMap) -> Option<Option<Duration>> {
        let asked = retry_after(headers);
        match (status.as_u16(), self.repeat) {
            (429 | 502..=504, Repeat::Safe) => Some(asked),
            (429 | 503, Repeat::Unprocessed) if asked.is_some() => Some(asked),
            (429, Repeat::Unprocessed) if self.patient => Some(Some(PAUSE)),
            _ => None,
        }
    }
}

impl Backoff {
    /// Anything between nothing and a limit that doubles ("full jitter"): clients that failed together
    /// must not come back together.
    fn wait(&self, retries: u32, random: f64) -> Duration {
        self.first.saturating_mul(1 << retries.min(16)).min(self.most).mul_f64(random)
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, at most some 136 years, so that a time can be added to them;
/// or a date, which is counted from the answer's own `Date`, since our clock may be wrong.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.trim());
    let text = header(RETRY_AFTER)?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u32::MAX).into()));
    }
    let time = |text| rfc2822::parse(text).ok().map(|time| time.timestamp());
    let (until, now): (Timestamp, Timestamp) = (time(text)?, time(header(DATE)?)?);
    Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::super::failure::{Cause, Peer, Unreachable};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    type Outcome = Result<Response<()>, HttpError>;

    fn answer(status: u16, retry_after: Option<u64>) -> Outcome {
        let mut response = Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        Ok(response.body(()).unwrap())
    }

    fn failed(cause: Cause) -> Outcome {
        Err(HttpError::Unreachable(Unreachable { at: Peer::Server(String::new()), cause }))
    }

    fn retries(repeat: Repeat) -> Retries {
        Retries::new(repeat, Backoff::default(), 30 * SECOND)
    }

    fn count(outcome: &Outcome, mut retries: Retries) -> usize {
        std::iter::from_fn(|| retries.wait_after(outcome.as_ref())).count()
    }

    #[test]
    fn what_may_pass_is_tried_again_three_times_and_what_may_be_done_only_if_it_was_not() {
        let connect = || Cause::Connect(String::new());
        for (outcome, safe, unprocessed) in [
            (answer(429, None), 3, 0),
            (answer(429, Some(1)), 3, 3),
            (answer(429, Some(11)), 0, 0),
            (answer(502, Some(1)), 3, 0),
            (answer(503, None), 3, 0),
            (answer(503, Some(10)), 3, 3),
            (answer(504, None), 3, 0),
            (answer(200, None), 0, 0),
            (answer(500, Some(1)), 0, 0),
            (answer(401, Some(1)), 0, 0),
            (failed(Cause::Refused), 3, 3),
            (failed(connect()), 3, 3),
            (failed(Cause::NotProcessed), 3, 3),
            (failed(Cause::NoAnswer), 3, 0),
            (failed(Cause::Dns), 0, 0),
            (failed(Cause::CutShort), 0, 0),
            (failed(Cause::Timeout(SECOND)), 0, 0),
            (failed(Cause::ConnectTimeout(SECOND)), 0, 0),
        ] {
            assert_eq!(count(&outcome, retries(Repeat::Safe)), safe, "{outcome:?}");
            assert_eq!(count(&outcome, retries(Repeat::Unprocessed)), unprocessed, "{outcome:?}");
        }
    }

    #[test]
    fn an_asked_wait_is_taken_at_its_word_and_others_grow_and_scatter() {
        let mut asked = retries(Repeat::Safe);
        assert_eq!(asked.wait_after(answer(503, Some(7)).as_ref()), Some(7 * SECOND));
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
            ..retries(Repeat::Safe)
        };
        assert_eq!(at(31, 0).wait_after(answer(503, None).as_ref()), None);
        assert_eq!(at(31, 0).wait_after(answer(503, Some(1)).as_ref()), None);
        assert!(at(31, 20).wait_after(answer(503, Some(10)).as_ref()).is_some());
        let late = retries(Repeat::Safe).until(Some(Instant::now() + 5 * SECOND));
        assert_eq!(count(&answer(503, Some(6)), late), 0);
        let login = || Retries::patient(Instant::now() + 60 * SECOND);
        assert_eq!(login().wait_after(answer(429, Some(59)).as_ref()), Some(59 * SECOND));
        assert_eq!(login().wait_after(answer(429, None).as_ref()), Some(PAUSE));
        assert_eq!(login().wait_after(answer(429, Some(61)).as_ref()), None);
        assert_eq!(count(&failed(Cause::Refused), login()), 3);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_platforms_own_clock() {
        let wait = |value: &str| {
            let response = Response::builder()
                .header(DATE, "Sun, 06 Nov 1994 08:49:30 GMT")
                .header(RETRY_AFTER, value)
                .body(());
            retry_after(response.unwrap().headers()).map(|time| time.as_secs())
        };
        assert_eq!(wait(" 7 "), Some(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999"), Some(u32::MAX.into()));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }
}
