//! The scopes that are requested, and whether they were granted.

use std::collections::BTreeSet;

use engine::provider::{OAuthFacts, ProviderKind, ScopePurpose, SignIn};

use crate::{ConsentStep, Error, Result};

/// Google's row of the table.
pub(super) const FACTS: OAuthFacts = match ProviderKind::Google.facts().sign_in {
    SignIn::OAuth(facts) => facts,
    SignIn::Password => panic!("Google signs in by OAuth"),
};

/// The scopes that are requested; each is needed.
pub const SCOPES: [&str; 2] = [FACTS.scopes[0].1, FACTS.scopes[1].1];

/// Checks the scopes that were granted: Google's page has a box for each, and the owner may tick
/// some of them.
///
/// # Errors
/// [`Error::NotGranted`], which names the boxes that were left empty as
/// Google's page words them.
pub(super) fn check(granted: &str) -> Result<()> {
    let granted: BTreeSet<&str> = granted.split_ascii_whitespace().collect();
    let missing = FACTS.scopes.iter().filter(|(_, scope)| !granted.contains(scope));
    let empty: Vec<String> =
        missing.map(|(purpose, _)| format!("\"{}\"", label(*purpose))).collect();
    if empty.is_empty() {
        return Ok(());
    }
    let words = format!(
        "on Google's page the box {} was left empty, and calrelay needs both that are there. \
        Connect the account again, and tick both",
        empty.join(" and the box ")
    );
    Err(Error::at_consent(ConsentStep::AllowMore, words))
}

/// The label of a scope's box on Google's page.
fn label(purpose: ScopePurpose) -> &'static str {
    match purpose {
        ScopePurpose::ListCalendars => "See the list of Google calendars you're subscribed to",
        ScopePurpose::Events => "View and edit events on all your calendars",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALENDAR_LIST: &str = SCOPES[0];
    const EVENTS: &str = SCOPES[1];

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
