//! Checks of the queue and of messages that failed for good.

use super::time_limit::with_timeout;
use crate::setup::Finding;
use crate::{Services, nudge};

const CHECK: &str = "work";

/// The number of waiting messages, and of messages that failed for good. A running service removes
/// failed messages within seconds, so one that is found was not removed. `None` where storage
/// fails, which its own check reports.
pub async fn finding(services: &Services) -> Option<Finding> {
    let poison = format!("{}-poison", nudge::QUEUE);
    let count = with_timeout(async {
        Ok((services.queue.len(nudge::QUEUE).await?, services.queue.len(&poison).await?))
    });
    let (waiting, failed) = count.await.ok()?;
    Some(if failed == 0 {
        Finding::good(
            CHECK,
            format!("Calendars that wait for a sync: {waiting}. None failed for good."),
        )
    } else {
        Finding::bad(
            CHECK,
            format!("{failed} calendars failed for good, and their pairs do not report it yet."),
            format!(
                "A running calrelay (sync_calendar_poison) records the failure with the pairs and \
                empties the queue {poison}; its log says why it has not."
            ),
        )
    })
}
