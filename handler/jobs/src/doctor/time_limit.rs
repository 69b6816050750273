//! Time limits of checks, and findings made from errors.

use std::future::Future;
use std::time::Duration;

use crate::setup::Finding;
use crate::{Error, Result};

/// A service that does not answer within this time is out of reach. Storage is tried several times
/// within it, and reports why it failed.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The finding for an error; `fix` says how to repair it.
pub fn failed_check(check: &str, error: &Error, fix: &str) -> Finding {
    Finding::bad(check, sentence(error), fix)
}

/// The answer, or an error where there is none within [`TIMEOUT`].
pub async fn with_timeout<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || store::Error::Unavailable(format!("no answer within {} s", TIMEOUT.as_secs()));
    tokio::time::timeout(TIMEOUT, answer).await.unwrap_or_else(|_| Err(late().into()))
}

pub(super) fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}
