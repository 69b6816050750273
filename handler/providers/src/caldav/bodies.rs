//! The bodies of our requests, one a question.

use engine::pair::Window;
use quick_xml::escape::escape;

/// What is at an address, and the principal of the user (RFC 5397, RFC 4791 section 6.2.1, RFC 6638
/// section 2.4.1).
pub(super) const WHAT_IS_HERE: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>"#,
    "<d:current-user-principal/><d:resourcetype/><c:calendar-home-set/><c:calendar-user-address-set/></d:prop></d:propfind>",
);

/// Where the principal's calendars are.
pub(super) const PRINCIPAL: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>"#,
    "<c:calendar-home-set/><c:calendar-user-address-set/></d:prop></d:propfind>",
);

/// The calendars of a home, and whose they are where they are shared (`shared-url`, an extension of
/// Apple's calendar server).
pub(super) const CALENDARS: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" "#,
    r#"xmlns:cs="http://calendarserver.org/ns/"><d:prop>"#,
    "<d:resourcetype/><d:displayname/><c:supported-calendar-component-set/><d:current-user-privilege-set/>",
    "<c:calendar-timezone/><c:calendar-timezone-id/><cs:shared-url/></d:prop></d:propfind>",
);

/// Whether a calendar is there, and what may be done with it (RFC 3744 section 5.4).
pub(super) const ACCESS: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop>"#,
    "<d:resourcetype/><d:current-user-privilege-set/></d:prop></d:propfind>",
);

/// How far a calendar has come.
pub(super) const STATE: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:cs="http://calendarserver.org/ns/"><d:prop>"#,
    "<d:resourcetype/><cs:getctag/><d:sync-token/></d:prop></d:propfind>",
);

/// Whether anything has happened, as cheaply as it can be asked: some servers go through the whole
/// calendar for each property.
pub(super) const TIP: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:cs="http://calendarserver.org/ns/"><d:prop>"#,
    "<cs:getctag/></d:prop></d:propfind>",
);

/// Every member and its version.
pub(super) const MEMBERS: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop>"#,
    "<d:resourcetype/><d:getetag/><d:getcontenttype/></d:prop></d:propfind>",
);

/// What changed since a token (RFC 6578). No limit: a server that cuts the answer off without
/// saying so would make us lose the rest.
pub(super) fn sync_collection(token: &str) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>{}</d:sync-token>"#,
            "<d:sync-level>1</d:sync-level><d:prop><d:getetag/><d:getcontenttype/></d:prop></d:sync-collection>",
        ),
        escape(token)
    )
}

/// The events of a window, or all (RFC 4791 section 7.8). The inner VEVENT filter is what some
/// servers cannot do without.
pub(super) fn calendar_query(window: Option<Window>) -> String {
    let range = window.map_or_else(String::new, |window| {
        let (start, end) =
            (window.start.strftime("%Y%m%dT000000Z"), window.end.strftime("%Y%m%dT000000Z"));
        format!(r#"<c:time-range start="{start}" end="{end}"/>"#)
    });
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">"#,
            r#"<d:prop><d:getetag/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">{}"#,
            "</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>",
        ),
        range
    )
}

/// The events that have a UID, and others that have it as a part of theirs (RFC 4791 section
/// 7.5.1).
pub(super) fn uid_query(uid: &str) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">"#,
            r#"<d:prop><d:getetag/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:prop-filter name="UID">"#,
            r#"<c:text-match collation="i;octet">{}</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"#,
        ),
        escape(uid)
    )
}

/// Some events with all they hold (RFC 4791 section 7.9).
pub(super) fn multiget<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let mut body = String::from(concat!(
        r#"<?xml version="1.0" encoding="utf-8"?><c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">"#,
        "<d:prop><d:getetag/><c:calendar-data/></d:prop>",
    ));
    for path in paths {
        body.push_str("<d:href>");
        body.push_str(&escape(path));
        body.push_str("</d:href>");
    }
    body.push_str("</c:calendar-multiget>");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_asked_for_in_utc_and_an_href_cannot_break_out() {
        let window =
            Window { start: jiff::civil::date(2026, 8, 21), end: jiff::civil::date(2027, 11, 21) };
        assert!(
            calendar_query(Some(window))
                .contains(r#"<c:time-range start="20260821T000000Z" end="20271121T000000Z"/>"#)
        );
        assert!(!calendar_query(None).contains("time-range"));
        assert!(
            multiget(["/a&<b>.ics"].into_iter()).contains("<d:href>/a&amp;&lt;b&gt;.ics</d:href>")
        );
        assert!(uid_query("a&<b>").contains(r#""i;octet">a&amp;&lt;b&gt;</c:text-match>"#));
        assert!(sync_collection("x</d:sync-token>").contains("x&lt;/d:sync-token&gt;"));
    }
}
