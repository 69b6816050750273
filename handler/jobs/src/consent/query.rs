//! The query of the redirect from the provider (RFC 6749 sections 4.1.2 and 4.1.2.1). It is
//! untrusted: every visitor can send one.

use secrecy::SecretString;
use url::form_urlencoded;

use crate::Result;
use crate::random_secret::Token;

/// The longest query that is parsed, in bytes.
const MAX_QUERY: usize = 8 * 1024;
/// The longest code; Google's own limit is 256 bytes.
const MAX_CODE: usize = 2 * 1024;

/// The answer to a consent request, as far as it has the right form.
pub struct AuthorizationResponse {
    state: Option<Token>,
    outcome: CallbackOutcome,
}

enum CallbackOutcome {
    Code(SecretString),
    Error(ConsentRefusal),
    Neither,
}

/// The error that a provider reports in place of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConsentRefusal {
    Denied,
    Policy,
    ServerError,
    RequestRefused,
}

/// The secret of an invitation in a query or a form: the only field `ticket`, if its value has the
/// form of a token.
pub fn parse_ticket(pairs: &[u8]) -> Option<Token> {
    if pairs.len() > MAX_QUERY {
        return None;
    }
    let mut found =
        form_urlencoded::parse(pairs).filter(|(name, _)| name == "ticket").map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => Token::parse(&value),
        _ => None,
    }
}

impl AuthorizationResponse {
    /// Parses a query. A repeated parameter makes the answer invalid (section 3.1); unknown
    /// parameters are ignored.
    pub fn parse(query: &str) -> Self {
        let nothing = Self { state: None, outcome: CallbackOutcome::Neither };
        if query.len() > MAX_QUERY {
            return nothing;
        }
        let (mut state, mut code, mut error) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return nothing;
            }
        }
        let sendable = |code: &String| {
            (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic())
        };
        let outcome = match (code, error) {
            (Some(code), None) if sendable(&code) => CallbackOutcome::Code(code.into()),
            (None, Some(error)) => CallbackOutcome::Error(ConsentRefusal::named(&error)),
            _ => CallbackOutcome::Neither,
        };
        Self { state: state.as_deref().and_then(Token::parse), outcome }
    }

    /// The state, if it has the form of a token.
    pub fn state(&self) -> Option<&Token> {
        self.state.as_ref()
    }

    /// The code.
    ///
    /// # Errors
    /// What the provider reported in its place. Nothing of the query is quoted.
    pub fn code(&self) -> Result<&SecretString> {
        match &self.outcome {
            CallbackOutcome::Code(code) => Ok(code),
            CallbackOutcome::Error(refusal) => Err(refusal.error().into()),
            CallbackOutcome::Neither => {
                Err(providers::Error::BadAnswer("it contains neither a code nor an error".into())
                    .into())
            }
        }
    }
}

impl ConsentRefusal {
    fn named(error: &str) -> Self {
        match error {
            "access_denied" => Self::Denied,
            "admin_policy_enforced"
            | "org_internal"
            | "consent_required"
            | "interaction_required" => Self::Policy,
            "server_error" | "temporarily_unavailable" => Self::ServerError,
            _ => Self::RequestRefused,
        }
    }

    fn error(self) -> providers::Error {
        use providers::Error as E;
        match self {
            Self::Denied => E::Consent(
                "the answer was no, and nothing was connected. If that was a mistake, connect the \
                account again"
                    .into(),
            ),
            Self::Policy => E::Consent(
                "the administrator of this organisation does not allow calrelay. Ask for it to be \
                allowed, and connect the account again"
                    .into(),
            ),
            Self::ServerError => E::Unreachable("the provider says that it failed".into()),
            Self::RequestRefused => E::Misconfigured(
                "the provider refused the request for consent because of a mistake in this \
                program or in its settings"
                    .into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_code_or_a_refusal_and_never_both() {
        assert!(AuthorizationResponse::parse("code=4/0A&scope=x&state=y").code().is_ok());
        let long = format!("code={}", "x".repeat(MAX_CODE + 1));
        for neither in
            ["", "code=", "code=4/0A&error=access_denied", "code=a%0Ab", "code=a&code=b", &long]
        {
            let error = AuthorizationResponse::parse(neither).code().map(|_| ()).unwrap_err();
            assert!(
                matches!(error, crate::Error::Provider(providers::Error::BadAnswer(_))),
                "{neither}: {error:?}"
            );
        }
    }
}
