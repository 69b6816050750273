//! Addresses of Graph v1.0. All are made here, and a link that an answer gave is followed only if
//! it leads to the same place.
//!
//! Ids are encoded as a whole: they contain `=` and `+`, and Graph wants them escaped. What is
//! selected is listed here and in `wire`; nothing else is asked for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::wire::{CALENDAR_MEMBERS, EVENT_MEMBERS, MARKER, MASTER_MEMBERS};
use crate::{Error, Result};

/// Where Microsoft serves Graph. Only the global cloud is supported.
pub const GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// As [`RESERVED`], for values of a query: commas separate names.
const QUERY: &AsciiSet = &RESERVED.remove(b',');

/// What shows whose an event is.
const MARKED_MEMBERS: [&str; 5] =
    ["id", "type", "isAllDay", "transactionId", "singleValueExtendedProperties"];

/// The longest link that is followed.
const MAX_LINK: usize = 16 << 10;

/// Events in one page: the most that Graph gives.
pub(super) const PAGE: usize = 1_000;
/// Calendars in one page.
const CALENDAR_PAGE: usize = 100;

/// A range of time, as Graph wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeRange {
    pub start: jiff::Timestamp,
    pub end: jiff::Timestamp,
}

impl TimeRange {
    fn parameters(&self) -> [(&'static str, String); 2] {
        let text = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        [("startDateTime", text(self.start)), ("endDateTime", text(self.end))]
    }
}

/// The addresses under one root.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    root: Url,
}

impl Addresses {
    pub(super) fn new(root: Url) -> Self {
        Self { root }
    }

    /// The calendars of the mailbox.
    pub(super) fn calendars(&self) -> Result<Url> {
        let parameters =
            [("$top", CALENDAR_PAGE.to_string()), ("$select", CALENDAR_MEMBERS.join(","))];
        self.at(&["me", "calendars"], &parameters)
    }

    /// One calendar.
    pub(super) fn calendar(&self, calendar: &str) -> Result<Url> {
        let parameters = [("$select", CALENDAR_MEMBERS.join(","))];
        self.at(&["me", "calendars", calendar], &parameters)
    }

    /// Single events and occurrences of a range, with their marks.
    pub(super) fn view(&self, calendar: &str, range: &TimeRange) -> Result<Url> {
        let mut parameters = range.parameters().to_vec();
        parameters.extend([top(), ("$select", EVENT_MEMBERS.join(",")), expand_marker()]);
        self.at(&["me", "calendars", calendar, "calendarView"], &parameters)
    }

    /// What is in a range, as far as it takes to know that an event is there.
    pub(super) fn bare_view(&self, calendar: &str, range: &TimeRange) -> Result<Url> {
        let mut parameters = range.parameters().to_vec();
        let members = ["id", "iCalUId", "type", "seriesMasterId", "originalStart", "isAllDay"];
        parameters.extend([top(), ("$select", members.join(","))]);
        self.at(&["me", "calendars", calendar, "calendarView"], &parameters)
    }

    /// A fresh round of changes. Neither `$select` nor `$expand` nor `$top` is allowed here.
    pub(super) fn delta(&self, calendar: &str, range: &TimeRange) -> Result<Url> {
        self.at(&["me", "calendars", calendar, "calendarView", "delta"], &range.parameters())
    }

    /// The single events and series of all calendars of the mailbox, as far as it takes to know
    /// which of them have marks.
    pub(super) fn events(&self) -> Result<Url> {
        let parameters = [top(), ("$select", MARKED_MEMBERS.join(",")), expand_marker()];
        self.at(&["me", "events"], &parameters)
    }

    /// The events of the mailbox that have this iCalendar UID.
    pub(super) fn with_uid(&self, uid: &str) -> Result<Url> {
        let parameters = [
            ("$top", "10".to_owned()),
            ("$filter", format!("iCalUId eq '{}'", uid.replace('\'', "''"))),
            ("$select", EVENT_MEMBERS.join(",")),
            expand_marker(),
        ];
        self.at(&["me", "events"], &parameters)
    }

    /// The events of the mailbox that have any mark.
    pub(super) fn all_marked(&self) -> Result<Url> {
        let filter = format!(
            "singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value ne null)"
        );
        let select = MARKED_MEMBERS.join(",");
        let parameters = [top(), ("$filter", filter), ("$select", select), expand_marker()];
        self.at(&["me", "events"], &parameters)
    }

    /// The events of the mailbox with this mark.
    pub(super) fn marked(&self, marker: &str) -> Result<Url> {
        let quoted = marker.replace('\'', "''");
        let filter = format!(
            "singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq '{quoted}')"
        );
        let top = ("$top", "10".to_owned());
        let select = MARKED_MEMBERS.join(",");
        let parameters = [top, ("$filter", filter), ("$select", select), expand_marker()];
        self.at(&["me", "events"], &parameters)
    }

    /// One event with its mark.
    pub(super) fn event(&self, id: &str) -> Result<Url> {
        let select = [&EVENT_MEMBERS[..], &MASTER_MEMBERS[..1]].concat();
        let parameters = [("$select", select.join(",")), expand_marker()];
        self.at(&["me", "events", id], &parameters)
    }

    /// A series with its mark, its exceptions and the dates of its cancelled occurrences.
    /// `exceptionOccurrences` and `cancelledOccurrences` are answered for series alone, and only
    /// where they are named.
    pub(super) fn master(&self, id: &str) -> Result<Url> {
        let select = [&EVENT_MEMBERS[..], &MASTER_MEMBERS[..]].concat();
        let expand = format!("{},exceptionOccurrences", expand_marker().1);
        let parameters = [("$select", select.join(",")), ("$expand", expand)];
        self.at(&["me", "events", id], &parameters)
    }

    /// The calendar of an event.
    pub(super) fn calendar_of(&self, id: &str) -> Result<Url> {
        self.at(&["me", "events", id, "calendar"], &[("$select", "id".to_owned())])
    }

    /// The occurrences of a series in a range. `$expand` is not allowed here.
    pub(super) fn instances(&self, master: &str, range: &TimeRange) -> Result<Url> {
        let members: Vec<&str> = EVENT_MEMBERS
            .into_iter()
            .filter(|member| *member != "singleValueExtendedProperties")
            .collect();
        let mut parameters = range.parameters().to_vec();
        parameters.extend([top(), ("$select", members.join(","))]);
        self.at(&["me", "events", master, "instances"], &parameters)
    }

    /// To create an event.
    pub(super) fn create(&self, calendar: &str) -> Result<Url> {
        self.at(&["me", "calendars", calendar, "events"], &[])
    }

    /// To change or delete an event or an occurrence.
    pub(super) fn change(&self, id: &str) -> Result<Url> {
        self.at(&["me", "events", id], &[])
    }

    /// The subscriptions of this program for this mailbox.
    pub(super) fn subscriptions(&self) -> Result<Url> {
        self.at(&["subscriptions"], &[])
    }

    /// One subscription.
    pub(super) fn subscription(&self, id: &str) -> Result<Url> {
        self.at(&["subscriptions", id], &[])
    }

    /// A link that an answer gave.
    ///
    /// # Errors
    /// [`Error::BadAnswer`] where it leads anywhere but to this service: it would be sent the
    /// token.
    pub(super) fn link(&self, link: &str) -> Result<Url> {
        let foreign = || Error::BadAnswer("Microsoft's answer links to another server".into());
        if link.len() > MAX_LINK {
            return Err(foreign());
        }
        let url = Url::parse(link).map_err(|_| foreign())?;
        let is_ours = url.origin() == self.root.origin()
            && url.username().is_empty()
            && url.password().is_none();
        if is_ours { Ok(url) } else { Err(foreign()) }
    }

    fn at(&self, segments: &[&str], parameters: &[(&str, String)]) -> Result<Url> {
        if !segments.iter().all(|segment| is_segment(segment)) {
            return Err(Error::Gone);
        }
        let mut url = self.root.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, RESERVED));
        }
        url.set_path(&path);
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY)))
            .collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        Ok(url)
    }
}

/// Whether an id can be a part of an address. Any other would climb up, however it is written, so
/// nothing has it.
pub(super) fn is_segment(id: &str) -> bool {
    !matches!(id, "" | "." | "..")
}

fn top() -> (&'static str, String) {
    ("$top", PAGE.to_string())
}

fn expand_marker() -> (&'static str, String) {
    ("$expand", format!("singleValueExtendedProperties($filter=id eq '{MARKER}')"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new(Url::parse(GRAPH).unwrap())
    }

    fn march() -> TimeRange {
        TimeRange {
            start: "2026-03-01T00:00:00Z".parse().unwrap(),
            end: "2026-04-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn parameter(url: &Url, wanted: &str) -> Option<String> {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    }

    #[test]
    fn ids_are_escaped_and_cannot_climb() {
        let url = addresses().change("AAMk=/../x?y+z-_").unwrap();
        assert_eq!(url.as_str(), format!("{GRAPH}/me/events/AAMk%3D%2F..%2Fx%3Fy%2Bz-_"));
        for id in ["", ".", ".."] {
            assert!(matches!(addresses().event(id), Err(Error::Gone)));
        }
    }

    #[test]
    fn a_space_is_no_plus_and_a_mark_is_quoted() {
        let url = addresses().marked("h2.it's").unwrap();
        let query = url.query().unwrap();
        assert!(!query.contains('+') && query.contains("%20"), "{query}");
        assert_eq!(
            parameter(&url, "$filter").unwrap(),
            format!(
                "singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq \
                'h2.it''s')"
            )
        );
    }

    #[test]
    fn what_is_expanded_is_selected_too() {
        let all = [
            addresses().view("c", &march()),
            addresses().events(),
            addresses().all_marked(),
            addresses().marked("m"),
            addresses().event("e"),
            addresses().master("e"),
        ];
        for url in all.map(Result::unwrap) {
            let (select, expand) =
                (parameter(&url, "$select").unwrap(), parameter(&url, "$expand").unwrap());
            assert!(select.contains("singleValueExtendedProperties"), "{url}");
            assert!(expand.starts_with("singleValueExtendedProperties($filter=id eq 'String {"));
        }
        let named = |url: &Url, member: &str| {
            parameter(url, "$select").unwrap().split(',').any(|named| named == member)
        };
        let (event, master) = (addresses().event("e").unwrap(), addresses().master("e").unwrap());
        for member in ["exceptionOccurrences", "cancelledOccurrences"] {
            assert!(named(&master, member) && !named(&event, member));
        }
        assert!(named(&event, "recurrence") && named(&master, "recurrence"));
        assert!(parameter(&master, "$expand").unwrap().ends_with(",exceptionOccurrences"));
    }

    #[test]
    fn changes_and_instances_ask_for_nothing_that_is_refused() {
        let delta = addresses().delta("c", &march()).unwrap();
        assert_eq!(
            delta.query(),
            Some("startDateTime=2026-03-01T00%3A00%3A00Z&endDateTime=2026-04-01T00%3A00%3A00Z")
        );
        let instances = addresses().instances("m", &march()).unwrap();
        assert!(parameter(&instances, "$expand").is_none());
        assert!(!parameter(&instances, "$select").unwrap().contains("ExtendedProperties"));
    }

    #[test]
    fn only_links_to_the_same_server_are_followed() {
        let link = |link: &str| addresses().link(link);
        assert!(link("https://graph.microsoft.com/v1.0/me/calendars?$skiptoken=x").is_ok());
        for foreign in [
            "https://graph.microsoft.com.example.org/v1.0/me",
            "https://graph.microsoft.com:8443/v1.0/me",
            "http://graph.microsoft.com/v1.0/me",
            "https://a:b@graph.microsoft.com/v1.0/me",
            "https://example.org/",
            "/v1.0/me",
            "",
        ] {
            assert!(matches!(link(foreign), Err(Error::BadAnswer(_))), "{foreign}");
        }
        let long = format!("https://graph.microsoft.com/{}", "x".repeat(MAX_LINK));
        assert!(link(&long).is_err());
    }
}
