//! Decides whether an event or its calendar caused a failed request: the event, where a request for
//! the calendar alone succeeds.

use std::time::{Duration, Instant};

use crate::{Error, Provider, Result};

/// How long an answer of a calendar is valid.
const FRESH: Duration = Duration::from_secs(10);
/// With this many requests about single events without an answer, the server is the cause. Each may
/// take as long as the time-out of a request.
const SILENT: u32 = 50;
/// With more events than this that are answered 429 although their calendar answers, the account's
/// rate is the cause.
const THROTTLED: u32 = 3;

/// The answers of a calendar so far.
#[derive(Debug, Default)]
pub struct FailureCause {
    answered: Option<(Instant, bool)>,
    silent: u32,
    throttled: u32,
}

impl FailureCause {
    /// The server's answer about one event, if the event is the cause; the calendar is requested
    /// alone to find out.
    ///
    /// # Errors
    /// An error that concerns more than this event: the given one, or that of the calendar.
    pub async fn event(
        &mut self,
        provider: &(impl Provider + ?Sized),
        calendar: &str,
        error: Error,
    ) -> Result<String> {
        match error {
            Error::Refused(_) | Error::NameRefused(_) | Error::NotRepresentable(_) => {
                return Ok(error.said());
            }
            error if !error.may_concern_one_event() => return Err(error),
            _ => {}
        }
        if matches!(error, Error::NoAnswer(_)) {
            self.silent += 1;
            if self.silent >= SILENT {
                return Err(error);
            }
            // The calendar may have stopped answering since.
            self.answered = None;
        }
        if matches!(error, Error::RateLimited { .. }) {
            self.throttled += 1;
            if self.throttled > THROTTLED {
                return Err(error);
            }
            // An earlier answer says nothing about the rate since.
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
