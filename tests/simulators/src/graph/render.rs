//! Events and calendars as Graph answers them.

use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use super::item::{Seen, Times, wrapped_etag};
use super::manners::Manners;
use super::prefer::Prefer;
use super::query::Query;
use super::state::{Folder, Mount, Person};
use super::zones::{self, Wall};
use super::{ids, text};

/// Who looks, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub prefer: &'a Prefer,
    pub manners: &'a Manners,
    /// The owner of the calendar.
    pub owner: &'a Person,
    pub can_view_private: bool,
}

impl View<'_> {
    /// Whether ids are of the immutable kind.
    pub fn immutable(&self) -> bool {
        self.prefer.immutable && !self.manners.regular_ids
    }
}

const NEVER: &str = "0001-01-01T00:00:00Z";

/// Fields that are shown as they are kept.
const PLAIN: [&str; 14] = [
    "categories",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "importance",
    "sensitivity",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "showAs",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "allowNewTimeProposals",
    "hideAttendees",
];

/// An event with all its members but those that `$expand` brings.
fn whole(seen: &Seen<'_>, view: View<'_>) -> Map<String, Value> {
    let immutable = view.immutable();
    let id = seen.id(immutable);
    let master = ids::EventName { day: None, ..seen.name(immutable) }.write();
    let owner = json!({"emailAddress": {"name": view.owner.name, "address": view.owner.address}});
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    put("@odata.etag", json!(seen.etag()));
    put("id", json!(id));
    put("changeKey", json!(seen.change_key()));
    put("createdDateTime", json!(zones::short(seen.item.created)));
    put("lastModifiedDateTime", json!(zones::short(seen.modified)));
    for name in PLAIN {
        put(name, seen.field(name).cloned().unwrap_or_default());
    }
    put("isDraft", json!(seen.is("isDraft")));
    put("isAllDay", json!(seen.times.all_day));
    put("transactionId", seen.item.fields.get("transactionId").cloned().unwrap_or_default());
    put("originalStartTimeZone", json!(seen.times.start.zone));
    put("originalEndTimeZone", json!(seen.times.end.zone));
    put("iCalUId", json!(ical_uid(seen, seen.day.is_some(), view.manners.uids_of_starts)));
    put("subject", json!(seen.text("subject")));
    let body = seen.field("body").cloned().unwrap_or_default();
    put("bodyPreview", json!(preview(&body)));
    put("body", shown_body(&body, view.prefer.text));
    put("seriesMasterId", if seen.day.is_some() { json!(master) } else { Value::Null });
    put("type", json!(seen.kind));
    put("webLink", json!(format!("https://outlook.office365.com/owa/?itemid={id}&exvsurl=1")));
    for name in ["onlineMeetingUrl", "onlineMeeting"] {
        put(name, seen.field(name).cloned().unwrap_or_default());
    }
    let recurrence = match &seen.item.rule {
        Some(rule) if seen.day.is_none() => rule.write(&seen.times.start.zone),
        _ => Value::Null,
    };
    put("recurrence", recurrence);
    let response = match (seen.is("isOrganizer"), view.manners.organizer_responds) {
        (true, true) => "organizer",
        (true, false) => "none",
        (false, _) => "notResponded",
    };
    let response = json!({"response": response, "time": NEVER});
    put("responseStatus", seen.field("responseStatus").cloned().unwrap_or(response));
    put("start", shown_time(&seen.times.start, &seen.times, view.prefer));
    put("end", shown_time(&seen.times.end, &seen.times, view.prefer));
    put("location", seen.field("location").cloned().unwrap_or_default());
    put("locations", seen.field("locations").cloned().unwrap_or_else(|| json!([])));
    put("attendees", seen.field("attendees").cloned().unwrap_or_else(|| json!([])));
    put("organizer", seen.field("organizer").cloned().unwrap_or(owner));
    if let Some(day) = seen.day {
        put("originalStart", json!(zones::short(seen.item.times_on(day).from())));
    }
    if view.manners.extra_members {
        put("uid", json!(ical_uid(seen, false, false)));
        // Members of OData, as they are in answers without `$select`.
        put("calendar@odata.navigationLink", json!("https://graph.microsoft.com/v1.0/calendar"));
        let occurrence = seen.day.map(|day| format!("OID.{master}.{day}"));
        put("occurrenceId", json!(occurrence));
    }
    if !view.can_view_private && seen.text("sensitivity") != "normal" {
        stub(&mut event);
    }
    event
}

/// What another person sees of a private event.
fn stub(event: &mut Map<String, Value>) {
    for (name, value) in [
        ("subject", json!("Private Appointment")),
        ("bodyPreview", json!("")),
        ("body", json!({"contentType": "text", "content": ""})),
        ("location", place(&Map::new())),
        ("locations", json!([])),
        ("attendees", json!([])),
        ("categories", json!([])),
        ("transactionId", Value::Null),
    ] {
        event.insert(name.to_owned(), value);
    }
}

/// An event as a query wants it. `alone`: by a GET of its own.
pub(super) fn event(seen: &Seen<'_>, view: View<'_>, query: &Query, alone: bool) -> Value {
    let mut event = whole(seen, view);
    let is_master = seen.kind == "seriesMaster";
    if let Some(select) = &query.select {
        event.retain(|name, _| name.starts_with('@') || name == "id" || select.contains(name));
        if event.contains_key("onlineMeeting") && !select.contains("isOnlineMeeting") {
            event.insert("onlineMeeting".into(), Value::Null);
        }
        if alone && is_master && select.contains("cancelledOccurrences") {
            let master = seen.id(view.immutable());
            let gone: Vec<String> =
                seen.item.gone.iter().map(|day| format!("OID.{master}.{day}")).collect();
            event.insert("cancelledOccurrences".into(), json!(gone));
        }
        if alone && is_master && query.exceptions && select.contains("exceptionOccurrences") {
            let exceptions: Vec<Value> = seen
                .item
                .changed
                .keys()
                .filter_map(|day| seen.item.seen(Some(*day)))
                .map(|seen| Value::Object(whole(&seen, view)))
                .collect();
            event.insert("exceptionOccurrences".into(), json!(exceptions));
        }
    }
    let wanted = query.shown_marks(view.manners).filter(|_| view.can_view_private);
    if let (Some(wanted), Some(marks)) = (wanted, seen.marks(view.manners.occurrences_inherit)) {
        let shown: Vec<Value> = marks
            .iter()
            .filter(|(id, _)| wanted.contains(*id))
            .map(|(_, (id, value))| json!({"id": id, "value": value}))
            .collect();
        if !shown.is_empty() {
            event.insert("singleValueExtendedProperties".into(), json!(shown));
        }
    }
    Value::Object(event)
}

/// An event on a page of delta: an occurrence with nothing but its identity and its times.
pub(super) fn entry(seen: &Seen<'_>, view: View<'_>) -> Value {
    let mut entry = if seen.kind == "occurrence" {
        let mut sparse = whole(seen, view);
        let kept = ["id", "type", "seriesMasterId", "start", "end"];
        sparse.retain(|name, _| kept.contains(&name.as_str()));
        sparse.insert("@odata.etag".into(), json!(wrapped_etag(Some(seen))));
        sparse
    } else {
        whole(seen, view)
    };
    entry.insert("@odata.type".into(), json!("#microsoft.graph.event"));
    Value::Object(entry)
}

fn shown_time(wall: &Wall, times: &Times, prefer: &Prefer) -> Value {
    let at: DateTime = if times.all_day { wall.at } else { wall.within(&prefer.zone).at };
    json!({"dateTime": zones::written(at), "timeZone": prefer.zone})
}

fn shown_body(body: &Value, as_text: bool) -> Value {
    let content = body["content"].as_str().unwrap_or_default();
    let is_text = body["contentType"] == "text";
    let (kind, content) = match (as_text, is_text) {
        (true, true) => ("text", text::with_returns(content)),
        (true, false) => ("text", text::to_text(content)),
        (false, _) if content.is_empty() => ("html", String::new()),
        (false, true) => ("html", text::to_html(content)),
        (false, false) => ("html", text::wrapped(content)),
    };
    json!({"contentType": kind, "content": content})
}

fn preview(body: &Value) -> String {
    let shown = shown_body(body, true);
    let content = shown["content"].as_str().unwrap_or_default();
    content.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(255).collect()
}

/// A location with what Exchange adds to it.
pub(super) fn place(sent: &Map<String, Value>) -> Value {
    let mut place = sent.clone();
    place.retain(|_, value| !value.is_null());
    let name = place.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
    place.insert("displayName".into(), json!(name));
    place.entry("locationType").or_insert_with(|| json!("default"));
    let kind = if name.is_empty() { "unknown" } else { "private" };
    place.entry("uniqueIdType").or_insert_with(|| json!(kind));
    if name.is_empty() {
        place.entry("address").or_insert_with(|| json!({}));
        place.entry("coordinates").or_insert_with(|| json!({}));
    } else {
        place.entry("uniqueId").or_insert_with(|| json!(name));
    }
    Value::Object(place)
}

/// Another one for each occurrence, as in a GlobalObjectId: the date is in its middle, with `timed`
/// the time, too.
fn ical_uid(seen: &Seen<'_>, own: bool, timed: bool) -> String {
    let start = seen.day.filter(|_| own && timed).map(|day| seen.item.times_on(day).from());
    if let Some(start) = start {
        return format!("040000008200E00074C5B7101A82E008{start}{:032X}", seen.item.key);
    }
    let stamp = match seen.day.filter(|_| own) {
        Some(day) => format!("{:04X}{:02X}{:02X}", day.year(), day.month(), day.day()),
        None => "00000000".to_owned(),
    };
    format!("040000008200E00074C5B7101A82E008{stamp}{:032X}", seen.item.key)
}

/// A calendar as its viewer sees it.
pub(super) fn calendar(
    folder: &Folder,
    mount: &Mount,
    owner: &Person,
    own: bool,
    immutable: bool,
    extra: bool,
) -> Value {
    let meets = mount.can_edit && owner.tenant != super::registration::PERSONAL_TENANT;
    let mut calendar = json!({
        "id": ids::calendar(folder.key, folder.generation, immutable),
        "name": folder.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": mount.default,
        "changeKey": format!("ck{}", folder.generation),
        "canShare": own,
        "canViewPrivateItems": mount.can_view_private,
        "canEdit": mount.can_edit,
        "allowedOnlineMeetingProviders": if meets { json!(["teamsForBusiness"]) } else { json!([]) },
        "defaultOnlineMeetingProvider": if meets { "teamsForBusiness" } else { "unknown" },
        "isTallyingResponses": mount.default,
        "isRemovable": !mount.default,
        "owner": {"name": owner.name, "address": owner.address},
    });
    if extra {
        calendar["groupClassId"] = json!("0006f0b7-0000-0000-c000-000000000046");
    }
    calendar
}
