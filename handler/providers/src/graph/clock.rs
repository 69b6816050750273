//! The time by Microsoft's clock.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

/// The time by the answers of one server. The time that [`Http`](crate::http::Http) knows is of
/// whichever server answered last.
#[derive(Default)]
pub(super) struct ServerClock(Mutex<Option<(Timestamp, Instant)>>);

impl ServerClock {
    /// The time, exact to some seconds; `None` before the first answer.
    pub fn now(&self) -> Option<Timestamp> {
        let (date, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(at.elapsed()).ok()
    }

    /// Takes the time from an answer's `Date` (RFC 9110 section 6.6.1).
    pub fn record(&self, date: Option<&str>) {
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        if let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
        }
    }
}
