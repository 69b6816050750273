//! Guests: what a write does to other people's calendars and mailboxes. A sync must do neither.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::event::guests;
use super::state::Records;

/// An event was made, changed or deleted: its guests get it on their calendars, and maybe a mail.
pub(super) fn notify(
    records: &mut Records,
    calendar: &str,
    before: Option<&Map<String, Value>>,
    after: Option<&Map<String, Value>>,
    call: &Call<'_>,
) {
    let Some(there) = records.calendars.get(calendar) else { return };
    let Some(event) = after.or(before) else { return };
    let private =
        event.get("privateCopy").is_some_and(|private| private == true) || there.is_private(event);
    if private || !there.organizes(event) {
        return;
    }
    // A user who invites himself to an event of another calendar of his has the event in both.
    let own = [there.id.clone()];
    let mut notify: Vec<String> = [before, after]
        .into_iter()
        .flatten()
        .flat_map(|event| guests(event, &own))
        .map(str::to_owned)
        .collect();
    notify.sort();
    notify.dedup();
    let count = notify.len() as u64;
    records.propagated += count;
    // A deletion has reached guests by mail even with `sendUpdates=none`.
    if after.is_none()
        || call.param("sendUpdates") != Some("none")
        || call.flag("sendNotifications")
    {
        records.mails += count;
    }
    for guest in notify
        .iter()
        .filter(|guest| records.accounts.contains_key(*guest))
        .cloned()
        .collect::<Vec<_>>()
    {
        let still = after
            .filter(|event| guests(event, &own).any(|other| other.eq_ignore_ascii_case(&guest)));
        match still {
            Some(event) => {
                let mut copy = event.clone();
                copy.insert("organizer".into(), json!({"email": calendar}));
                if let Some(Value::Object(properties)) = copy.get_mut("extendedProperties") {
                    properties.remove("private");
                }
                if let Some(there) = records.calendars.get(&guest) {
                    there.mark(&mut copy);
                }
                records.store(&guest, copy, call.now);
            }
            None => {
                let id = event["id"].as_str().unwrap_or_default();
                if let Some(there) = records.calendars.get_mut(&guest) {
                    there.remove(id, call.now, false);
                }
            }
        }
    }
}
