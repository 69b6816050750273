//! The query of the redirect from the provider (RFC 6749 sections 4.1.2 and 4.1.2.1). It is
//! untrusted: every visitor can send one.

use providers::oauth::OAuthRefusal;
use secrecy::SecretString;
use url::form_urlencoded;

use crate::Result;
use crate::random_secret::Token;

/// The longest query whose outcome is read, in bytes. Of a longer one only the state is: the
/// consent that waits for it ends. The server itself limits what arrives.
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
    Error(Box<OAuthRefusal>),
    Neither,
    TooLong,
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
        let (mut state, mut code, mut error) = (None, None, None);
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        for (name, value) in &pairs {
            let place = match &**name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                _ => continue,
            };
            if place.replace(value.clone().into_owned()).is_some() {
                return nothing;
            }
        }
        let sendable = |code: &String| {
            (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic())
        };
        let outcome = match (code, error) {
            _ if query.len() > MAX_QUERY => CallbackOutcome::TooLong,
            (Some(code), None) if sendable(&code) => CallbackOutcome::Code(code.into()),
            (None, Some(_)) => {
                let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
                OAuthRefusal::from_redirect(pairs).map_or(CallbackOutcome::Neither, |refusal| {
                    CallbackOutcome::Error(Box::new(refusal))
                })
            }
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
        self.code_or(OAuthRefusal::redirect_error)
    }

    /// As [`AuthorizationResponse::code`]; `read` is the provider's own reading of its refusal.
    ///
    /// # Errors
    /// As [`AuthorizationResponse::code`].
    pub fn code_or(
        &self,
        read: impl FnOnce(&OAuthRefusal) -> providers::Error,
    ) -> Result<&SecretString> {
        match &self.outcome {
            CallbackOutcome::Code(code) => Ok(code),
            CallbackOutcome::Error(refusal) => Err(read(refusal).into()),
            CallbackOutcome::TooLong => Err(providers::Error::BadAnswer(
                "it is longer than any code or error that this program knows".into(),
            )
            .into()),
            CallbackOutcome::Neither => {
                Err(providers::Error::BadAnswer("it contains neither a code nor an error".into())
                    .into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_without_end_only_the_state_is_read() {
        let state = "A".repeat(43);
        let long = "x".repeat(MAX_QUERY);
        for query in [
            format!("error=access_denied&error_description={long}&state={state}"),
            format!("state={state}&code=4/0A&scope={long}"),
        ] {
            let answer = AuthorizationResponse::parse(&query);
            assert_eq!(answer.state().map(Token::expose), Some(&*state));
            let error = answer.code().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("longer than"), "{error}");
        }
        let twice = format!("state={state}&state={state}&x={long}");
        assert!(AuthorizationResponse::parse(&twice).state().is_none());
    }

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
