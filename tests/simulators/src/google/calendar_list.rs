//! `calendarList.list` and `calendarList.get`: the calendars that an account sees.

use serde_json::{Value, json};

use super::call::Call;
use super::collection::Sort;
use super::reply::{Refusal, Reply};
use super::state::{Entry, Records, Role};

pub(super) fn list(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let Some(account) = records.accounts.get(&call.account) else {
        return Err(Refusal::of_status(401));
    };
    let since = match call.param("syncToken") {
        Some(_) if call.param("minAccessRole").is_some() => {
            let words = "Sync token cannot be used with minAccessRole.";
            return Err(Refusal::new(400, "syncTokenWithRequestRestrictions", words));
        }
        Some(token) => Some(
            token
                .strip_prefix("CL")
                .and_then(|t| t.strip_suffix("==")?.parse().ok())
                .ok_or_else(Refusal::full_sync)?,
        ),
        None => None,
    };
    let least = call.param("minAccessRole").and_then(Role::named);
    let mut entries: Vec<&Entry> = account
        .list
        .iter()
        .filter(|entry| match since {
            Some(since) => entry.revision > since,
            None => {
                (call.flag("showHidden") || !entry.hidden)
                    && (call.flag("showDeleted") || !entry.deleted)
            }
        })
        .filter(|entry| least.is_none_or(|least| entry.role >= least))
        .collect();
    entries.retain(|entry| {
        records.calendars.get(&entry.calendar).is_some_and(|calendar| !calendar.gone)
    });
    // A page token is the place at which the next page begins.
    let from = match call.param("pageToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page")
            .and_then(|n| n.parse().ok())
            .ok_or_else(|| Refusal::invalid("Invalid page token value."))?,
    };
    let size = call
        .param("maxResults")
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_usize)
        .min(call.manners.page_size)
        .clamp(1, 250);
    let items: Vec<Value> =
        entries.iter().skip(from).take(size).map(|entry| resource(records, entry)).collect();
    let mut body = json!({"kind": "calendar#calendarList", "etag": format!("\"p{}\"", account.list_revision), "items": items});
    if from + size < entries.len() {
        body["nextPageToken"] = json!(format!("page{}", from + size));
    } else {
        body["nextSyncToken"] = json!(format!("CL{}==", account.list_revision));
    }
    Ok(Reply::json(200, body))
}

pub(super) fn get(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.calendar(records)?.0.id.clone();
    let list = records
        .accounts
        .get(&call.account)
        .map(|account| account.list.as_slice())
        .unwrap_or_default();
    let entry = list.iter().find(|entry| entry.calendar == id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(200, resource(records, entry)))
}

/// An entry as it is shown; what is no is left out.
fn resource(records: &Records, entry: &Entry) -> Value {
    let Some(calendar) = records.calendars.get(&entry.calendar) else { return Value::Null };
    let mut resource = json!({
        "kind": "calendar#calendarListEntry",
        "etag": format!("\"{}\"", 1_700_000_000_000_u64 + entry.revision),
        "id": calendar.id,
    });
    if entry.deleted {
        resource["deleted"] = json!(true);
        return resource;
    }
    for (name, value) in [
        ("summary", json!(calendar.title)),
        ("timeZone", json!(calendar.zone)),
        ("accessRole", json!(entry.role.name())),
        ("colorId", json!("14")),
        ("backgroundColor", json!("#9fe1e7")),
        ("foregroundColor", json!("#000000")),
        ("selected", json!(true)),
        ("defaultReminders", json!([])),
        ("conferenceProperties", json!({"allowedConferenceSolutionTypes": ["hangoutsMeet"]})),
    ] {
        resource[name] = value;
    }
    if entry.primary {
        resource["primary"] = json!(true);
    }
    if entry.hidden {
        resource["hidden"] = json!(true);
    }
    if let Some(name) = &entry.renamed {
        resource["summaryOverride"] = json!(name);
    }
    if calendar.sort == Sort::Secondary {
        resource["dataOwner"] = json!(calendar.owner);
    }
    resource
}
