//! Receiving notifications.

use engine::provider::ProviderKind;
use providers::{Lifecycle, Notification, NotificationKind};
use records::watch::{WatchRecord, WatchStatus};

use super::debounce::{DebounceOutcome, debounce};
use super::nudge_pairs::nudge_watched;
use super::secret;
use crate::nudge::Cause;
use crate::{Result, Scope, Services};

/// What happened to a notification. The provider gets one answer in all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// The notification is forged, late, or of a watch that is not needed any more.
    Dropped,
    /// The watch is confirmed.
    Confirmed,
    /// A nudge was sent.
    Nudged,
    /// A nudge that was sent before covers the notification.
    Covered,
}

/// As [`receive`], from the headers of a request to the webhook of the provider of this name.
///
/// # Errors
/// As [`receive`].
pub async fn receive_headers<'a>(
    services: &Services,
    provider: &str,
    header: impl Fn(&str) -> Option<&'a str>,
) -> Result<NoticeOutcome> {
    let Some(kind) = ProviderKind::from_name(provider) else { return Ok(NoticeOutcome::Dropped) };
    match providers::read_notification(kind, header) {
        Some(notification) => receive(services, kind, notification).await,
        None => Ok(NoticeOutcome::Dropped),
    }
}

/// Receives a notification: its secret is checked without storage, the record of the watch is read,
/// and a nudge is sent.
///
/// # Errors
/// Where vault or storage fail: the provider has to send the notification again.
pub async fn receive(
    services: &Services,
    kind: ProviderKind,
    notification: Notification<'_>,
) -> Result<NoticeOutcome> {
    let Notification { watch: id, secret, resource, kind: what } = notification;
    if !is_id(id) || resource.is_empty() || resource.len() > 1024 {
        return Ok(NoticeOutcome::Dropped);
    }
    let Some(owner) = secret::verify(services, kind, id, secret).await? else {
        return Ok(NoticeOutcome::Dropped);
    };
    let now = services.clock.now();
    let scope = &services.scope(&owner);
    let cache = scope.in_process.watches.of(id);
    let is_change = what == NotificationKind::Changed;
    // A notification that waits for earlier ones of its watch may be covered meanwhile.
    let covered = || is_change && cache.is_covered(now);
    if covered() {
        return Ok(NoticeOutcome::Covered);
    }
    let mut last_written = cache.lock().await;
    if covered() {
        return Ok(NoticeOutcome::Covered);
    }
    let fits = |row: &WatchRecord| {
        row.is_live(now) && row.resource.as_deref().is_none_or(|known| known == resource)
    };
    // The version that this process wrote last is good enough: whether it is the stored one shows
    // when it is replaced.
    let mut known = last_written.take().filter(|(row, _)| is_change && fits(row));
    if known.is_none() {
        known = scope.directory().watch(id).await?;
    }
    let Some((row, _)) = &known else { return Ok(NoticeOutcome::Dropped) };
    if !fits(row) {
        // A watch that is to be stopped, and whose resource was not known until now.
        if row.state == WatchStatus::Ending && row.resource.is_none() {
            let stored = scope.directory();
            stored.change_watch(id, |row| row.resource = Some(resource.to_owned())).await?;
        }
        return Ok(NoticeOutcome::Dropped);
    }
    let is_start = what == NotificationKind::Started;
    // The watch sends a notification, so it exists, even if the answer to its creation was lost.
    if row.resource.is_none() || row.state == WatchStatus::Requested || (is_start && !row.confirmed)
    {
        confirm(scope, row, resource).await?;
        known = if is_change { scope.directory().watch(id).await? } else { known };
    }
    let Some(known) = known else { return Ok(NoticeOutcome::Dropped) };
    let change: fn(&mut WatchRecord) = match what {
        NotificationKind::Started => return Ok(NoticeOutcome::Confirmed),
        NotificationKind::Changed => {
            let (received, written) = match debounce(scope, &cache, known, now).await? {
                DebounceOutcome::Sent(written) => (NoticeOutcome::Nudged, written),
                DebounceOutcome::Covered(written) => (NoticeOutcome::Covered, Some(written)),
                DebounceOutcome::Gone => (NoticeOutcome::Dropped, None),
            };
            *last_written = written;
            return Ok(received);
        }
        NotificationKind::Lifecycle(Lifecycle::Missed) => |_| {},
        NotificationKind::Lifecycle(Lifecycle::Reauthorize) => |row| row.renew_now = true,
        NotificationKind::Lifecycle(Lifecycle::Removed) => |row| {
            (row.state, row.resource, row.not_created) = (WatchStatus::Ending, None, true);
        },
    };
    scope.directory().change_watch(id, change).await?;
    // The pass renews or replaces the watch, and then reads everything.
    nudge_watched(scope, &known.0, Cause::Renewal, std::time::Duration::ZERO).await?;
    Ok(NoticeOutcome::Nudged)
}

async fn confirm(scope: &Scope, row: &WatchRecord, resource: &str) -> Result<()> {
    let stored = scope.directory();
    let confirmed = stored.change_watch(&row.id, |row| {
        row.confirmed = true;
        row.resource.get_or_insert_with(|| resource.to_owned());
        if row.state == WatchStatus::Requested {
            row.state = WatchStatus::Open;
            row.error = None;
        }
    });
    confirmed.await?;
    Ok(())
}

/// The form of the ids of watches: no other text is looked up in storage.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(
            |(at, b)| matches!((at, b), (8 | 13 | 18 | 23, b'-') | (_, b'0'..=b'9' | b'a'..=b'f')),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_of_our_form_is_accepted() {
        assert!(is_id(&super::super::needed::new_id().unwrap()));
        for text in [
            "",
            "x",
            "../pair:p1",
            "0000000g-0000-4000-8000-000000000000",
            "00000000-0000-4000-8000-00000000000\0",
        ] {
            assert!(!is_id(text), "{text}");
        }
    }
}
