//! What one process knows about its own work: delayed nudges, the pairs that it is working on and
//! the time limits of their attempts, accounts that did not answer, and watches that have sent
//! notifications ([`crate::watches`]).
//!
//! # Properties
//! * The memory is bounded, and each process has its own.
//! * A pair that this process is working on is skipped without taking its lease, which saves a
//!   request of storage.
//! * After an attempt ended early, this process leaves its pair alone until other processes had
//!   time to take the lease.
//! * Correctness does not depend on this memory: if it is lost, or the clock is set back, a pair is
//!   synced once more than necessary.

pub mod loops;
mod owner_work;
mod process;
pub(crate) mod watches;

pub use owner_work::OwnerWork;
pub(crate) use owner_work::{LastPass, YIELD_PAUSE};
pub use process::{CALL_BUDGET, InProcess};
