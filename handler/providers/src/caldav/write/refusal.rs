//! Refused writes: the condition that the server names, in words.

use super::super::dav::DavRefusal;
use crate::Error;

/// A refused write, in words (the preconditions of RFC 4791 section 5.3.2.1 and RFC 6638 section
/// 3.2.4).
pub(super) fn refused(refusal: &DavRefusal) -> Error {
    let words = refusal.conditions.iter().find_map(|condition| words(condition));
    match (words, refusal.status.as_u16()) {
        (Some(words), _) => Error::Refused(words.into()),
        (None, status @ (403 | 405)) => Error::Forbidden(format!("the server answered {status}")),
        (None, status @ (400 | 409 | 422)) => {
            Error::Refused(format!("the server answered {status}"))
        }
        (None, 412) => Error::ChangedMeanwhile,
        (None, _) => refusal.error(),
    }
}

/// What a named condition means.
pub(super) fn words(condition: &str) -> Option<&'static str> {
    Some(match condition {
        "no-uid-conflict" => "its UID is in use elsewhere in the account",
        "supported-calendar-data" => "the server does not take iCalendar",
        "valid-calendar-data" => "the server finds the calendar object invalid",
        "valid-calendar-object-resource" => "the server finds a rule for calendar objects broken",
        "supported-calendar-component" => "this calendar does not take events",
        "calendar-collection-location-ok" => "the server does not take events at this place",
        "max-resource-size" => "it is larger than the server takes",
        "min-date-time" => "it is earlier than the server takes",
        "max-date-time" => "it is later than the server takes",
        "max-instances" => "it repeats more often than the server takes",
        "max-attendees-per-instance" => "it has more attendees than the server takes",
        "quota-not-exceeded" | "sufficient-disk-space" => "the server has no room left for it",
        "allowed-organizer-scheduling-object-change"
        | "allowed-attendee-scheduling-object-change" => {
            "the server allows its organizer only to change it"
        }
        "same-organizer-in-all-components" | "unique-scheduling-object-resource" => {
            "a scheduling rule of the server forbids it"
        }
        "need-privileges" => return None,
        _ => return None,
    })
}

/// Whether a named condition says why the event was refused.
pub(super) fn is_known(condition: &str) -> bool {
    words(condition).is_some() || condition == "need-privileges"
}
