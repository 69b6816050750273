//! The errors of Entra, by number.

use jiff::Timestamp;
use serde_json::json;

use super::ids;
use super::manners::Manners;
use super::reply::Reply;

/// What is wrong at Entra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub number: u32,
    pub error: &'static str,
    pub suberror: Option<&'static str>,
    pub status: u16,
    text: &'static str,
    /// What the user's next sign-in has to bring.
    pub claims: Option<String>,
}

/// Number, `error`, `suberror`, words.
const TABLE: &[(u32, &str, &str, &str)] = &[
    (50_011, "invalid_request", "", "The redirect URI specified in the request does not match."),
    (50_020, "invalid_request", "", "User account does not exist in that tenant."),
    (50_034, "invalid_grant", "", "The user account does not exist in the directory."),
    (500_341, "invalid_grant", "", "The user account has been deleted from the directory."),
    (50_057, "invalid_grant", "", "The user account is disabled."),
    (50_058, "login_required", "", "A silent sign-in request was sent but no user is signed in."),
    (50_076, "interaction_required", "basic_action", "You must use multi-factor authentication."),
    (50_078, "interaction_required", "basic_action", "Multi-factor authentication has expired."),
    (50_079, "interaction_required", "basic_action", "The user is required to enroll."),
    (50_105, "invalid_grant", "", "The user is not assigned to a role for the application."),
    (50_158, "interaction_required", "additional_action", "External security challenge."),
    (50_173, "invalid_grant", "bad_token", "The provided grant has expired; it was revoked."),
    (53_000, "interaction_required", "message_only", "Device is not in required state."),
    (53_001, "interaction_required", "message_only", "Device is not domain joined."),
    (53_002, "interaction_required", "message_only", "The app is not approved."),
    (53_003, "interaction_required", "message_only", "Blocked by Conditional Access policies."),
    (530_032, "interaction_required", "message_only", "Blocked by security policy."),
    (54_005, "invalid_grant", "", "OAuth2 Authorization code was already redeemed."),
    (65_001, "invalid_grant", "consent_required", "The user or administrator has not consented."),
    (65_004, "access_denied", "", "User declined to consent to access the app."),
    (70_000, "invalid_grant", "bad_token", "Provided grant is invalid or malformed."),
    (70_003, "unsupported_grant_type", "", "The app requested an unsupported grant type."),
    (70_008, "invalid_grant", "token_expired", "The code or refresh token has expired."),
    (70_011, "invalid_scope", "", "The provided value for the parameter 'scope' is not valid."),
    (70_043, "invalid_grant", "bad_token", "Expired due to sign-in frequency checks."),
    (700_016, "unauthorized_client", "", "Application was not found in the directory."),
    (700_082, "invalid_grant", "token_expired", "The refresh token has expired by inactivity."),
    (500_112, "invalid_grant", "", "The reply address does not match the code's."),
    (501_481, "invalid_grant", "", "The Code_Verifier does not match the code_challenge."),
    (7_000_215, "invalid_client", "", "Invalid client secret provided."),
    (7_000_218, "invalid_client", "", "The request body must contain: 'client_secret'."),
    (7_000_222, "invalid_client", "", "The provided client secret keys are expired."),
    (90_002, "invalid_request", "", "Tenant not found."),
    (90_033, "temporarily_unavailable", "", "A transient error has occurred."),
    (90_093, "access_denied", "", "Calling principal lacks permissions to consent."),
    (90_094, "access_denied", "", "Admin consent is required for the permissions requested."),
    (90_095, "access_denied", "", "Admin consent is required; a request can be sent."),
    (90_097, "access_denied", "", "Admin consent workflow failed."),
    (900_941, "access_denied", "", "Admin consent is required. The app is considered risky."),
    (900_144, "invalid_request", "", "The request body must contain a required parameter."),
];

/// Every number that this Entra has words for.
pub fn numbers() -> impl Iterator<Item = u32> {
    TABLE.iter().map(|row| row.0)
}

impl Wrong {
    /// The row of a number; of one that is not there, the form of a bad grant.
    pub fn of(number: u32, manners: &Manners) -> Self {
        let row = TABLE.iter().find(|row| row.0 == number);
        let (error, suberror) = manners.unknown_number;
        let (_, error, suberror, text) =
            *row.unwrap_or(&(0, error, suberror, "Something that no table has."));
        let interacts = error == "interaction_required";
        let error =
            if interacts && manners.interaction_is_invalid_grant { "invalid_grant" } else { error };
        let status = match error {
            "invalid_client" => 401,
            "temporarily_unavailable" => 503,
            _ => 400,
        };
        let claims = interacts.then(|| {
            json!({"access_token": {"capolids": {
                "essential": true, "values": ["c0ffee00-0000-4000-8000-000000000000"]}}})
            .to_string()
        });
        let suberror = Some(suberror).filter(|suberror| !suberror.is_empty());
        Self { number, error, suberror, status, text, claims }
    }

    /// `AADSTS65001: …`
    pub fn words(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.text)
    }

    /// The answer of the token endpoint.
    pub fn reply(&self, now: Timestamp) -> Reply {
        let trace = ids::uuid(u64::from(self.number), 7);
        let stamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let words = format!(
            "{} Trace ID: {trace} Correlation ID: {trace} Timestamp: {stamp}",
            self.words()
        );
        let mut body = json!({
            "error": self.error, "error_description": words, "error_codes": [self.number],
            "timestamp": stamp, "trace_id": trace, "correlation_id": trace,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.number),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = json!(claims);
        }
        Reply::json(self.status, body).header("cache-control", "no-store, no-cache")
    }
}
