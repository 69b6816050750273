//! The answer of the token endpoint: tokens (RFC 6749 section 5.1) or a refusal (section 5.2).

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::id_token;
use super::provider::{OAuthProvider, TokenRequest};
use super::refusal::OAuthRefusal;
use crate::http::refusal;
use crate::{Error, Result};

/// The lifetime of a token whose answer gives none: short, because a longer guess costs a 401.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// The longest lifetime that is believed.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The longest token that is accepted, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

pub(super) struct TokenResponse {
    pub access: SecretString,
    pub lifetime: Duration,
    pub refresh: Option<SecretString>,
    pub scope: Option<String>,
    /// Whose tokens they are, not checked yet.
    pub id_token: Option<String>,
}

#[derive(Deserialize)]
struct TokenWire {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
}

impl TokenResponse {
    /// Reads a 200. An error quotes nothing of it.
    pub fn read(provider: &str, body: &[u8]) -> Result<Self> {
        let odd =
            |what: &str| Error::BadAnswer(format!("{provider}'s token endpoint answered {what}"));
        let wire: TokenWire =
            serde_json::from_slice(body).map_err(|_| odd("something that is no token"))?;
        if wire.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(odd("a token of another kind than Bearer"));
        }
        let sendable = |token: &str| {
            (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
        };
        if !sendable(&wire.access_token)
            || wire.refresh_token.as_deref().is_some_and(|token| !sendable(token))
        {
            return Err(odd("a token that cannot be sent"));
        }
        let seconds = wire.expires_in.as_u64().or_else(|| wire.expires_in.as_str()?.parse().ok());
        Ok(Self {
            access: wire.access_token.into(),
            lifetime: seconds.map_or(DEFAULT_LIFETIME, Duration::from_secs).min(MAX_LIFETIME),
            refresh: wire.refresh_token.map(SecretString::from),
            scope: wire.scope,
            id_token: wire.id_token.filter(|token| token.len() <= id_token::LONGEST),
        })
    }
}

/// The error for a refusal by the token endpoint.
pub(super) fn refused(
    provider: &dyn OAuthProvider,
    request: TokenRequest,
    status: StatusCode,
    host: &str,
    body: &[u8],
) -> Error {
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        return refusal(status, host);
    }
    let Some(said) = OAuthRefusal::from_token_endpoint(body) else {
        return refusal(status, host);
    };
    let (code, numbers, trace) = (said.code(), said.numbers(), said.trace());
    if request == TokenRequest::Check {
        tracing::debug!(host, code, ?numbers, trace, "a grant that was never given was refused");
    } else {
        tracing::info!(host, code, ?numbers, trace, "a token was refused");
    }
    provider.refusal(request, &said, host)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::test_endpoint::TestProvider;
    use super::*;

    fn error(request: TokenRequest, status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        refused(&TestProvider::default(), request, status, "oauth2.example", body.as_bytes())
    }

    #[test]
    fn a_refusal_is_read_by_its_code_whatever_its_status() {
        for (request, status) in [(TokenRequest::Refresh, 400), (TokenRequest::Refresh, 401)] {
            let dead = r#"{"error":"invalid_grant","error_description":"Expired or revoked."}"#;
            assert!(matches!(error(request, status, dead), Error::Unauthorized));
        }
        let client = r#"{"error":"invalid_client"}"#;
        assert!(matches!(error(TokenRequest::Code, 401, client), Error::Misconfigured(_)));
    }

    #[test]
    fn a_server_that_fails_concerns_neither_owner_nor_operator() {
        for status in [500, 502, 503] {
            let body = r#"{"error":"invalid_grant"}"#;
            assert!(error(TokenRequest::Refresh, status, body).is_transient(), "{status}");
        }
        assert!(error(TokenRequest::Refresh, 429, "").is_transient());
        assert!(
            error(TokenRequest::Refresh, 400, "<html>").is_transient(),
            "a proxy answered, not the token endpoint"
        );
    }

    #[test]
    fn an_error_repeats_nothing_of_the_answer_but_a_plain_code() {
        for body in [
            r#"{"error":"1//secret token"}"#,
            r#"{"error":"ok_code","error_description":"secret"}"#,
            r#"{"error":{"code":400,"message":"secret"}}"#,
        ] {
            let error = error(TokenRequest::Refresh, 400, body);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn tokens_are_read() {
        let body =
            br#"{"access_token":"ya29.a","expires_in":3599,"refresh_token":"1//r","scope":"a b","token_type":"Bearer","id_token":"x"}"#;
        let tokens = TokenResponse::read("Example", body).unwrap();
        assert_eq!((tokens.access.expose_secret(), tokens.lifetime.as_secs()), ("ya29.a", 3599));
        assert_eq!(
            (tokens.refresh.unwrap().expose_secret(), tokens.scope.as_deref()),
            ("1//r", Some("a b"))
        );
        let life = |text: &str| {
            TokenResponse::read(
                "Example",
                format!(r#"{{"access_token":"a","expires_in":{text}}}"#).as_bytes(),
            )
            .unwrap()
            .lifetime
            .as_secs()
        };
        assert_eq!(
            (life("\"60\""), life("null"), life("-1"), life("99999999999"), life("0")),
            (60, 300, 300, 86_400, 0)
        );
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_quoted() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":["secret"]}"#,
            r#"{"access_token":"secret\r\nX: y"}"#,
            r#"{"access_token":"secret","token_type":"mac"}"#,
            r#"{"access_token":"secret","refresh_token":"se cret"}"#,
            r#"{"access_token":"secret"#,
        ] {
            let Err(error) = TokenResponse::read("Example", body.as_bytes()) else {
                panic!("{body}")
            };
            assert!(
                matches!(error, Error::BadAnswer(_)) && !error.to_string().contains("secret"),
                "{error}"
            );
        }
        assert!(
            TokenResponse::read(
                "Example",
                format!(r#"{{"access_token":"{}"}}"#, "x".repeat(10_000)).as_bytes()
            )
            .is_err()
        );
    }
}
