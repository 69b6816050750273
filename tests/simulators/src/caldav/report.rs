//! REPORT: calendar-query and calendar-multiget (RFC 4791, sections 7.8 and 7.9); sync-collection
//! is in `sync.rs`.

use super::asking::{Asking, refused};
use super::manners::Missing;
use super::paths::Place;
use super::propfind::{View, bare_response};
use super::reply::Reply;
use super::state::Records;
use super::sync;
use super::time_range::{self, Span};
use crate::agenda::entries;
use crate::ics;
use crate::xml::{CALDAV, DAV, Node};

pub(super) fn report(asking: &Asking<'_>, records: &Records, place: &Place) -> Reply {
    let root = match asking.xml() {
        Ok(root) => root,
        Err(reply) => return reply,
    };
    let Place::Calendar(user, calendar) = place else {
        return Reply::words(
            if *place == Place::Nowhere { 404 } else { 403 },
            "no report about this place",
        );
    };
    if records.visible(user, calendar).is_none() {
        return Reply::status(404);
    }
    let view = View { asking, records };
    let wanted = root.find(DAV, "prop").map(|prop| prop.children.clone()).unwrap_or_default();
    let answer = match (root.ns.as_str(), root.name.as_str()) {
        (DAV, "sync-collection") if asking.manners.sync => {
            sync::sync_collection(&view, user, calendar, &root, &wanted)
        }
        (CALDAV, "calendar-query") => query(&view, user, calendar, &root, &wanted),
        (CALDAV, "calendar-multiget") => multiget(&view, user, calendar, &root, &wanted),
        _ => Err(refused(asking, 403, "supported-report")),
    };
    match answer {
        Ok(answer) => Reply::xml(207, &answer, asking.manners),
        Err(reply) => reply,
    }
}

fn query(
    view: &View<'_>,
    user: &str,
    calendar: &str,
    root: &Node,
    wanted: &[Node],
) -> Result<Node, Reply> {
    let asking = view.asking;
    // Depth 0 asks about the calendar itself, in which nothing is an event.
    let inside = asking.depth("1")? == "1" || !asking.manners.strict;
    let outer = root.find(CALDAV, "filter").and_then(|filter| filter.find(CALDAV, "comp-filter"));
    let Some(outer) = outer.filter(|outer| outer.get("name") == Some("VCALENDAR")) else {
        return Err(refused(asking, 403, "valid-filter"));
    };
    let inner = outer.find(CALDAV, "comp-filter");
    let finds_uid = |node: &Node| {
        asking.manners.finds_uids
            && node.is(CALDAV, "prop-filter")
            && node.get("name") == Some("UID")
    };
    let plain = |node: &Node| {
        node.children
            .iter()
            .all(|c| c.is(CALDAV, "comp-filter") || c.is(CALDAV, "time-range") || finds_uid(c))
    };
    if !plain(outer)
        || inner.is_some_and(|inner| !plain(inner))
        || (inner.is_none() && asking.manners.query_needs_event_filter)
    {
        return Err(refused(asking, 403, "supported-filter"));
    }
    let span = match inner.and_then(|inner| inner.find(CALDAV, "time-range")) {
        Some(range) => Some(
            Span::read(range.get("start"), range.get("end"))
                .ok_or_else(|| refused(asking, 403, "valid-filter"))?,
        ),
        None => None,
    };
    let uid = inner
        .and_then(|inner| inner.find(CALDAV, "prop-filter")?.find(CALDAV, "text-match"))
        .map(|part| part.text.as_str());
    let events = inside && inner.is_none_or(|inner| inner.get("name") == Some("VEVENT"));
    let mut answer = Node::dav("multistatus");
    if asking.manners.lists_itself {
        answer.children.push(view.response(&Place::Calendar(user.into(), calendar.into()), wanted));
    }
    let members = view
        .records
        .visible(user, calendar)
        .into_iter()
        .flat_map(|c| c.listed())
        .filter(|_| events);
    for (name, resource) in members {
        let lies_in = span.is_none_or(|span| {
            ics::read(&resource.body).is_ok_and(|object| time_range::matches(&object, span))
        });
        let is_named = uid.is_none_or(|uid| {
            entries([(name.clone(), resource.body.to_string())])
                .iter()
                .any(|entry| entry.uid().contains(uid))
        });
        if lies_in && is_named {
            answer.children.push(
                view.response(&Place::Object(user.into(), calendar.into(), name.clone()), wanted),
            );
        }
    }
    Ok(answer)
}

fn multiget(
    view: &View<'_>,
    user: &str,
    calendar: &str,
    root: &Node,
    wanted: &[Node],
) -> Result<Node, Reply> {
    view.asking.depth("1")?;
    let hrefs: Vec<&str> = root.all(DAV, "href").map(|href| href.text.trim()).collect();
    if hrefs.is_empty() {
        return Err(Reply::words(400, "a multiget of nothing"));
    }
    if hrefs.len() > view.asking.manners.multiget_limit {
        return Err(refused(view.asking, 403, "max-multiget"));
    }
    let withheld = |name: &String| {
        view.asking.manners.multiget_withholds.is_some_and(|part| name.contains(part))
    };
    let mut answer = Node::dav("multistatus");
    for href in hrefs {
        let place = view.paths().place(href);
        if matches!(&place, Place::Object(_, _, name) if withheld(name)) {
            continue;
        }
        let there = match &place {
            Place::Object(owner, within, name) if owner == user && within == calendar => view
                .records
                .visible(user, calendar)
                .is_some_and(|c| c.shown(name).is_some() && !c.unreadable.contains(name)),
            _ => false,
        };
        match (there, view.asking.manners.multiget_missing) {
            (true, _) => answer.children.push(view.response(&place, wanted)),
            (false, Missing::Answered) => {
                answer.children.push(bare_response(href, "HTTP/1.1 404 Not Found"))
            }
            (false, Missing::LeftOut) => {}
        }
    }
    Ok(answer)
}
