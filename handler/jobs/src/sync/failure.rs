//! How a run reports an error.

use engine::pair::Pair;
use records::problem::{PairStatus, Problem};

use super::accounts::OpenAccounts;
use crate::error::{Error, Next};
use crate::problem::problem_of_accounts;
use crate::report::Run;

pub(super) fn fail(run: &mut Run, error: &Error) {
    run.state = if needs_reconnect(error) { PairStatus::NeedsReconnect } else { PairStatus::Error };
    run.error = Some(Problem::from(error));
    run.next = Some(error.next());
}

/// As [`fail`], for work with the accounts of this pair.
pub(super) fn fail_pair(run: &mut Run, error: &Error, pair: &Pair, accounts: &OpenAccounts<'_>) {
    fail(run, error);
    run.error = Some(problem_of_accounts(error, accounts.are_by_password(pair)));
    run.place = accounts.place().map(str::to_owned);
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
