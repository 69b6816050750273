//! The page of a consent that connected nothing, by what the user can do next.

use http::StatusCode;
use jobs::consent::{ProviderKind, WayOn};
use jobs::{Error, Services};

use crate::page::{CopyText, NOTHING_CONNECTED, NextStep, consent_failed, log_id, page_with_text};
use crate::trigger::Response;
use web::consent_words;

/// Who reads the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader<'a> {
    /// The operator, who may see what belongs to a registration.
    Operator {
        /// What is to be registered, where it is known.
        registration: Option<&'a str>,
    },
    /// Another person.
    Guest,
}

impl<'a> Reader<'a> {
    /// The operator of this machine.
    pub fn operator(services: &'a Services, kind: ProviderKind) -> Self {
        let command = consent_words::words(kind).map_or("", |words| words.command);
        let findings = services.setup.findings.iter();
        let found = findings.map(|finding| &*finding.message).find(|it| it.contains(command));
        Self::Operator { registration: found }
    }
}

/// The page of a failed consent, by what the user can do next. `retry` begins the consent again.
pub fn consent_refused(
    error: &Error,
    way: &WayOn,
    retry: NextStep<'_>,
    (kind, reader): (ProviderKind, Reader<'_>),
) -> Response {
    let words = jobs::problem_of_consent(error, NOTHING_CONNECTED).message;
    let refused = |title: &str, text: Option<CopyText<'_>>| {
        tracing::info!(%error, "a consent did not lead to an account");
        page_with_text(StatusCode::FORBIDDEN, title, &[&words], text, retry)
    };
    let link = way.link().map(|value| CopyText { label: "Link for your administrator", value });
    match way {
        WayOn::Declined { .. } => refused("You did not agree", link),
        WayOn::AllowMore => {
            let name = consent_words::words(kind).map_or("The provider", |it| it.name);
            refused(&format!("{name} allowed too little"), None)
        }
        WayOn::AskAdministrator { .. } => refused("Your organisation has to agree first", link),
        WayOn::BlockedByPolicy => refused("Your organisation does not allow this", None),
        WayOn::SetUpWrongly if is_misconfigured(error) => set_up_wrongly(error, kind, reader),
        WayOn::Again | WayOn::AnotherAccount | WayOn::SetUpWrongly | WayOn::Later => {
            consent_failed(error, retry)
        }
    }
}

fn is_misconfigured(error: &Error) -> bool {
    matches!(error, Error::Provider(jobs::ProviderError::Misconfigured(_)))
}

/// The page of a registration or a setting that is not right. Another try does not help before it
/// is.
fn set_up_wrongly(error: &Error, kind: ProviderKind, reader: Reader<'_>) -> Response {
    let (id, name) = (log_id(), consent_words::words(kind).map_or("this provider", |it| it.name));
    tracing::error!(id, %error, "a consent did not lead to an account");
    let title = format!("This calrelay is not set up for {name} yet");
    let said = jobs::problem_of_consent(error, NOTHING_CONNECTED).message;
    let refused = format!("{name} refused a request of this calrelay itself. {NOTHING_CONNECTED}");
    let correct = format!(
        "The operator of this calrelay has to correct its registration with {name}, or its \
        settings. `calrelay doctor` says what belongs to it; the log says what is wrong, in the \
        line with the id `{id}`."
    );
    let paragraphs = match reader {
        Reader::Operator { registration } => [Some(&*said), registration],
        Reader::Guest => [Some(&*refused), Some(&*correct)],
    };
    let paragraphs: Vec<&str> = paragraphs.into_iter().flatten().collect();
    let status = StatusCode::SERVICE_UNAVAILABLE;
    page_with_text(status, &title, &paragraphs, None, NextStep::Nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUEST: (ProviderKind, Reader<'_>) = (ProviderKind::Microsoft, Reader::Guest);

    #[test]
    fn an_organisation_that_has_to_agree_gets_a_link() {
        let error = Error::Provider(jobs::ProviderError::Consent("ask".into()));
        let retry = NextStep::GoOn { label: "Try again", to: "/oauth/x/start", field: None };
        let link =
            "https://login.example.org/organizations/v2.0/adminconsent?client_id=\"c&state=s";
        let way = WayOn::AskAdministrator { link: Some(link.into()) };
        let page = consent_refused(&error, &way, retry, GUEST);
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
        let without =
            consent_refused(&error, &WayOn::AskAdministrator { link: None }, retry, GUEST);
        assert!(without.body.contains("agree first") && !without.body.contains("<input"));
        let blocked = consent_refused(&error, &WayOn::BlockedByPolicy, retry, GUEST);
        assert!(blocked.body.contains("does not allow this"), "{}", blocked.body);
        for way in [WayOn::Again, WayOn::AnotherAccount, WayOn::Later] {
            let page = consent_refused(&error, &way, retry, GUEST);
            assert!(page.body.contains("<h1>The account was not connected</h1>"), "{way:?}");
            assert!(page.body.contains("Try again"));
        }
        let declined = WayOn::Declined { link: Some(link.into()) };
        let page = consent_refused(&error, &declined, retry, GUEST);
        for part in ["<h1>You did not agree</h1>", "Link for your administrator", "Try again"] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
    }

    #[test]
    fn a_wrong_set_up_is_said_to_be_one_and_settings_are_named_to_the_operator_alone() {
        let error = Error::Provider(jobs::ProviderError::Misconfigured("GOOGLE_X is wrong".into()));
        let shown = |kind, reader| {
            let way = WayOn::SetUpWrongly;
            consent_refused(&error, &way, NextStep::Nowhere, (kind, reader))
        };
        for (kind, name) in
            [(ProviderKind::Google, "Google"), (ProviderKind::Microsoft, "Microsoft")]
        {
            let title = format!("<h1>This calrelay is not set up for {name} yet</h1>");
            let guest = shown(kind, Reader::Guest);
            assert!(guest.status == 503 && guest.body.contains(&title), "{}", guest.body);
            assert!(
                !guest.body.contains("GOOGLE_X") && guest.body.contains("the line with the id")
            );
            let own = shown(kind, Reader::Operator { registration: Some("Enter https://x/y") });
            for part in [&*title, "GOOGLE_X is wrong", "Nothing was connected", "Enter https://x/y"]
            {
                assert!(own.body.contains(part), "{part}: {}", own.body);
            }
            assert!(!own.body.contains("internal error"));
        }
        // Any other mistake of the program is none of its set-up.
        let other = consent_refused(
            &Error::SuspiciousEmpty,
            &WayOn::SetUpWrongly,
            NextStep::Nowhere,
            GUEST,
        );
        assert!(other.status == 500 && other.body.contains("internal error"), "{}", other.body);
    }
}
