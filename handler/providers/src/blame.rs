//! Whose failure it is that a request about one event failed: the event's, as long as its calendar
//! answers by itself.

use std::time::{Duration, Instant};

use crate::{Error, Provider, Result};

/// An answer of a calendar counts for so long.
const FRESH: Duration = Duration::from_secs(10);
/// So many requests about single events may stay without an answer; then it is the server that does
/// not answer. Each may take as long as a request may.
const SILENT: u32 = 50;
/// So many events may be answered as if too much was asked, although their calendar answers; then
/// it is the account that is asked too much.
const THROTTLED: u32 = 3;

/// What a calendar has answered so far.
#[derive(Debug, Default)]
pub struct Blame {
    answered: Option<(Instant, bool)>,
    silent: u32,
    throttled: u32,
}

impl Blame {
    /// What the server said of one event; the calendar, the account or the server is asked by
    /// itself before it is blamed.
    ///
    /// # Errors
    /// What is wrong with more than this event; the error itself, where it says as much.
    pub async fn event(
        &mut self,
        provider: &(impl Provider + ?Sized),
        calendar: &str,
        error: Error,
    ) -> Result<String> {
        match error {
            Error::Refused(_) | Error::NameRefused(_) => return Ok(error.said()),
            error if !error.may_concern_one_event() => return Err(error),
            _ => {}
        }
        if matches!(error, Error::NoAnswer(_)) {
            self.silent += 1;
            if self.silent >= SILENT {
                return Err(error);
            }
            // The calendar may have fallen silent as well since.
            self.answered = None;
        }
        if matches!(error, Error::RateLimited { .. }) {
            self.throttled += 1;
            if self.throttled > THROTTLED {
                return Err(error);
            }
            // What it answered before says nothing about how much it is asked since.
            self.answered = None;
        }
        let writable = match self.answered {
            Some((at, writable)) if at.elapsed() < FRESH => writable,
            _ => {
                let writable = provider.ask(calendar).await?.writable;
                self.answered = Some((Instant::now(), writable));
                writable
            }
        };
        match error {
            Error::Forbidden(_) if !writable => {
                Err(Error::Forbidden("the calendar is read-only for this account".into()))
            }
            error => Ok(error.said()),
        }
    }
}
