//! PUT, DELETE and MKCALENDAR, with all that a strict server checks before it stores (RFC 4791,
//! section 5.3).

use std::collections::BTreeMap;

use super::asking::{Asking, refused};
use super::manners::{AnyVersion, Etags, Late, LostWrite, Names, Rewrite, UidScope};
use super::paths::Place;
use super::reply::Reply;
use super::scheduling;
use super::state::Records;
use crate::ics::{self, Component};
use crate::lint;
use crate::xml::{CALDAV, Node};

pub(super) fn put(asking: &Asking<'_>, records: &mut Records, place: &Place) -> Reply {
    let Place::Object(user, calendar, name) = place else {
        return Reply::words(405, "a calendar is not written as a whole");
    };
    let manners = asking.manners;
    match manners.loses_writes {
        Some(LostWrite::Page) => {
            return Reply { body: "<html>Sign in</html>".into(), ..Reply::status(200) }
                .header("content-type", "text/html; charset=utf-8");
        }
        Some(LostWrite::NoContent) => return Reply::status(204),
        None => {}
    }
    let Some(collection) = records.visible(user, calendar) else {
        return Reply::words(409, "there is no such calendar");
    };
    if !records.writable(user, calendar) {
        return refused(asking, 403, "need-privileges");
    }
    let before = collection.get(name).cloned();
    if let Err(reply) = conditions(asking, before.as_ref().map(|r| r.etag.as_str())) {
        return reply;
    }
    let object = match accepted(asking) {
        Ok(object) => object,
        Err(reply) => return reply,
    };
    let uid = object.inside("VEVENT").find_map(|e| e.value("UID")).map(str::to_owned);
    if let Some(uid) = &uid
        && let Some(conflict) = conflict(asking, records, place, uid)
    {
        return conflict;
    }
    if before.is_none()
        && let Some(status) = manners.trash
        && uid.is_some_and(|uid| collection.in_trash(&uid))
    {
        return in_trash(status);
    }
    let uid_of_its_own = format!("{}@server", collection.own_name());
    let earlier = before.as_ref().and_then(|r| ics::read(&r.body).ok());
    if earlier.as_ref().is_some_and(|earlier| sequence_falls(earlier, &object)) {
        records.complaints.push("a write lowered SEQUENCE".to_owned());
    }
    mail(asking, records, earlier.as_ref(), Some(&object));

    let text = String::from_utf8_lossy(asking.body);
    let mut stored = match manners.rewrite {
        Rewrite::Kept => text.into_owned(),
        Rewrite::Reordered => reordered(&text),
        Rewrite::Plain => plain(&text),
        Rewrite::Anew => {
            let kept = earlier
                .as_ref()
                .and_then(|e| e.inside("VEVENT").find_map(|e| e.value("UID")).map(str::to_owned));
            anew(&text, &kept.unwrap_or(uid_of_its_own))
        }
    };
    stored = manners.alters.apply(stored);
    if manners.default_alarm {
        stored = with_default_alarm(&stored);
    }
    if manners.swallows && before.is_none() {
        return Reply::status(201).header("etag", "\"swallowed\"");
    }
    let Some(collection) = records.visible_mut(user, calendar) else { return Reply::status(409) };
    if manners.merges
        && before.is_none()
        && collection.resources().any(|(_, there)| is_the_same(&there.body, &object))
    {
        return Reply::status(201);
    }
    let name = match manners.names {
        Names::Own { .. } if before.is_none() => collection.own_name(),
        _ => name.clone(),
    };
    if before.is_none() && manners.late != Late::Not {
        collection.late.insert(name.clone(), manners.late);
    }
    let etag = collection.put(&name, &stored);
    let mut reply = Reply::status(if before.is_some() { 204 } else { 201 });
    if manners.names == (Names::Own { location: true }) && before.is_none() {
        reply = reply.header("location", asking.paths(records).object(user, calendar, &name));
    }
    if manners.etag_on_put { reply.header("etag", etag) } else { reply }
}

pub(super) fn delete(asking: &Asking<'_>, records: &mut Records, place: &Place) -> Reply {
    let Place::Object(user, calendar, name) = place else {
        return Reply::words(403, "a calendar is not deleted here");
    };
    let Some(collection) = records.visible(user, calendar) else { return Reply::status(404) };
    if !records.writable(user, calendar) {
        return refused(asking, 403, "need-privileges");
    }
    let Some(before) = collection.get(name).cloned() else { return Reply::status(404) };
    if let Err(reply) = conditions(asking, Some(&before.etag)) {
        return reply;
    }
    let object = ics::read(&before.body).ok();
    mail(asking, records, object.as_ref(), None);
    if let Some(collection) = records.visible_mut(user, calendar) {
        collection.delete(name);
    }
    Reply::status(204)
}

pub(super) fn make_calendar(asking: &Asking<'_>, records: &mut Records, place: &Place) -> Reply {
    match place {
        Place::Calendar(user, name) if records.new_calendar(user, name) => Reply::status(201),
        Place::Calendar(..) => {
            Reply::precondition(405, crate::xml::DAV, "resource-must-be-null", asking.manners)
        }
        _ => Reply::status(403),
    }
}

/// RFC 9110, section 13, for a resource with this ETag, or for none.
fn conditions(asking: &Asking<'_>, etag: Option<&str>) -> Result<(), Reply> {
    let weak = matches!(asking.manners.etags, Etags::Weak | Etags::NoCondition);
    let never = asking.manners.etags == Etags::NoCondition;
    let lists = |header: &str, etag: &str| {
        !never
            && header
                .split(',')
                .any(|one| one.trim() == etag && !(weak && one.trim().starts_with("W/")))
    };
    let failed = Reply::words(412, "it is not as you expect it");
    if let Some(condition) = asking.header("if-none-match") {
        let there = if condition.trim() == "*" {
            etag.is_some()
        } else {
            etag.is_some_and(|etag| lists(condition, etag))
        };
        if there {
            return Err(failed);
        }
    }
    match asking.header("if-match") {
        Some(any) if any.trim() == "*" => {
            let wanted = asking.manners.any_version == AnyVersion::Honoured;
            if etag.is_some() == wanted { Ok(()) } else { Err(failed) }
        }
        Some(condition) if !etag.is_some_and(|etag| lists(condition, etag)) => Err(failed),
        _ => Ok(()),
    }
}

/// The object in the body, if the server takes it.
fn accepted(asking: &Asking<'_>) -> Result<Component, Reply> {
    let manners = asking.manners;
    if manners.strict
        && !asking.header("content-type").is_some_and(|kind| kind.starts_with("text/calendar"))
    {
        return Err(refused(asking, 415, "supported-calendar-data"));
    }
    if asking.body.len() > manners.largest {
        return Err(refused(asking, manners.refusal, "max-resource-size"));
    }
    let invalid = |precondition: &str, why: &str| {
        let error = Node::dav("error")
            .child(Node::new(CALDAV, precondition))
            .child(Node::dav("responsedescription").text(why));
        Reply::xml(manners.refusal, &error, manners)
    };
    let text = std::str::from_utf8(asking.body)
        .map_err(|_| invalid("valid-calendar-data", "it is not UTF-8"))?;
    let object = if manners.strict {
        lint::check(text).map_err(|flaw| invalid(flaw.precondition, &flaw.why))?
    } else {
        ics::read(text).map_err(|why| invalid("valid-calendar-data", &why))?
    };
    if manners.dtend_required && object.inside("VEVENT").any(|event| event.get("DTEND").is_none()) {
        return Err(invalid("valid-calendar-data", "a VEVENT has no DTEND"));
    }
    Ok(object)
}

/// RFC 4791, section 5.3.2.1: `no-uid-conflict`.
fn conflict(asking: &Asking<'_>, records: &Records, place: &Place, uid: &str) -> Option<Reply> {
    let Place::Object(user, calendar, name) = place else { return None };
    let manners = asking.manners;
    let (owner, own_name) = records.owner_of(user, calendar);
    let account = records.accounts.get(owner)?;
    let changes_uid =
        account.calendars.get(own_name)?.get(name).is_some_and(|r| r.uid.as_deref() != Some(uid));
    let searched = account
        .calendars
        .iter()
        .filter(|(other, _)| manners.uid_scope == UidScope::Account || *other == own_name);
    let holder = searched.into_iter().find_map(|(other, collection)| {
        let except = (other == own_name).then_some(name.as_str());
        collection.holder_of(uid, except).map(|holder| (other.clone(), holder.clone()))
    });
    if holder.is_none() && (!changes_uid || manners.uid_may_change) {
        return None;
    }
    let (at, held) = holder.unwrap_or_else(|| (own_name.to_owned(), name.clone()));
    let paths = asking.paths(records);
    // In a share the path is that of the share.
    let href = if at == own_name {
        paths.object(user, calendar, &held)
    } else {
        paths.object(owner, &at, &held)
    };
    let why = Node::new(CALDAV, "no-uid-conflict").child(Node::dav("href").text(href));
    Some(Reply::xml(manners.uid_conflict, &Node::dav("error").child(why), manners))
}

/// The error XML of SabreDAV for an exception of Nextcloud: a class and a message, without a
/// precondition.
fn in_trash(status: u16) -> Reply {
    let class = if status == 403 { "Forbidden" } else { "BadRequest" };
    let body = format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">
  <s:exception>Sabre\DAV\Exception\{class}</s:exception>
  <s:message>Deleted calendar object with uid already exists in this calendar collection.</s:message>
</d:error>
"#
    );
    Reply { body: body.into(), ..Reply::status(status) }
        .header("content-type", "application/xml; charset=utf-8")
}

fn mail(
    asking: &Asking<'_>,
    records: &mut Records,
    before: Option<&Component>,
    after: Option<&Component>,
) {
    let own = records
        .accounts
        .get(&asking.user)
        .map(|account| account.addresses.clone())
        .unwrap_or_default();
    records.mails_sent +=
        scheduling::mails(before, after, &own, asking.manners.heeds_schedule_agent);
}

/// Whether an object shows the time and the title of another one.
fn is_the_same(there: &str, object: &Component) -> bool {
    let shown = |object: &Component| {
        ["DTSTART", "SUMMARY"]
            .map(|name| object.inside("VEVENT").find_map(|e| e.value(name).map(str::to_owned)))
    };
    ics::read(there).is_ok_and(|there| shown(&there) == shown(object))
}

/// RFC 5545, section 3.8.7.4: the number of revisions does not fall.
fn sequence_falls(before: &Component, after: &Component) -> bool {
    let sequences = |calendar: &Component| -> BTreeMap<Option<String>, u32> {
        let of = |e: &Component| {
            (
                e.value("RECURRENCE-ID").map(str::to_owned),
                e.value("SEQUENCE").and_then(|s| s.parse().ok()).unwrap_or(0),
            )
        };
        calendar.inside("VEVENT").map(of).collect()
    };
    let (before, after) = (sequences(before), sequences(after));
    after
        .iter()
        .any(|(which, sequence)| before.get(which).is_some_and(|earlier| sequence < earlier))
}

/// The object as a server writes it that keeps no bytes: properties in alphabetical order, folds of
/// its own.
fn reordered(text: &str) -> String {
    fn component(lines: &mut std::vec::IntoIter<String>, out: &mut Vec<String>) {
        let (mut properties, mut inner, mut end) = (Vec::new(), Vec::new(), None);
        while let Some(line) = lines.next() {
            match line.get(..4).unwrap_or_default() {
                "BEGI" => {
                    inner.push(line);
                    component(lines, &mut inner);
                }
                "END:" => {
                    end = Some(line);
                    break;
                }
                _ => properties.push(line),
            }
        }
        properties.sort();
        out.extend(properties.into_iter().chain(inner).chain(end));
    }
    let mut out = Vec::new();
    component(&mut ics::unfold(text).into_iter(), &mut out);
    out.iter().map(|line| ics::folded(line)).collect()
}

/// The object without extension properties.
fn plain(text: &str) -> String {
    ics::unfold(text)
        .into_iter()
        .filter(|line| !line.starts_with("X-"))
        .map(|line| ics::folded(&line))
        .collect()
}

/// The object under another UID.
fn anew(text: &str, uid: &str) -> String {
    let text = plain(text);
    ics::unfold(&text)
        .into_iter()
        .map(|line| {
            ics::folded(&if line.starts_with("UID:") { format!("UID:{uid}") } else { line })
        })
        .collect()
}

fn with_default_alarm(text: &str) -> String {
    const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nEND:VALARM\r\n";
    if text.contains("BEGIN:VALARM") {
        return text.to_owned();
    }
    text.replace("END:VEVENT\r\n", &format!("{ALARM}END:VEVENT\r\n"))
}
