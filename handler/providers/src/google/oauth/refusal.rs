//! Google's refusals of token requests and revocations.

use reqwest::StatusCode;

use crate::Error;
use crate::oauth::TokenRequest;

/// The error for a code of RFC 6749 section 5.2, or one of Google's own.
pub(super) fn error(request: TokenRequest, code: &str, host: &str) -> Error {
    match (request, code) {
        (TokenRequest::Code, "invalid_grant") => Error::Consent(
            "Google did not take the answer of its own page: it had been used, or it came too \
            late. Nothing was connected; begin again"
                .into(),
        ),
        (_, "invalid_grant") => Error::Unauthorized,
        (_, "admin_policy_enforced" | "org_internal" | "access_denied") => Error::Consent(
            "the administrator of this Google Workspace does not allow calrelay. Ask for it to be \
            allowed, and connect the account again"
                .into(),
        ),
        (_, "temporarily_unavailable" | "server_error" | "internal_failure") => {
            Error::Unreachable(format!("{host} failed"))
        }
        (_, "invalid_client" | "unauthorized_client" | "deleted_client" | "disabled_client") => {
            Error::Misconfigured(
                "Google does not accept this program's OAuth client. Compare GOOGLE_CLIENT_ID and \
                GOOGLE_CLIENT_SECRET with the client in the Google \
                 Cloud console"
                    .into(),
            )
        }
        (_, code) => Error::Misconfigured(format!(
            "Google refused a request of this program \
        ({code}), which is a mistake in it or in its settings"
        )),
    }
}

/// Whether the answer to a revocation says that the token was dead already.
pub(super) fn is_already_revoked(status: StatusCode, body: &[u8]) -> bool {
    status == StatusCode::BAD_REQUEST
        && [&b"invalid_token"[..], b"invalid_grant"].iter().any(|code| contains(body, code))
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_concerns_the_owner_or_the_operator() {
        let refused = |request, code: &str| error(request, code, "oauth2.example");
        assert!(matches!(refused(TokenRequest::Refresh, "invalid_grant"), Error::Unauthorized));
        assert!(matches!(refused(TokenRequest::Code, "invalid_grant"), Error::Consent(_)));
        for ours in [
            "invalid_client",
            "unauthorized_client",
            "deleted_client",
            "invalid_scope",
            "invalid_request",
            "unsupported_grant_type",
        ] {
            for request in [TokenRequest::Code, TokenRequest::Refresh] {
                assert!(matches!(refused(request, ours), Error::Misconfigured(_)), "{ours}");
            }
        }
        assert!(matches!(
            refused(TokenRequest::Refresh, "admin_policy_enforced"),
            Error::Consent(_)
        ));
        assert!(refused(TokenRequest::Refresh, "internal_failure").is_transient());
    }
}
