//! A lock that outlives a panic of the one who held it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also of one who panicked with it.
pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
