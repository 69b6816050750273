//! What the token endpoint answers: tokens (RFC 6749 section 5.1), or why not (section 5.2).

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::http::refusal;
use crate::{Error, Result};

/// What is assumed where the answer does not say how long its token lives: short, as a 401 would be
/// the price of a longer guess.
const UNSAID: Duration = Duration::from_secs(300);
/// No token is kept for longer, whatever the answer says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest token that is taken; Google's own limits are 2,048 bytes and 512.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Tokens.
pub(super) struct TokenResponse {
    pub access: SecretString,
    pub lifetime: Duration,
    pub refresh: Option<SecretString>,
    pub scope: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

impl TokenResponse {
    /// Reads a 200. Nothing of it is quoted when it cannot be read.
    pub fn read(body: &[u8]) -> Result<Self> {
        let odd = |what: &str| Error::BadAnswer(format!("Google's token endpoint answered {what}"));
        let wire: Wire =
            serde_json::from_slice(body).map_err(|_| odd("something that is no token"))?;
        if wire.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(odd("a token of another kind than Bearer"));
        }
        let sendable = |token: &str| {
            (1..=LONGEST_TOKEN).contains(&token.len())
                && token.bytes().all(|b| b.is_ascii_graphic())
        };
        if !sendable(&wire.access_token)
            || wire.refresh_token.as_deref().is_some_and(|token| !sendable(token))
        {
            return Err(odd("a token that cannot be sent"));
        }
        let seconds = wire.expires_in.as_u64().or_else(|| wire.expires_in.as_str()?.parse().ok());
        Ok(Self {
            access: wire.access_token.into(),
            lifetime: seconds.map_or(UNSAID, Duration::from_secs).min(LONGEST),
            refresh: wire.refresh_token.map(SecretString::from),
            scope: wire.scope,
        })
    }
}

/// What was asked when the answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To exchange a code.
    Code,
    /// To refresh.
    Refresh,
}

/// The error that a refusal stands for.
pub(super) fn refused(step: Step, status: StatusCode, host: &str, body: &[u8]) -> Error {
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        return refusal(status, host);
    }
    let code = code(body);
    match (step, code.as_deref()) {
        (Step::Refresh, Some("invalid_grant")) => Error::Unauthorized,
        (Step::Code, Some("invalid_grant")) => Error::Consent(
            "Google did not take the answer of its own page: it had been used, or it came too \
            late. Nothing was connected; begin again"
                .into(),
        ),
        (_, Some("admin_policy_enforced" | "org_internal" | "access_denied")) => Error::Consent(
            "the administrator of this Google Workspace does not allow calrelay. Ask for it to be \
            allowed, and connect the account again"
                .into(),
        ),
        (_, Some("temporarily_unavailable" | "server_error" | "internal_failure")) => {
            Error::Unreachable(format!("{host} failed"))
        }
        (
            _,
            Some("invalid_client" | "unauthorized_client" | "deleted_client" | "disabled_client"),
        ) => Error::Misconfigured(
            "Google does not accept this program's OAuth client. Compare GOOGLE_CLIENT_ID and \
            GOOGLE_CLIENT_SECRET with the client in the Google \
             Cloud console"
                .into(),
        ),
        (_, Some(code)) => Error::Misconfigured(format!(
            "Google refused a request of this program \
        ({code}), which is a mistake in it or in its settings"
        )),
        (_, None) => refusal(status, host),
    }
}

/// The code of a refusal, where it is one: letters and underscores, nothing that could carry a
/// secret.
fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct TokenRefusal {
        error: String,
    }
    let TokenRefusal { error } = serde_json::from_slice(body).ok()?;
    let plain = (1..=40).contains(&error.len())
        && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    plain.then_some(error)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn error(step: Step, status: u16, body: &str) -> Error {
        refused(step, StatusCode::from_u16(status).unwrap(), "oauth2.example", body.as_bytes())
    }

    #[test]
    fn refusals_are_told_apart_by_whose_they_are() {
        let dead =
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;
        assert!(matches!(error(Step::Refresh, 400, dead), Error::Unauthorized));
        assert!(matches!(error(Step::Code, 400, dead), Error::Consent(_)));
        for ours in [
            "invalid_client",
            "unauthorized_client",
            "deleted_client",
            "invalid_scope",
            "invalid_request",
            "unsupported_grant_type",
        ] {
            let body = format!(r#"{{"error":"{ours}"}}"#);
            for step in [Step::Code, Step::Refresh] {
                assert!(matches!(error(step, 400, &body), Error::Misconfigured(_)), "{ours}");
                assert!(matches!(error(step, 401, &body), Error::Misconfigured(_)), "{ours}");
            }
        }
        assert!(matches!(
            error(Step::Refresh, 400, r#"{"error":"admin_policy_enforced"}"#),
            Error::Consent(_)
        ));
    }

    #[test]
    fn a_server_that_fails_is_nobodys_fault() {
        for status in [500, 502, 503] {
            assert!(
                error(Step::Refresh, status, r#"{"error":"invalid_grant"}"#).is_transient(),
                "{status}"
            );
        }
        assert!(error(Step::Refresh, 429, "").is_transient());
        assert!(
            error(Step::Refresh, 400, "<html>").is_transient(),
            "no answer of the token endpoint: something stands in between"
        );
    }

    #[test]
    fn nothing_that_the_server_says_is_repeated_but_a_plain_code() {
        for body in [
            r#"{"error":"1//secret token"}"#,
            r#"{"error":"ok_code","error_description":"secret"}"#,
            r#"{"error":{"code":400,"message":"secret"}}"#,
        ] {
            let error = error(Step::Refresh, 400, body);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn tokens_are_read() {
        let body =
            br#"{"access_token":"ya29.a","expires_in":3599,"refresh_token":"1//r","scope":"a b","token_type":"Bearer","id_token":"x"}"#;
        let tokens = TokenResponse::read(body).unwrap();
        assert_eq!((tokens.access.expose_secret(), tokens.lifetime.as_secs()), ("ya29.a", 3599));
        assert_eq!(
            (tokens.refresh.unwrap().expose_secret(), tokens.scope.as_deref()),
            ("1//r", Some("a b"))
        );
        let life = |text: &str| {
            TokenResponse::read(format!(r#"{{"access_token":"a","expires_in":{text}}}"#).as_bytes())
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
            let Err(error) = TokenResponse::read(body.as_bytes()) else { panic!("{body}") };
            assert!(
                matches!(error, Error::BadAnswer(_)) && !error.to_string().contains("secret"),
                "{error}"
            );
        }
        assert!(
            TokenResponse::read(
                format!(r#"{{"access_token":"{}"}}"#, "x".repeat(10_000)).as_bytes()
            )
            .is_err()
        );
    }
}
