//! What every implementation of the doors must do, as tests that run on any of them.
//!
//! # How to use it
//! Enable the feature `contract` for the tests of the implementing crate, and call
//! [`store_contract`], [`queue_contract`] and [`leases_contract`] from one test each. All of them
//! take `make`, which returns a new handle on **the same** storage each time it is called, as a
//! second process would have one; and two of them take `pass`, which lets time go by (move the
//! clock of an embedded storage, sleep on a real service). Names are random, so the storage may be
//! shared and need not be empty. Whatever does not hold panics, with a sentence that says what
//! should have held.
//!
//! # What is left open
//! The order of messages; the order of keys with other characters than visible ASCII (only that a
//! scan returns each once); whether a receipt is still good between the moment its message
//! reappears and the moment somebody takes it.

mod leases;
mod messages;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

use crate::{Leases, Queue, Store};

/// Everything that [`Store`] promises.
pub async fn store_contract(make: impl AsyncFn() -> Arc<dyn Store>) {
    rows::all(&make).await;
}

/// Everything that [`Queue`] promises. `pass` lets at least this much time go by.
pub async fn queue_contract(make: impl AsyncFn() -> Arc<dyn Queue>, pass: impl AsyncFn(Duration)) {
    messages::all(&make, &pass).await;
}

/// Everything that [`Leases`] promises, but for the death of a process. `pass` lets at least this
/// much time go by.
pub async fn leases_contract(
    make: impl AsyncFn() -> Arc<dyn Leases>,
    pass: impl AsyncFn(Duration),
) {
    leases::all(&make, &pass).await;
}

/// A name that nobody else uses: letters, digits and a hyphen.
fn fresh(what: &str) -> String {
    let mut random = [0; 8];
    rand::fill(&mut random).expect("the system gives random numbers");
    format!("{what}-{}", HEXLOWER.encode(&random))
}
