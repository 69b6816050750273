//! Reads: calendars, views, instances and single events.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::asking::value;
use super::call::Call;
use super::ids::EventName;
use super::item::{Item, Seen};
use super::query::{Filter, Query};
use super::render::{self, View};
use super::reply::{Refusal, Reply};
use super::state::{Folder, Mount, Person, Records};
use super::zones;

/// The longest range of a view.
const LONGEST: i64 = 1_825;

/// The range in the query.
pub(super) fn range(call: &Call<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let bound = |name: &str| {
        value(&call.query, name).and_then(zones::bound).ok_or_else(|| {
            let words = format!("The value of the parameter {name} is not a date and time.");
            Refusal::new(400, "ErrorInvalidParameter", &words)
        })
    };
    let (from, to) = (bound("startDateTime")?, bound("endDateTime")?);
    if to < from {
        let words = "EndDateTime is before StartDateTime.";
        return Err(Refusal::new(400, "ErrorInvalidParameter", words));
    }
    if to.duration_since(from) > SignedDuration::from_hours(24 * LONGEST) {
        return Err(Refusal::invalid(
            "The range between the start and end dates is greater than the allowed range. Maximum \
             number of days: 1825.",
        ));
    }
    Ok((from, to))
}

/// The calendar in the path, where the token opens it.
pub(super) fn mounted<'r>(
    records: &'r Records,
    call: &Call<'_>,
) -> Result<(&'r Mount, &'r Folder), Refusal> {
    let (mount, folder) = records.mount(call.person, call.id(0)).ok_or_else(Refusal::not_found)?;
    if folder.owner != call.person && !call.shared_too {
        return Err(Refusal::denied());
    }
    Ok((mount, folder))
}

/// How a person sees events of a calendar.
pub(super) fn view_of<'a>(
    records: &'a Records,
    call: &'a Call<'_>,
    folder: &Folder,
    mount: Option<&Mount>,
) -> View<'a> {
    let owner: &Person = &records.people[folder.owner];
    let can_view_private = mount.is_none_or(|mount| mount.can_view_private);
    View { prefer: &call.prefer, manners: call.manners, owner, can_view_private }
}

pub(super) fn calendars(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "calendar", call.manners)?;
    if value(&call.query, "$filter").is_some() || value(&call.query, "$orderby").is_some() {
        records.violation("GET /me/calendars: $filter and $orderby are not simulated");
    }
    let all: Vec<Value> = records.people[call.person]
        .calendars
        .iter()
        .filter_map(|mount| Some((mount, records.calendars.get(&mount.calendar)?)))
        .map(|(mount, folder)| shown(records, call, mount, folder, &query))
        .collect();
    Ok(paged(call, &query, all, "users('me')/calendars"))
}

pub(super) fn calendar(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "calendar", call.manners)?;
    let (mount, folder) = records.mount(call.person, call.id(0)).ok_or_else(Refusal::not_found)?;
    Ok(one_calendar(call, shown(records, call, mount, folder, &query)))
}

pub(super) fn calendar_of(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "calendar", call.manners)?;
    let (item, _) = found(records, call)?;
    // Deleted Items is a folder, and no calendar.
    if item.deleted {
        return Err(Refusal::not_found());
    }
    let mount = records.mount_of(call.person, item.calendar).ok_or_else(Refusal::not_found)?;
    let folder = records.calendars.get(&item.calendar).ok_or_else(Refusal::not_found)?;
    Ok(one_calendar(call, shown(records, call, mount, folder, &query)))
}

fn one_calendar(call: &Call<'_>, calendar: Value) -> Reply {
    let Value::Object(calendar) = calendar else { return Reply::status(500) };
    call.reply(200, calendar, "users('me')/calendars/$entity")
}

fn shown(
    records: &Records,
    call: &Call<'_>,
    mount: &Mount,
    folder: &Folder,
    query: &Query,
) -> Value {
    let own = folder.owner == call.person;
    let owner = &records.people[folder.owner];
    let extra = call.manners.extra_members;
    let mut shown = render::calendar(folder, mount, owner, own, call.immutable(), extra);
    if let (Some(select), Some(calendar)) = (&query.select, shown.as_object_mut()) {
        calendar.retain(|name, _| name == "id" || select.contains(name));
    }
    shown
}

pub(super) fn view(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "event", call.manners)?;
    let (from, to) = range(call)?;
    let (mount, folder) = mounted(records, call)?;
    let mut all: Vec<Seen<'_>> = folder
        .items
        .iter()
        .filter_map(|key| records.items.get(key))
        .flat_map(|item| item.within(from, to))
        .collect();
    all.sort_by_cached_key(|seen| (seen.times.from(), seen.item.key));
    let view = view_of(records, call, folder, Some(mount));
    Ok(events_page(call, &query, &all, view, "calendarView"))
}

pub(super) fn instances(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "event", call.manners)?;
    let (from, to) = range(call)?;
    let (item, day) = found(records, call)?;
    if !item.is_series() || day.is_some() {
        return Err(Refusal::invalid("Instances are available for a series master only."));
    }
    let (folder, mount) = place_of(records, call, item)?;
    let view = view_of(records, call, folder, mount);
    Ok(events_page(call, &query, &item.within(from, to), view, "instances"))
}

pub(super) fn events(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "event", call.manners)?;
    let only = match call.calendar_id() {
        Some(_) => Some(mounted(records, call)?.1.key),
        None => None,
    };
    let own = |item: &&Item| {
        !item.deleted
            && records.calendars.get(&item.calendar).is_some_and(|f| f.owner == call.person)
            && only.is_none_or(|only| only == item.calendar)
    };
    let all: Vec<Seen<'_>> = records.items.values().filter(own).map(Item::whole).collect();
    let Some(folder) = records
        .people
        .get(call.person)
        .and_then(|person| records.calendars.get(&person.calendars.first()?.calendar))
    else {
        return Err(Refusal::not_found());
    };
    let view = view_of(records, call, folder, None);
    Ok(events_page(call, &query, &all, view, "events"))
}

pub(super) fn get(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = Query::read(&call.query, "event", call.manners)?;
    let (item, day) = found(records, call)?;
    let seen = item.seen(day).ok_or_else(Refusal::not_found)?;
    let (folder, mount) = place_of(records, call, item)?;
    let view = view_of(records, call, folder, mount);
    Ok(one_event(call, 200, &seen, view, &query))
}

/// An answer with one event.
pub(super) fn one_event(
    call: &Call<'_>,
    status: u16,
    seen: &Seen<'_>,
    view: View<'_>,
    query: &Query,
) -> Reply {
    let Value::Object(event) = render::event(seen, view, query, true) else {
        return Reply::status(500);
    };
    call.reply(status, event, "users('me')/events/$entity").header("etag", seen.etag())
}

/// The calendar that an event is in, or was in before it came to Deleted Items.
pub(super) fn place_of<'r>(
    records: &'r Records,
    call: &Call<'_>,
    item: &Item,
) -> Result<(&'r Folder, Option<&'r Mount>), Refusal> {
    let folder = records.calendars.get(&item.calendar).ok_or_else(Refusal::not_found)?;
    if folder.owner != call.person && !call.shared_too {
        return Err(Refusal::denied());
    }
    Ok((folder, records.mount_of(call.person, item.calendar)))
}

/// The event in the path, and the day where it is an occurrence.
pub(super) fn found<'r>(
    records: &'r Records,
    call: &Call<'_>,
) -> Result<(&'r Item, Option<jiff::civil::Date>), Refusal> {
    let id = call.event_id();
    if EventName::read(id).is_none() {
        return Err(Refusal::new(400, "ErrorInvalidIdMalformed", "Id is malformed."));
    }
    let (item, day, immutable) = records.item(call.person, id).ok_or_else(Refusal::not_found)?;
    if item.deleted && !(immutable && call.manners.deleted_answers) {
        return Err(Refusal::not_found());
    }
    let by_itself = call.calendar_id().is_none() && !call.request.path.ends_with("/instances");
    if item.deleted && !by_itself && !call.manners.deleted_answers_everywhere {
        return Err(Refusal::not_found());
    }
    if let Some(calendar) = call.calendar_id() {
        let (_, folder) = records.mount(call.person, calendar).ok_or_else(Refusal::not_found)?;
        if folder.key != item.calendar {
            return Err(Refusal::not_found());
        }
    }
    Ok((item, day))
}

fn passes(filter: &Filter, seen: &Seen<'_>) -> bool {
    seen.item.marks.get(&filter.id).is_some_and(|(_, value)| {
        // The comparison of values does not look at case.
        filter.value.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    })
}

fn events_page(
    call: &Call<'_>,
    query: &Query,
    all: &[Seen<'_>],
    view: View<'_>,
    context: &str,
) -> Reply {
    let kept: Vec<&Seen<'_>> = all
        .iter()
        .filter(|seen| query.filter.as_ref().is_none_or(|filter| passes(filter, seen)))
        .collect();
    let top = query.top.or(call.prefer.page).unwrap_or(10).min(1_000);
    let page = kept.iter().skip(query.skip).take(top);
    let value: Vec<Value> = page.map(|seen| render::event(seen, view, query, false)).collect();
    finish(call, query, value, kept.len(), top, &format!("users('me')/{context}"))
}

fn paged(call: &Call<'_>, query: &Query, all: Vec<Value>, context: &str) -> Reply {
    let (total, top) = (all.len(), query.top.unwrap_or(10));
    let value = all.into_iter().skip(query.skip).take(top).collect();
    finish(call, query, value, total, top, context)
}

fn finish(
    call: &Call<'_>,
    query: &Query,
    value: Vec<Value>,
    total: usize,
    top: usize,
    context: &str,
) -> Reply {
    let mut body = Map::new();
    if query.count {
        body.insert("@odata.count".into(), json!(total));
    }
    if query.skip + top < total {
        // A blank is %20 here, and `$` is %24.
        let coded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let skip = ("$skip".to_owned(), (query.skip + top).to_string());
        let others = call.query.iter().filter(|(name, _)| name != "$skip");
        let pairs: Vec<String> = others
            .chain(std::iter::once(&skip))
            .map(|(name, value)| format!("{}={}", coded(name), coded(value)))
            .collect();
        let link = format!("{}?{}", call.address(), pairs.join("&"));
        body.insert("@odata.nextLink".into(), json!(link));
    }
    body.insert("value".into(), json!(value));
    call.reply(200, body, context)
}
