//! The contract of the three traits, as tests that run on any implementation.
//!
//! # How to use it
//! Enable the feature `contract` for the tests of the implementing crate, and call
//! [`store_contract`], [`queue_contract`] and [`leases_contract`] from one test each. All of them
//! take `make`. Each call of it returns a new handle on **one** storage, as a second process would
//! have one. Two of them take `pass`, which lets time pass (it moves the clock of an embedded
//! storage, or sleeps on a real service). Names are random, so the storage may be shared and need
//! not be empty. A broken promise panics with a sentence that says what was expected.
//!
//! # What is left open
//! The order of messages; the order of keys with characters other than visible ASCII (a scan
//! returns each once); whether a receipt is still valid after its message became visible again and
//! before it is taken again.

mod leases;
mod messages;
mod names;
mod row_ops;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use crate::{Leases, Queue, Store};

/// The contract of [`Store`].
pub async fn store_contract(make: impl AsyncFn() -> Arc<dyn Store>) {
    rows::all(&make).await;
}

/// The contract of [`Queue`]. `pass` lets at least this much time pass.
pub async fn queue_contract(make: impl AsyncFn() -> Arc<dyn Queue>, pass: impl AsyncFn(Duration)) {
    messages::all(&make, &pass).await;
}

/// The contract of [`Leases`], except for the death of a process. `pass` lets at least this much
/// time pass.
pub async fn leases_contract(
    make: impl AsyncFn() -> Arc<dyn Leases>,
    pass: impl AsyncFn(Duration),
) {
    leases::all(&make, &pass).await;
}
