//! What is wrong with an installation, and how to repair it: the findings of `calrelay doctor` and
//! of a running service.
//!
//! # Properties
//! * A check has no effect that a user or another process notices: it deletes a row that does not
//!   exist, and takes a lease and gives it back. One thing is created where it is missing, as the
//!   first sync would create it: the vault's root.
//! * Every check ends within [`TIMEOUT`].
//! * A finding quotes no setting but the public address, and no event, because the operator sees
//!   it.

mod accounts;
mod checks;
mod clients;
mod clock;
mod push;
mod storage;
#[cfg(test)]
mod tests;
mod time_limit;
mod vault;
mod work;

pub use checks::{AccountChecks, findings};
pub use clients::{check as check_clients, findings as clients};
pub use clock::finding as clock;
pub use time_limit::{TIMEOUT, failed_check, with_timeout};
