//! The work that waits.

use super::time_limit::with_timeout;
use crate::setup::Finding;
use crate::{Services, nudge};

const CHECK: &str = "work";

/// Messages that failed for good are taken by a function of their own within seconds. One that is
/// still there was not. `None` where storage does not say: that is told by its own check.
pub async fn finding(services: &Services) -> Option<Finding> {
    let poison = format!("{}-poison", nudge::QUEUE);
    let count = with_timeout(async {
        Ok((services.queue.len(nudge::QUEUE).await?, services.queue.len(&poison).await?))
    });
    let (waiting, failed) = count.await.ok()?;
    Some(if failed == 0 {
        Finding::good(
            CHECK,
            format!("Calendars that wait to be looked at: {waiting}. None failed for good."),
        )
    } else {
        Finding::bad(
            CHECK,
            format!("{failed} calendars failed for good, and their owners have not been told yet."),
            format!(
                "They are told by a running calrelay (sync_calendar_poison), which empties the \
                queue {poison}; look in its log why it has not."
            ),
        )
    })
}
