//! Receiving notifications.

use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use providers::{Lifecycle, Notification, NotificationKind};
use records::watch::{WatchRecord, WatchStatus};

use super::call::Call;
use super::debounce::{DebounceOutcome, Notice, debounce};
use super::secret;
use crate::nudge::Cause;
use crate::{Result, Scope, Services};

/// A provider that asks for a renewal again within this time gets no other one.
const RENEWAL_DISTANCE: SignedDuration = SignedDuration::from_mins(10);

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
    let Notification { watch, secret, resource, kind: what } = notification;
    if !is_id(watch) || !is_resource(resource) {
        return Ok(NoticeOutcome::Dropped);
    }
    match secret::verify(services, kind, watch, secret).await? {
        Some(owner) => {
            let scope = services.scope(&owner);
            take(&scope, &Call::default(), watch, &[(resource, what)]).await
        }
        None => Ok(NoticeOutcome::Dropped),
    }
}

/// Takes what the notifications of one watch in one call say, each with its resource. Their secret
/// was valid.
pub(super) async fn take(
    scope: &Scope,
    call: &Call,
    id: &str,
    said: &[(&str, NotificationKind)],
) -> Result<NoticeOutcome> {
    let now = scope.clock.now();
    let cache = scope.in_process.watches.of(id);
    // A pass that follows is all that these lead to.
    let is_hint = |what| {
        matches!(what, NotificationKind::Changed | NotificationKind::Lifecycle(Lifecycle::Missed))
    };
    let only_hints = said.iter().all(|(_, what)| is_hint(*what));
    // A notification that waits for earlier ones of its watch may be covered meanwhile.
    let covered = || only_hints && cache.is_covered(now);
    if covered() {
        return Ok(NoticeOutcome::Covered);
    }
    let mut last_written = cache.lock().await;
    if covered() {
        return Ok(NoticeOutcome::Covered);
    }
    let believed = |row: &WatchRecord| {
        let known = row.resource.as_deref();
        let fitting = said.iter().filter(|(resource, what)| {
            known.is_none_or(|known| known == *resource)
                && (row.is_live(now)
                    || *what == NotificationKind::Lifecycle(Lifecycle::Removed)
                        && was_removed(row, now))
        });
        fitting.max_by_key(|(_, what)| *what).copied()
    };
    // The version that this process wrote last is good enough: whether it is the stored one shows
    // when it is replaced.
    let mut known = last_written.take().filter(|(row, _)| only_hints && believed(row).is_some());
    if known.is_none() {
        known = scope.directory().watch(id).await?;
    }
    let Some((row, _)) = &known else { return Ok(NoticeOutcome::Dropped) };
    let Some((resource, what)) = believed(row) else {
        // A watch that is to be stopped, and whose resource was not known until now.
        if row.state == WatchStatus::Ending
            && row.resource.is_none()
            && !row.not_created
            && let [(resource, _), ..] = said
        {
            let stored = scope.directory();
            stored.change_watch(id, |row| row.resource = Some((*resource).to_owned())).await?;
        }
        return Ok(NoticeOutcome::Dropped);
    };
    let is_start = what == NotificationKind::Started;
    let is_live = row.is_live(now);
    let is_new = row.resource.is_none() || row.state == WatchStatus::Requested;
    // The watch sends a notification, so it exists, even if the answer to its creation was lost.
    if is_live && (is_new || (is_start && !row.confirmed)) {
        confirm(scope, row, resource).await?;
        known = None;
    }
    if is_start {
        return Ok(NoticeOutcome::Confirmed);
    }
    if let NotificationKind::Lifecycle(event) = what
        && is_live
        && note(scope, id, event, now).await?
    {
        known = None;
    }
    if known.is_none() {
        known = scope.directory().watch(id).await?;
    }
    let Some(known) = known else { return Ok(NoticeOutcome::Dropped) };
    let notice = Notice {
        call,
        now,
        cause: match what {
            NotificationKind::Lifecycle(_) => Cause::Renewal,
            _ => Cause::Webhook,
        },
        is_accepted: match what {
            NotificationKind::Lifecycle(Lifecycle::Removed) => was_removed,
            _ => WatchRecord::is_live,
        },
    };
    let (received, written) = match debounce(scope, &cache, known, &notice).await? {
        DebounceOutcome::Sent(written) => (NoticeOutcome::Nudged, written),
        DebounceOutcome::Covered(written) => (NoticeOutcome::Covered, Some(written)),
        DebounceOutcome::Gone => (NoticeOutcome::Dropped, None),
    };
    *last_written = written;
    Ok(received)
}

/// Records what has happened to a watch; whether the record was changed. The pass that follows
/// renews or replaces the watch, and then reads everything.
async fn note(scope: &Scope, id: &str, event: Lifecycle, now: Timestamp) -> Result<bool> {
    let change: fn(&mut WatchRecord, Timestamp) = match event {
        Lifecycle::Missed => return Ok(false),
        Lifecycle::Reauthorize => |row, now| {
            let is_renewed = |asked: Timestamp| {
                (SignedDuration::ZERO..RENEWAL_DISTANCE).contains(&now.duration_since(asked))
            };
            if !row.renewal_asked.is_some_and(is_renewed) {
                (row.renew_now, row.renewal_asked) = (true, Some(now));
            }
        },
        Lifecycle::Removed => |row, _| give_up_removed(row),
    };
    scope.directory().change_watch(id, |row| change(row, now)).await?;
    Ok(true)
}

/// Gives up a watch that the provider has removed: there is nothing to stop.
pub(super) fn give_up_removed(row: &mut WatchRecord) {
    (row.state, row.resource, row.not_created) = (WatchStatus::Ending, None, true);
}

/// Whether [`give_up_removed`] gave it up.
fn was_removed(row: &WatchRecord, _now: Timestamp) -> bool {
    row.state == WatchStatus::Ending && row.not_created && row.resource.is_none()
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

/// The form of the provider's name for a watch.
pub(super) fn is_resource(text: &str) -> bool {
    (1..=1024).contains(&text.len())
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
