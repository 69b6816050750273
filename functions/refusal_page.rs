//! The page of a consent that connected nothing, by what the user can do next.

use http::StatusCode;
use jobs::Error;
use jobs::consent::WayOn;

use crate::page::{CopyText, NOTHING_CONNECTED, NextStep, consent_failed, page_with_text};
use crate::trigger::Response;

/// The page of a failed consent, by what the user can do next. `retry` begins the consent again.
pub fn consent_refused(error: &Error, way: &WayOn, retry: NextStep<'_>) -> Response {
    let words = jobs::problem_keeping(error, NOTHING_CONNECTED).message;
    let refused = |title: &str, text: Option<CopyText<'_>>| {
        tracing::info!(%error, "a consent did not lead to an account");
        page_with_text(StatusCode::FORBIDDEN, title, &[&words], text, retry)
    };
    match way {
        WayOn::AskAdministrator { link } => refused(
            "Your organisation has to agree first",
            link.as_deref().map(|value| CopyText { label: "Link for your administrator", value }),
        ),
        WayOn::BlockedByPolicy => refused("Your organisation does not allow this", None),
        WayOn::Again | WayOn::AnotherAccount | WayOn::SetUpWrongly | WayOn::Later => {
            consent_failed(error, retry)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_that_has_to_agree_gets_a_link() {
        let error = Error::Provider(jobs::ProviderError::Consent("ask".into()));
        let retry = NextStep::GoOn { label: "Try again", to: "/oauth/x/start", field: None };
        let link =
            "https://login.example.org/organizations/v2.0/adminconsent?client_id=\"c&state=s";
        let way = WayOn::AskAdministrator { link: Some(link.into()) };
        let page = consent_refused(&error, &way, retry);
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        for part in [
            "<h1>Your organisation has to agree first</h1>",
            "<label>Link for your administrator<br><input class=\"text\" readonly \
            value=\"https://login.example.org/organizations/v2.0/adminconsent?client_id=&quot;c&amp;\
            state=s\"></label>",
            "<form method=\"get\" action=\"/oauth/x/start\"><button class=\"way\">Try again",
            "Ask. Nothing was connected",
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        let without = consent_refused(&error, &WayOn::AskAdministrator { link: None }, retry);
        assert!(without.body.contains("agree first") && !without.body.contains("<input"));
        let blocked = consent_refused(&error, &WayOn::BlockedByPolicy, retry);
        assert!(blocked.body.contains("does not allow this"), "{}", blocked.body);
        for way in [WayOn::Again, WayOn::AnotherAccount, WayOn::Later] {
            let page = consent_refused(&error, &way, retry);
            assert!(page.body.contains("<h1>The account was not connected</h1>"), "{way:?}");
            assert!(page.body.contains("Try again"));
        }
        let error = Error::Provider(jobs::ProviderError::Misconfigured("GOOGLE_X".into()));
        let wrong = consent_refused(&error, &WayOn::SetUpWrongly, retry);
        assert!(wrong.status == 500 && !wrong.body.contains("GOOGLE_X"));
    }
}
