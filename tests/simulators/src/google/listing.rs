//! `events.list` and `events.instances`: pages, sync tokens, and what does not go together.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::collection::{Collection, Stored};
use super::event::is_cancelled;
use super::reply::{Refusal, Reply};
use super::series;
use super::state::{Pages, Records, Role};
use super::times::stored;
use super::view::shown;

/// Parameters that a listing by a sync token cannot have.
const NOT_WITH_TOKEN: &[&str] = &[
    "iCalUID",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];

pub(super) fn list(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (calendar, role) = call.calendar(records)?;
    let id = calendar.id.clone();
    let pages = match call.param("pageToken") {
        Some(token) => next_page(records, call, &id, token)?,
        None => begin(call, calendar, role).inspect_err(|refusal| note(records, refusal, call))?,
    };
    Ok(page(records, call, &id, pages))
}

/// A refusal that concerns the caller.
fn note(records: &mut Records, refusal: &Refusal, call: &Call<'_>) {
    if refusal.status == 400 {
        records.violation(format!("{}: {}", call.method.id, refusal.message));
    }
}

fn begin(call: &Call<'_>, calendar: &Collection, role: Role) -> Result<Pages, Refusal> {
    let incremental =
        call.param("syncToken").map(|token| by_token(call, calendar, token)).transpose()?;
    let single = call.flag("singleEvents");
    if call.param("orderBy") == Some("startTime") && !single {
        return Err(Refusal::new(
            400,
            "badRequest",
            "The requested ordering is not available for the particular query.",
        ));
    }
    if let (Some(from), Some(to)) = (call.time("timeMin"), call.time("timeMax"))
        && from >= to
    {
        return Err(Refusal::new(400, "timeRangeEmpty", "The specified time range is empty."));
    }
    let mut events: Vec<Map<String, Value>> = match (&incremental, single) {
        (Some(since), false) => {
            calendar.since(*since).iter().filter_map(|id| calendar.get(id).cloned()).collect()
        }
        (Some(since), true) => changed_instances(calendar, *since, call.now),
        (None, false) => calendar.events().map(|Stored { event, .. }| event.clone()).collect(),
        (None, true) => calendar.expanded(
            call.time("timeMax").unwrap_or(call.now + SignedDuration::from_hours(24 * 730)),
        ),
    };
    if incremental.is_none() {
        events.retain(|event| matches(call, calendar, event, single));
    }
    let types: Vec<&str> = call.all("eventTypes").collect();
    events.retain(|event| {
        types.is_empty()
            || is_cancelled(event)
            || types.contains(&event.get("eventType").and_then(Value::as_str).unwrap_or("default"))
    });
    match call.param("orderBy") {
        Some("startTime") => events.sort_by_key(|event| calendar.start(event)),
        Some(_) => events
            .sort_by_key(|event| event.get("updated").and_then(Value::as_str).map(str::to_owned)),
        None if call.manners.reversed => events.reverse(),
        None => {}
    }
    // The order suppresses the token.
    let token = call
        .param("orderBy")
        .is_none()
        .then(|| calendar.token(calendar.revision, &terms_of_token(call)));
    let items: Result<_, _> =
        events.iter().map(|event| shown(call, calendar, role, event)).collect();
    let generation = incremental.map(|_| calendar.generation);
    Ok(Pages {
        items: Arc::new(items?),
        sent: 0,
        terms: terms(call),
        calendar: calendar.id.clone(),
        token,
        generation,
        empty_next: false,
    })
}

/// The revision of a sync token, where it may be used with the rest of the query.
fn by_token(call: &Call<'_>, calendar: &Collection, token: &str) -> Result<u64, Refusal> {
    if call.param("orderBy").is_some() {
        let words = "Sync token cannot be used with a non-default ordering.";
        return Err(Refusal::new(400, "syncTokenWithNonDefaultOrdering", words));
    }
    if let Some(name) = NOT_WITH_TOKEN.iter().find(|name| call.param(name).is_some()) {
        let words = format!("Sync token cannot be used with the request restriction {name}.");
        return Err(Refusal::new(400, "syncTokenWithRequestRestrictions", &words));
    }
    if call.param("showDeleted") == Some("false") {
        let words = "Sync token cannot be used with showDeleted=false.";
        return Err(Refusal::new(400, "syncTokenWithRequestRestrictions", words));
    }
    let (revision, terms) = calendar.known_token(token).ok_or_else(|| gone(call))?;
    if terms != terms_of_token(call) {
        // Google says that the outcome is undefined. A test is to know.
        return Err(Refusal::invalid(
            "the other parameters are not those of the listing that gave the sync token",
        ));
    }
    Ok(revision)
}

fn gone(call: &Call<'_>) -> Refusal {
    let reason = if call.manners.bare_gone { "" } else { "fullSyncRequired" };
    Refusal { reason: reason.to_owned(), ..Refusal::full_sync() }
}

/// The parameters that must stay as they were when a sync token is used.
fn terms_of_token(call: &Call<'_>) -> String {
    let mut kept: Vec<String> = call
        .query
        .iter()
        .filter(|(name, value)| {
            let kept = [
                "singleEvents",
                "maxResults",
                "timeZone",
                "maxAttendees",
                "eventTypes",
                "showHiddenInvitations",
            ];
            // What is said though it is the default says nothing.
            kept.contains(&name.as_str())
                && value != "false"
                && (name != "maxResults" || value != "250")
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    kept.sort();
    kept.join("&")
}

fn terms(call: &Call<'_>) -> Vec<(String, String)> {
    let mut terms: Vec<_> =
        call.query.iter().filter(|(name, _)| name != "pageToken").cloned().collect();
    terms.sort();
    terms
}

fn changed_instances(calendar: &Collection, since: u64, now: Timestamp) -> Vec<Map<String, Value>> {
    let changed = calendar.since(since);
    let all = calendar.expanded(now + SignedDuration::from_hours(24 * 730));
    let of_changed = |event: &&Map<String, Value>| {
        let named = |name: &str| {
            event
                .get(name)
                .and_then(Value::as_str)
                .is_some_and(|id| changed.iter().any(|changed| changed == id))
        };
        named("id") || named("recurringEventId")
    };
    let deleted = changed
        .iter()
        .filter_map(|id| calendar.get(id))
        .filter(|event| is_cancelled(event))
        .cloned();
    all.iter().filter(of_changed).cloned().chain(deleted).collect()
}

/// Whether an event belongs into a listing that is not by a sync token.
fn matches(
    call: &Call<'_>,
    calendar: &Collection,
    event: &Map<String, Value>,
    single: bool,
) -> bool {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let exception = event.contains_key("recurringEventId");
    if is_cancelled(event)
        && !(call.flag("showDeleted")
            || (exception && !single)
            || call.param("updatedMin").is_some())
    {
        return false;
    }
    if call.time("updatedMin").is_some_and(|least| {
        text("updated").parse::<Timestamp>().is_ok_and(|updated| updated < least)
    }) {
        return false;
    }
    if call.param("iCalUID").is_some_and(|uid| text("iCalUID") != uid) {
        return false;
    }
    for (parameter, kind) in
        [("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")]
    {
        let has = |wanted: &str| {
            let (key, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            event.get("extendedProperties").is_some_and(|properties| properties[kind][key] == value)
        };
        if !call.all(parameter).all(has) {
            return false;
        }
    }
    if let Some(words) = call.param("q").map(str::to_lowercase)
        && !["summary", "description", "location"]
            .iter()
            .any(|name| text(name).to_lowercase().contains(&words))
    {
        return false;
    }
    in_range(calendar, event, call.time("timeMin"), call.time("timeMax"))
}

/// Whether an event, or any occurrence of a series, or the place that an exception had, lies
/// between these times.
pub(super) fn in_range(
    calendar: &Collection,
    event: &Map<String, Value>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> bool {
    if from.is_none() && to.is_none() {
        return true;
    }
    let (Some(start), Some(end)) = (calendar.start(event), calendar.end(event)) else {
        return true;
    };
    let within = |start: Timestamp, end: Timestamp| {
        from.is_none_or(|from| end > from) && to.is_none_or(|to| start < to)
    };
    let length = end.duration_since(start);
    if series::is_series(event) && !is_cancelled(event) {
        let horizon = to
            .or_else(|| from.map(|from| from.max(start) + SignedDuration::from_hours(24 * 1_500)));
        let starts = series::starts(event, horizon.unwrap_or(Timestamp::MAX));
        return starts.iter().any(|start| {
            let start = start.instant(&calendar.zone);
            within(start, start + length)
        });
    }
    let original =
        stored(event, "originalStartTime").map(|original| original.instant(&calendar.zone));
    within(start, end) || original.is_some_and(|original| within(original, original + length))
}

fn next_page(
    records: &mut Records,
    call: &Call<'_>,
    calendar: &str,
    token: &str,
) -> Result<Pages, Refusal> {
    let Some(pages) = records.pages.get(token).filter(|pages| pages.calendar == calendar).cloned()
    else {
        records.violation(format!("{}: a page token that was never given", call.method.id));
        return Err(Refusal::invalid("Invalid page token value."));
    };
    if pages.terms != terms(call) {
        records.violation(format!(
            "{}: a page token with other parameters than the page before",
            call.method.id
        ));
        return Err(Refusal::invalid("Invalid page token value."));
    }
    if pages.generation.is_some_and(|generation| {
        records.calendars.get(calendar).is_some_and(|c| c.generation != generation)
    }) {
        return Err(gone(call));
    }
    Ok(pages)
}

fn page(records: &mut Records, call: &Call<'_>, id: &str, mut pages: Pages) -> Reply {
    let asked = call.param("maxResults").and_then(|n| n.parse().ok()).unwrap_or(250_usize);
    let size = asked.min(call.manners.page_size).clamp(1, 2_500);
    let mut items: &[Value] = &[];
    let all = Arc::clone(&pages.items);
    if !pages.empty_next {
        let from = pages.sent.saturating_sub(usize::from(call.manners.repeats_items));
        pages.sent = all.len().min(pages.sent + size);
        items = &all[from..pages.sent];
    }
    let done = pages.sent == all.len();
    pages.empty_next = call.manners.empty_pages && !pages.empty_next && !done;
    let (calendar, role) = match records.seen(&call.account, id) {
        Some((calendar, role)) => (calendar, role),
        None => return Refusal::not_found().reply(),
    };
    let mut body = json!({
        "kind": "calendar#events",
        "etag": calendar.own_etag(),
        "summary": calendar.title,
        "updated": super::times::to_the_millisecond(calendar.updated),
        "timeZone": call.param("timeZone").unwrap_or(&calendar.zone),
        "accessRole": role.name(),
        "defaultReminders": [],
        "items": items,
    });
    if done {
        if let Some(token) = pages.token {
            body["nextSyncToken"] = json!(token);
        }
    } else {
        let token = format!("Eh{}==", records.word(20));
        body["nextPageToken"] = json!(token);
        records.pages.insert(token, pages);
    }
    Reply::json(200, body)
}

/// `events.instances`: the occurrences of one series, changed ones in their places.
pub(super) fn instances(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (calendar, role) = call.calendar(records)?;
    let id = calendar.id.clone();
    if let Some(token) = call.param("pageToken") {
        let pages = next_page(records, call, &id, token)?;
        return Ok(page(records, call, &id, pages));
    }
    let master = calendar.living(call.at("eventId")).ok_or_else(Refusal::not_found)?;
    let to = call.time("timeMax").unwrap_or(call.now + SignedDuration::from_hours(24 * 730));
    // An original start that lies further ahead is found as well.
    let horizon = call
        .param("originalStart")
        .and_then(super::times::instant)
        .map_or(to, |at| at + SignedDuration::from_hours(48))
        .max(to);
    let own = master["id"].as_str().unwrap_or_default();
    let mut events: Vec<_> = calendar
        .expanded(horizon)
        .into_iter()
        .filter(|e| e.get("recurringEventId").is_some_and(|of| of == own))
        .collect();
    if call.flag("showDeleted") {
        events.extend(calendar.exceptions(own).filter(|event| is_cancelled(event)).cloned());
    }
    events.retain(|event| in_range(calendar, event, call.time("timeMin"), call.time("timeMax")));
    if let Some(wanted) = call.param("originalStart") {
        let stamp = super::times::instant(wanted)
            .map(|at| super::times::When::At { instant: at, zone: "UTC".into() }.stamp());
        let stamp = stamp.unwrap_or_else(|| wanted.replace('-', ""));
        events.retain(|event| {
            event["id"].as_str().is_some_and(|id| id.ends_with(&format!("_{stamp}")))
        });
    }
    let items: Result<_, _> =
        events.iter().map(|event| shown(call, calendar, role, event)).collect();
    let pages = Pages {
        items: Arc::new(items?),
        sent: 0,
        terms: terms(call),
        calendar: id.clone(),
        token: None,
        generation: None,
        empty_next: false,
    };
    Ok(page(records, call, &id, pages))
}
