//! Conference links and names of services in a location.

use super::{PASSES, links, phrases};
use crate::text;

/// The text of a location without a place, as the services' own clients write it.
const SERVICES: [&str; 19] = [
    "microsoft teams",
    "microsoft teams meeting",
    "microsoft teams-besprechung",
    "microsoft teams-møde",
    "microsoft teams-möte",
    "microsoft teams-møte",
    "microsoft teams-vergadering",
    "microsoft teams -kokous",
    "microsoft teamsi koosolek",
    "réunion microsoft teams",
    "reunión de microsoft teams",
    "riunione di microsoft teams",
    "google meet",
    "zoom",
    "zoom meeting",
    "webex",
    "webex meeting",
    "cisco webex",
    "skype meeting",
];

/// The location, in normal form, without conference links and without the names of services beside
/// a place (`Microsoft Teams Meeting; Room 5` is `Room 5`). Idempotent.
pub fn strip_location(location: &str) -> String {
    let mut kept = text::normalise(location);
    for _ in 0..PASSES {
        let lines: Vec<Option<String>> = kept.split('\n').map(place).collect();
        let shown: Vec<&str> =
            lines.iter().map(|line| line.as_deref().unwrap_or_default()).collect();
        let next = text::without(&shown, |at| lines[at].is_none());
        if next == kept {
            return kept;
        }
        kept = next;
    }
    // Made so that removing brings forth new links: nothing of it is a place.
    String::new()
}

/// The edited location of a copy with the conference links of the user's own event put back after
/// it.
///
/// `original` is that event's location as read just now; it is returned unchanged if the edit
/// changed no place.
pub fn reattach_location(edited: &str, original: &str) -> String {
    let edited = text::normalise(edited);
    let original = text::normalise(original);
    if strip_location(&original) == edited {
        return original;
    }
    let mut parts = vec![edited.clone()];
    for link in original.split('\n').filter_map(links::clean).flat_map(|cleaned| cleaned.links) {
        if !edited.contains(&link.text) && !parts.contains(&link.text) {
            parts.push(link.text);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// One line without what is no place; `None` if nothing is left of a line that had something.
fn place(line: &str) -> Option<String> {
    let cleaned = links::clean(line);
    let rest = cleaned.as_ref().map_or(line, |c| &c.rest);
    let is_place = |part: &&str| {
        let name = part.trim().to_lowercase();
        !SERVICES.contains(&name.as_str())
            && (cleaned.is_none() || !phrases::is_label_of_link(part))
    };
    let parts: Vec<&str> = rest.split(';').collect();
    let places: Vec<&str> = parts.iter().copied().filter(is_place).collect();
    if cleaned.is_none() && places.len() == parts.len() {
        return Some(line.to_owned());
    }
    let left = places.into_iter().map(str::trim).collect::<Vec<_>>().join("; ");
    let left = left.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '|' | '-' | '–' | '/' | ':')
    });
    (!left.is_empty()).then(|| left.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_names_of_services_are_no_place() {
        for (location, kept) in [
            ("https://zoom.us/j/1", ""),
            ("Microsoft Teams Meeting", ""),
            ("microsoft teams-besprechung", ""),
            ("Microsoft Teams Meeting; Room 5", "Room 5"),
            ("Room 5; https://zoom.us/j/1?pwd=x", "Room 5"),
            ("Room 5;https://zoom.us/j/1", "Room 5"),
            ("Room 5 (https://meet.google.com/abc-defg-hij)", "Room 5"),
            ("Zoom: https://zoom.us/j/1", ""),
            ("Room 5 / https://example.webex.com/meet/x", "Room 5"),
            ("Room 5\r\nhttps://zoom.us/j/1\r\nHarbour House", "Room 5\nHarbour House"),
            ("Harbour House; 2nd floor;", "Harbour House; 2nd floor;"),
            ("https://example.org/map", "https://example.org/map"),
            ("Zoom Street 5", "Zoom Street 5"),
            ("", ""),
        ] {
            assert_eq!(strip_location(location), kept, "{location}");
            assert_eq!(strip_location(kept), kept);
        }
    }

    #[test]
    fn links_come_back_behind_a_new_place() {
        let original = "Room 5; https://zoom.us/j/1";
        assert_eq!(reattach_location("Room 5", original), original);
        assert_eq!(reattach_location("Room 7", original), "Room 7; https://zoom.us/j/1");
        assert_eq!(
            reattach_location("Room 8", &reattach_location("Room 7", original)),
            "Room 8; https://zoom.us/j/1"
        );
        assert_eq!(reattach_location("", original), "https://zoom.us/j/1");
        assert_eq!(reattach_location("Room 7", "Room 5"), "Room 7");
        assert_eq!(
            reattach_location("Room 7", "https://zoom.us/j/1; https://zoom.us/j/1"),
            "Room 7; https://zoom.us/j/1"
        );
        assert_eq!(
            reattach_location("Room 7, https://zoom.us/j/1", original),
            "Room 7, https://zoom.us/j/1"
        );
    }
}
