//! What is wrong with an installation, and how to mend it: the findings of `calrelay doctor` and of a
//! running service.
//!
//! # Properties
//! * A check changes nothing that a user or another process notices: what it writes is the removal
//!   of a row that is not there, and a lease that is given back. One thing is created where it is
//!   missing, as the first sync would create it: the vault's root.
//! * Every check ends within [`TIMEOUT`].
//! * A finding quotes no setting but the public address, and no event: the operator may see it.

mod accounts;
mod checks;
mod clock;
mod push;
mod storage;
#[cfg(test)]
mod tests;
mod time_limit;
mod vault;
mod work;

pub use checks::{AccountChecks, findings};
pub use clock::finding as clock;
pub use time_limit::{TIMEOUT, failed_check, with_timeout};
