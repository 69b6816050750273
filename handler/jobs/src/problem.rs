//! The table of error codes: each error as a code for programs and a text for users.

use engine::provider::ProviderKind;
use records::problem::Problem;

use crate::Error;

/// What was kept safe, where the caller knows nothing more precise.
pub(crate) const KEPT: &str =
    "Nothing was lost: events, copies and what is stored stay as they were.";

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        problem(error, KEPT, code_and_next(error))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        (&error).into()
    }
}

/// The error of a command that nothing repeats by itself, in three sentences: what happened, what
/// was kept safe (`kept`, which the caller knows), what to do next.
pub fn problem_keeping(error: &Error, kept: &str) -> Problem {
    let (code, next) = code_and_next(error);
    problem(error, kept, (code, next_of_command(error).unwrap_or(next)))
}

/// The error of connecting an account of this kind; as [`problem_keeping`].
pub fn problem_connecting(error: &Error, kept: &str, kind: ProviderKind) -> Problem {
    if kind.is_connected_by_consent() {
        return problem_of_consent(error, kept);
    }
    match next_by_password(error) {
        Some(next) => problem(error, kept, (code_and_next(error).0, next)),
        None => problem_keeping(error, kept),
    }
}

/// The error of a consent, or of an account that is connected by one; as [`problem_keeping`].
pub fn problem_of_consent(error: &Error, kept: &str) -> Problem {
    match next_by_consent(error) {
        Some(next) => problem(error, kept, (code_and_next(error).0, next)),
        None => problem_keeping(error, kept),
    }
}

/// What to do next about a stored account whose consent has ended.
const CONSENT_ANEW: &str =
    "Give your consent anew: connect the account again with `calrelay account add`.";

/// The problem of a stored account, which a sync tries again.
pub(crate) fn problem_of_account(error: &Error, kind: ProviderKind) -> Problem {
    let is_unauthorized = matches!(error, Error::Provider(providers::Error::Unauthorized));
    let next = match is_unauthorized {
        true => Some(CONSENT_ANEW),
        false => next_by_consent(error),
    };
    match next.filter(|_| kind.is_connected_by_consent()) {
        Some(next) => problem(error, KEPT, (code_and_next(error).0, next)),
        None => problem_of_accounts(error, !kind.is_connected_by_consent()),
    }
}

/// The problem of stored accounts, which a sync tries again. With `by_password` none of them is
/// connected by consent.
pub(crate) fn problem_of_accounts(error: &Error, by_password: bool) -> Problem {
    let (code, next) = code_and_next(error);
    let next = next_by_password(error).filter(|_| by_password).unwrap_or(next);
    problem(error, KEPT, (code, next))
}

/// What to do next about an account that is connected with a password, where it differs from one
/// that is connected by consent.
fn next_by_password(error: &Error) -> Option<&'static str> {
    match error {
        Error::Provider(providers::Error::Unauthorized) => Some(
            "Check the user name and the password, and connect the account again with `calrelay \
            account add`.",
        ),
        Error::Provider(providers::Error::BadAnswer(_)) => {
            Some("Check that the address is that of a CalDAV server; if it is, try again later.")
        }
        _ => None,
    }
}

/// What to do next about an account that is connected by consent, where it differs from one that is
/// connected with a password. Its provider's addresses are settings.
fn next_by_consent(error: &Error) -> Option<&'static str> {
    use providers::Error as E;
    match error {
        Error::Provider(E::Unauthorized) => {
            Some("Give your consent anew: connect the account again.")
        }
        Error::Provider(E::BadAnswer(_)) => Some("Try again later."),
        Error::Provider(E::Address(_) | E::NotPublic(_)) => {
            Some("The operator of calrelay has to correct the provider's address in the settings.")
        }
        _ => None,
    }
}

/// What to do next about an error of a command, where it differs from an error of a sync.
fn next_of_command(error: &Error) -> Option<&'static str> {
    use providers::Error as E;
    match error {
        Error::Provider(E::Unreachable(_) | E::NoAnswer(_)) => {
            Some("Check the address and the network, and try again.")
        }
        Error::Provider(E::RateLimited { .. }) => Some("Try again later."),
        _ => None,
    }
}

fn problem(error: &Error, kept: &str, (code, next): (&str, &str)) -> Problem {
    let mut message = capitalised(&error.to_string());
    if !message.ends_with(['.', '!', '?']) {
        message.push('.');
    }
    // The text of a request already says what to do, and the text of these storage errors says what
    // is safe.
    let settled = matches!(
        error,
        Error::Request(_)
            | Error::NotPaired { .. }
            | Error::NotFound(_)
            | Error::Store(store::Error::Full | store::Error::NewerSchema { .. })
    );
    for sentence in [kept, next] {
        if !settled && !sentence.is_empty() {
            message.push(' ');
            message.push_str(sentence);
        }
    }
    Problem { code: code.to_owned(), message }
}

fn code_and_next(error: &Error) -> (&'static str, &'static str) {
    match error {
        Error::Provider(error) => provider(error),
        Error::Store(error) => storage(error),
        Error::Vault(vault::Error::CannotOpen) => (
            "vault",
            "Put back the key file that belongs to this data directory, or connect the account \
            again with `calrelay account add`.",
        ),
        Error::Vault(vault::Error::KeyFile(_)) => {
            ("vault", "`calrelay doctor` says how to mend it.")
        }
        Error::Vault(vault::Error::Unavailable(_)) => ("vault", "Try again later."),
        Error::Vault(vault::Error::Row(_)) => ("storage", "Try again later."),
        Error::Request(_) | Error::NotPaired { .. } => ("request", ""),
        Error::NotFound(_) => ("not_found", ""),
        Error::AnotherAccount { .. } => {
            ("another_account", "Connect again, and choose the same account.")
        }
        Error::Draft(_) => (
            "draft",
            "Switch it on with `calrelay pair start`, or remove it with `calrelay pair remove`.",
        ),
        Error::SameCalendar => (
            "same_calendar",
            "Remove the pair with `calrelay pair remove`, and `calrelay clean-up` where it has \
            left copies.",
        ),
        Error::Withheld { .. } => (
            "refused_by_server",
            "It is asked for again in the next syncs, a few times; if the server still does not \
            give it, the other events are copied without it.",
        ),
        Error::CopiesUnrecognised => (
            "unrecognised",
            "Remove the pair with `calrelay pair remove`, and pair a calendar of another server.",
        ),
        Error::SuspiciousEmpty => (
            "suspicious_empty",
            "Try again later; if it stays, look at the calendar on its server.",
        ),
        Error::LeaseLost => ("storage", "The next sync goes on where this one stopped."),
        Error::Damaged(_) => (
            "storage",
            "Restore the data directory from a backup, or connect the account and pair the \
            calendars anew: copies that are there already are found again.",
        ),
    }
}

fn provider(error: &providers::Error) -> (&'static str, &'static str) {
    use providers::Error as E;
    match error {
        E::Unauthorized => (
            "unauthorized",
            "Check the user name and the password, or give your consent anew, and connect the \
            account again with `calrelay account add`.",
        ),
        E::Consent(_) => ("consent", ""),
        E::NotGranted(why) if why.ended => ("unauthorized", ""),
        E::NotGranted(_) => ("consent", ""),
        E::NoPush => (
            "no_push",
            "Changes there are seen by a poll or the nightly pass, and by `calrelay sync`.",
        ),
        E::Misconfigured(_) => (
            "settings",
            "The operator has to correct the settings; no account has to be connected again.",
        ),
        E::Credentials(_) => ("credentials", ""),
        E::Forbidden(_) => (
            "forbidden",
            "Ask the calendar's owner, or the administrator of the server or of the organisation, for \
            access.",
        ),
        E::CalendarMissing => (
            "not_found",
            "See `calrelay calendars` for what is there now; remove the pair if the calendar is \
            gone for good.",
        ),
        E::Gone => ("not_found", "The next sync reads the present state."),
        E::Refused(_) | E::NotRepresentable(_) => ("refused", "Other events are not affected."),
        E::RateLimited { .. } => ("throttled", "The next sync goes on where this one stopped."),
        E::Unreachable(_) | E::NoAnswer(_) => (
            "unreachable",
            "Check the address and the network, and try again; a running calrelay tries again by \
            itself.",
        ),
        E::BadAnswer(_) => {
            ("bad_answer", "Try again later; for an account at a CalDAV server, check its address.")
        }
        E::Address(_) => ("address", "Give another address."),
        E::NotPublic(_) => (
            "address",
            "Give another address; for a server on this machine or in a private network, \
            CALRELAY_ALLOW_PRIVATE_HOSTS must be true.",
        ),
        E::HasGuests => ("has_guests", "Change such an event in its own calendar."),
        E::CursorExpired => ("cursor_expired", "The next sync reads the whole calendar once more."),
        E::ChangedMeanwhile => ("changed_meanwhile", "The next sync reads the new version."),
        E::NameRefused(error) => provider(error),
        E::Exists => ("exists", "The next sync reads the present state."),
    }
}

fn storage(error: &store::Error) -> (&'static str, &'static str) {
    use store::Error as E;
    match error {
        E::NewerSchema { .. } => ("newer_version", ""),
        E::Full => ("disk_full", ""),
        E::Conflict(_) | E::Unavailable(_) => ("storage", "Try again."),
        E::TooLarge(_) | E::Failed(_) => {
            ("storage", "`calrelay doctor` looks at the data directory.")
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(error: impl Into<Error>) -> Problem {
        Problem::from(&error.into())
    }

    #[test]
    fn codes_are_those_that_programs_rely_on() {
        use providers::Error as P;
        assert_eq!(problem(P::Unauthorized).code, "unauthorized");
        assert_eq!(problem(P::Consent("tick both boxes".into())).code, "consent");
        assert_eq!(problem(P::Misconfigured("the app is not known".into())).code, "settings");
        assert_eq!(problem(P::CalendarMissing).code, "not_found");
        assert_eq!(problem(P::Unreachable("refused".into())).code, "unreachable");
        assert_eq!(problem(P::RateLimited { retry_after: None }).code, "throttled");
        assert_eq!(problem(P::BadAnswer("cut off".into())).code, "bad_answer");
        assert_eq!(problem(store::Error::Full).code, "disk_full");
        assert_eq!(
            problem(store::Error::NewerSchema { path: "x".into(), found: 2, known: 1 }).code,
            "newer_version"
        );
        assert_eq!(problem(vault::Error::CannotOpen).code, "vault");
    }

    #[test]
    fn a_message_says_what_happened_what_is_safe_and_what_to_do() {
        let message = problem(providers::Error::Unauthorized).message;
        assert!(
            message.starts_with("The server refused the sign-in. Nothing was lost"),
            "{message}"
        );
        assert!(
            message.ends_with("connect the account again with `calrelay account add`."),
            "{message}"
        );
    }

    #[test]
    fn a_caller_may_say_what_was_kept() {
        let message = problem_keeping(
            &Error::Provider(providers::Error::Unauthorized),
            "Nothing was stored.",
        )
        .message;
        assert!(
            message.contains(" Nothing was stored. ") && !message.contains("Nothing was lost"),
            "{message}"
        );
    }

    #[test]
    fn only_what_is_stored_is_tried_again_by_itself() {
        let again = "a running calrelay tries again by itself";
        for error in [
            providers::Error::Unreachable("refused".into()),
            providers::Error::NoAnswer("refused".into()),
        ] {
            assert!(problem(error.clone()).message.contains(again));
            let message = problem_keeping(&error.into(), "Nothing was stored.").message;
            assert!(message.ends_with("the network, and try again."), "{message}");
        }
        let error = providers::Error::RateLimited { retry_after: None }.into();
        let message = problem_keeping(&error, "Nothing was stored.").message;
        assert!(message.ends_with("Nothing was stored. Try again later."), "{message}");
    }

    #[test]
    fn only_an_address_that_is_not_public_is_a_matter_of_settings() {
        use providers::Error as P;
        for (error, is_advised) in
            [(P::Address("it names no server".into()), false), (P::NotPublic("x".into()), true)]
        {
            let Problem { code, message } = problem(error);
            assert_eq!(
                (code.as_str(), message.contains("CALRELAY_ALLOW_PRIVATE_HOSTS")),
                ("address", is_advised),
                "{message}"
            );
        }
    }

    #[test]
    fn passwords_and_consents_are_mentioned_where_an_account_may_have_one() {
        use providers::Error as P;
        let unauthorized = P::Unauthorized.into();
        let of = |error: &Error| {
            let connecting = |kind| problem_connecting(error, "Nothing was stored.", kind).message;
            let by_consent = [ProviderKind::Google, ProviderKind::Microsoft]
                .map(|kind| [connecting(kind), problem_of_account(error, kind).message]);
            let by_password = [ProviderKind::Caldav, ProviderKind::Icloud]
                .map(|kind| [connecting(kind), problem_of_account(error, kind).message]);
            [by_consent.concat(), by_password.concat()]
        };
        let [by_consent, by_password] = of(&unauthorized);
        assert!(by_consent.iter().all(|it| it.contains("consent") && !it.contains("password")));
        assert!(by_password.iter().all(|it| it.contains("password") && !it.contains("consent")));
        let mixed = problem_of_accounts(&unauthorized, false).message;
        assert!(mixed.contains("consent") && mixed.contains("password"), "{mixed}");
        for error in [P::BadAnswer("x".into()), P::Address("x".into()), P::NotPublic("x".into())] {
            let [by_consent, by_password] = of(&error.clone().into());
            let is_of_password =
                |words: &String| words.contains("CalDAV") || words.contains("another address");
            assert!(!by_consent.iter().any(is_of_password), "{error:?}: {by_consent:?}");
            assert!(by_password.iter().all(is_of_password), "{error:?}: {by_password:?}");
        }
        let error = providers::Error::NoAnswer("x".into()).into();
        assert_eq!(
            problem_connecting(&error, "Nothing was stored.", ProviderKind::Caldav),
            problem_keeping(&error, "Nothing was stored.")
        );
    }

    #[test]
    fn words_that_are_complete_are_left_alone() {
        assert_eq!(
            problem(Error::Request("say something else".into())).message,
            "Say something else."
        );
    }
}
