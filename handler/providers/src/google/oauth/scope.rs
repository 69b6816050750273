//! The rights that are asked for, and whether they were given.

use std::collections::BTreeSet;

use crate::{Error, Result};

/// To see which calendars there are.
const CALENDAR_LIST: &str = "https://www.googleapis.com/auth/calendar.calendarlist.readonly";
/// To read and write events.
const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";

/// Everything that is asked for, and all that is needed (requirement G2).
pub const SCOPES: [&str; 2] = [CALENDAR_LIST, EVENTS];

/// Checks what was given: a person gets a box for each right, and may tick some of them.
///
/// # Errors
/// [`Error::Consent`], which names the boxes that were left empty as Google's page words them.
pub(super) fn check(given: &str) -> Result<()> {
    let given: BTreeSet<&str> = given.split_ascii_whitespace().collect();
    let empty: Vec<String> = RIGHTS
        .iter()
        .filter(|(scope, _)| !given.contains(scope))
        .map(|(_, label)| format!("\"{label}\""))
        .collect();
    if empty.is_empty() {
        return Ok(());
    }
    Err(Error::Consent(format!(
        "on Google's page the box {} was left empty, and calrelay needs both that are there. \
        Connect the account again, and tick both",
        empty.join(" and the box ")
    )))
}

/// How Google's page names them.
const RIGHTS: [(&str, &str); 2] = [
    (CALENDAR_LIST, "See the list of Google calendars you're subscribed to"),
    (EVENTS, "View and edit events on all your calendars"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_boxes_are_needed_and_the_empty_one_is_named() {
        assert!(check(&SCOPES.join(" ")).is_ok());
        assert!(
            check(&format!("openid {EVENTS}  {CALENDAR_LIST} {EVENTS}")).is_ok(),
            "a set, in any order"
        );
        let words = |given: &str| check(given).unwrap_err().to_string();
        assert!(
            words(EVENTS).contains("list of Google calendars")
                && !words(EVENTS).contains("View and edit")
        );
        assert!(
            words(CALENDAR_LIST).contains("View and edit events")
                && !words(CALENDAR_LIST).contains("list of Google")
        );
        assert!(
            words("").contains("list of Google calendars")
                && words("").contains("View and edit events")
        );
    }

    #[test]
    fn names_are_compared_whole() {
        assert!(
            check("https://www.googleapis.com/auth/calendar").is_err(),
            "more than is asked for is not what is asked for"
        );
        assert!(check(&format!("{EVENTS}.readonly {CALENDAR_LIST}")).is_err());
        assert!(check(&SCOPES.join(",")).is_err());
    }
}
