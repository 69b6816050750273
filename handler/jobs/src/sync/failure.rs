//! How a run reports an error.

use records::problem::{PairStatus, Problem};

use crate::error::{Error, Next};
use crate::report::Run;

pub(super) fn fail(run: &mut Run, error: &Error) {
    run.state = if needs_reconnect(error) { PairStatus::NeedsReconnect } else { PairStatus::Error };
    run.error = Some(Problem::from(error));
    run.next = Some(error.next());
}

/// Whether only new credentials help.
pub(crate) fn needs_reconnect(error: &Error) -> bool {
    error.next() == Next::Reconnect
}

/// Another process held a lease for longer than this process waits.
pub(super) fn busy_error() -> Error {
    Error::Request(
        "another sync is at work on this calendar, and was not disturbed; nothing was changed. \
        Try again when it has ended"
            .into(),
    )
}
