//! Runs one invocation: within its deadline, and isolated from panics.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use functions::trigger::Disposition;
use futures::FutureExt;
use tracing::Instrument;

/// Runs the work of a function. A panic or a time-out gives [`Disposition::Retry`]: the work of a
/// function can be cut off at any point.
pub async fn invoke(
    name: &'static str,
    deadline: Duration,
    work: impl Future<Output = Disposition>,
) -> Disposition {
    let begun = Instant::now();
    let span = tracing::info_span!("invocation", function = name);
    let outcome =
        tokio::time::timeout(deadline, AssertUnwindSafe(work.instrument(span)).catch_unwind())
            .await;
    let answer = match outcome {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            tracing::error!(
                function = name,
                "a function panicked; this is a bug in calrelay, please report it"
            );
            Disposition::Retry
        }
        Err(_) => {
            tracing::warn!(
                function = name,
                seconds = deadline.as_secs(),
                "a function took too long and was stopped; the next run continues its work"
            );
            Disposition::Retry
        }
    };
    tracing::debug!(
        function = name,
        ?answer,
        milliseconds = begun.elapsed().as_millis() as u64,
        "invoked"
    );
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_comes_back() {
        assert_eq!(
            invoke("test", Duration::from_secs(5), std::future::pending()).await,
            Disposition::Retry
        );
        assert_eq!(
            invoke("test", Duration::from_secs(5), async { Disposition::Done }).await,
            Disposition::Done
        );
    }

    #[tokio::test]
    async fn what_breaks_off_comes_back() {
        assert_eq!(
            invoke("test", Duration::from_secs(5), async { panic!("a mistake") }).await,
            Disposition::Retry
        );
    }
}
