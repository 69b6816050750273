//! Names of events within their calendar: an href becomes an id, and an id becomes the path of a
//! request.
//!
//! A server may show one calendar under several paths, and may move it to another. The names of its
//! events stay, so a name alone is the identity of an event, percent-decoded. [`EventId::address`]
//! keeps what a request needs and the name does not say. In the calendar `/dav/u/work/`:
//!
//! | href | name | address |
//! |---|---|---|
//! | `/dav/u/work/a%20b.ics` | `a b.ics` | none: we spell the name in the same way |
//! | `/dav/u/work/a%40b.ics` | `a@b.ics` | `a%40b.ics` |
//! | `/dav/u/work/sub/a.ics` | `sub/a.ics` | none |
//! | `/remote/work/a.ics` | `a.ics`: what follows the last `/work/` | `/remote/work/a.ics` |
//! | `/remote/a.ics` | `a.ics`: the last segment | `/remote/a.ics` |
//! | `/dav/u/work//a.ics` | `a.ics` | `/dav/u/work//a.ics` |
//!
//! No name begins with a slash; ids that do are whole paths, as they were stored before names were.

use engine::event::EventId;
use percent_encoding::percent_decode_str;

use super::address::{has_dot_segments, key, spelling, without_dot_segments};
use super::with_slash;

/// A member of a calendar.
#[derive(Debug)]
pub(super) struct Member {
    pub id: EventId,
    /// Its path shows that it belongs to the calendar. Where it does not, only the place where it
    /// was found does.
    pub belongs: bool,
}

/// What a path names, seen from a calendar.
enum NamePlace<'a> {
    /// A member of the calendar; the rest of the path.
    Below(&'a str),
    /// A member of a calendar whose path ends in the same segment; the rest of the path.
    Namesake(&'a str),
    /// Neither; the last segment.
    Elsewhere(&'a str),
}

/// What a path names in a calendar; `None` for the calendar itself and for other collections.
pub(super) fn member(calendar: &str, path: &str) -> Option<Member> {
    let (below, rest, belongs) = match place(&with_slash(calendar), path)? {
        NamePlace::Below(rest) => (true, rest, true),
        NamePlace::Namesake(rest) => (false, rest, true),
        NamePlace::Elsewhere(rest) => (false, rest, false),
    };
    let decoded = key(rest);
    let name = decoded.trim_start_matches('/');
    if name.is_empty() || rest.ends_with('/') {
        return None;
    }
    let id = match below && name.len() == decoded.len() {
        true if spelling(name) == rest => EventId::new(name),
        true => EventId::with_address(name, rest),
        false => EventId::with_address(name, path),
    };
    Some(Member { id, belongs })
}

/// The path to ask for an event, in the server's spelling as far as it is known; `None` for an id
/// that no event can have. `calendar` is the path of the calendar in a request.
pub(super) fn request_path(calendar: &str, id: &EventId) -> Option<String> {
    let path = match (id.address(), id.as_str()) {
        (Some(path), _) if path.starts_with('/') => path.to_owned(),
        (Some(rest), _) => with_slash(calendar) + rest,
        (None, path) if path.starts_with('/') => spelling(path),
        (None, name) => with_slash(calendar) + &spelling(name),
    };
    (!has_dot_segments(&path) && !path.ends_with('/')).then_some(path)
}

/// Whether the server has listed an event under another path than its calendar's.
pub(super) fn is_elsewhere(id: &EventId) -> bool {
    id.address().is_some_and(|path| path.starts_with('/'))
}

/// The id of an event whose id was its whole path, percent-decoded, as it was until names took the
/// place of paths. `collection` is the calendar's address as it is stored. An id that is a name
/// already stays as it is.
pub fn name_in_collection(collection: &str, id: &EventId) -> EventId {
    if !id.as_str().starts_with('/') {
        return id.clone();
    }
    let path =
        without_dot_segments(id.address().map_or_else(|| spelling(id.as_str()), str::to_owned));
    member(collection, &path).map_or_else(|| id.clone(), |member| member.id)
}

fn place<'a>(calendar: &str, path: &'a str) -> Option<NamePlace<'a>> {
    // A calendar whose path is no text is known by the path as it is spelled.
    if let Some(rest) = below(calendar, path).or_else(|| path.strip_prefix(calendar)) {
        return Some(NamePlace::Below(rest));
    }
    let own = calendar.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_own = |segment: &str| key(segment) == own;
    let mut namesake = None;
    let mut begin = 0;
    for (end, _) in path.match_indices('/') {
        if is_own(&path[begin..end]) {
            namesake = Some(&path[end + 1..]);
        }
        begin = end + 1;
    }
    match (namesake, &path[begin..]) {
        (Some(rest), _) => Some(NamePlace::Namesake(rest)),
        (None, last) if is_own(last) => None,
        (None, last) => Some(NamePlace::Elsewhere(last)),
    }
}

/// What follows the calendar in a path, however the server spells the calendar.
fn below<'a>(calendar: &str, path: &'a str) -> Option<&'a str> {
    let mut splits = path.match_indices('/').map(|(at, _)| path.split_at(at + 1));
    splits.find(|(head, _)| percent_decode_str(head).eq(calendar.bytes())).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests;
