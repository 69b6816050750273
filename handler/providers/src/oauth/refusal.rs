//! What a provider says in place of a grant: at the token endpoint (RFC 6749 section 5.2), or on
//! the redirect of the browser (section 4.1.2.1), which every visitor can forge.
//!
//! Every part that is kept has a plain form of a bounded length, so that it can carry no secret
//! into a log. The description, which is a text for people, is not kept: only the code before its
//! first colon is.

use serde::Deserialize;
use serde_json::Value;

use crate::claims_request::ClaimsRequest;
use crate::{ConsentStep, Error};

/// The longest code.
const LONGEST_CODE: usize = 40;
/// The number of numbers that are kept.
const MAX_NUMBERS: usize = 8;

/// A refusal, as far as it has the right form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthRefusal {
    code: String,
    subcode: Option<String>,
    numbers: Vec<u32>,
    claims: Option<ClaimsRequest>,
    admin_consent: bool,
    tenant: Option<String>,
    trace: Option<String>,
}

#[derive(Deserialize)]
struct RefusalWire {
    error: String,
    #[serde(default)]
    error_description: Value,
    #[serde(default)]
    suberror: Value,
    #[serde(default)]
    error_codes: Value,
    #[serde(default)]
    claims: Value,
    #[serde(default)]
    trace_id: Value,
}

impl OAuthRefusal {
    /// The answer of the token endpoint; `None` where it has no code of the right form.
    pub fn from_token_endpoint(body: &[u8]) -> Option<Self> {
        let wire: RefusalWire = serde_json::from_slice(body).ok()?;
        let listed = wire.error_codes.as_array().into_iter().flatten();
        let listed = listed.filter_map(|number| u32::try_from(number.as_u64()?).ok());
        let described = wire.error_description.as_str().and_then(number_of);
        let mut numbers: Vec<u32> = listed.take(MAX_NUMBERS).collect();
        if numbers.is_empty() {
            numbers.extend(described);
        }
        Some(Self {
            code: plain(&wire.error)?,
            subcode: wire.suberror.as_str().and_then(plain),
            numbers,
            claims: wire.claims.as_str().and_then(ClaimsRequest::parse),
            admin_consent: false,
            tenant: None,
            trace: wire.trace_id.as_str().and_then(id),
        })
    }

    /// The parameters of the redirect; `None` without `error`. A code that has not the right form
    /// is kept as an empty one. A parameter that is there twice counts as absent.
    pub fn from_redirect<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let given: Vec<(&str, &str)> = parameters.into_iter().collect();
        let only = |name: &str| {
            let mut found = given.iter().filter(|(known, _)| *known == name);
            found.next().filter(|_| found.next().is_none()).map(|(_, value)| *value)
        };
        Some(Self {
            code: plain(only("error")?).unwrap_or_default(),
            subcode: only("error_subcode").and_then(plain),
            numbers: only("error_description").and_then(number_of).into_iter().collect(),
            claims: only("claims").and_then(ClaimsRequest::parse),
            admin_consent: only("admin_consent")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            tenant: only("tenant").and_then(id),
            trace: None,
        })
    }

    /// The code of the RFC.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The provider's refinement of the code (`suberror`, `error_subcode`).
    pub fn subcode(&self) -> Option<&str> {
        self.subcode.as_deref()
    }

    /// The provider's numbers, the most important one first.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// What the next sign-in has to prove.
    pub fn claims(&self) -> Option<&ClaimsRequest> {
        self.claims.as_ref()
    }

    /// Whether it answers the request to an administrator. On the redirect, anyone can claim that.
    pub fn is_of_administrator(&self) -> bool {
        self.admin_consent
    }

    /// The directory that the redirect names. Anyone can claim one: no decision depends on it.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The id by which the provider finds the request in its own log.
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// The error for a refusal on the redirect, where the provider has no table of its own.
    pub fn redirect_error(&self) -> Error {
        match &*self.code {
            "access_denied" => Error::at_consent(
                ConsentStep::Declined,
                "the answer was no, and nothing was connected. If that was a mistake, connect the \
                account again",
            ),
            "admin_policy_enforced"
            | "org_internal"
            | "consent_required"
            | "interaction_required" => Error::Consent(
                "the administrator of this organisation does not allow calrelay. Ask for it to be \
                allowed, and connect the account again"
                    .into(),
            ),
            "server_error" | "temporarily_unavailable" => {
                Error::Unreachable("the provider says that it failed".into())
            }
            _ => Error::Misconfigured(
                "the provider refused the request for consent because of a mistake in this \
                program or in its settings"
                    .into(),
            ),
        }
    }
}

/// A code of letters, digits and underscores.
fn plain(code: &str) -> Option<String> {
    let is_plain = (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    is_plain.then(|| code.to_owned())
}

/// The id of a directory or of a request: a UUID.
fn id(text: &str) -> Option<String> {
    let is_id =
        (1..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_id.then(|| text.to_owned())
}

/// The number in a description that begins with a code: `AADSTS65001: …`
fn number_of(description: &str) -> Option<u32> {
    let (code, _) = description.split_once(':')?;
    let digits = code.trim().trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_number = (1..=9).contains(&digits.len()) && digits.len() < code.trim().len();
    digits.parse().ok().filter(|_| is_number)
}

/// What [`OAuthRefusal`] is made of for a test.
#[cfg(test)]
pub(crate) fn refusal_of(code: &str, subcode: Option<&str>, number: Option<u32>) -> OAuthRefusal {
    let (code, subcode) = (code.to_owned(), subcode.map(str::to_owned));
    OAuthRefusal { code, subcode, numbers: number.into_iter().collect(), ..OAuthRefusal::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_answer_are_read() {
        let body = br#"{"error":"invalid_grant","error_description":"AADSTS65001: The user or administrator has not consented. Trace ID: x",
            "error_codes":[65001],"suberror":"consent_required","claims":"{\"access_token\":{\"a\":null}}",
            "timestamp":"2026-03-10 10:00:00Z","trace_id":"0f8fad5b-d9cb-469f-a165-70867728950e","correlation_id":"x"}"#;
        let refusal = OAuthRefusal::from_token_endpoint(body).unwrap();
        assert_eq!(
            (refusal.code(), refusal.subcode(), refusal.numbers()),
            ("invalid_grant", Some("consent_required"), &[65_001][..])
        );
        assert_eq!(refusal.claims().unwrap().as_str(), r#"{"access_token":{"a":null}}"#);
        assert_eq!(refusal.trace(), Some("0f8fad5b-d9cb-469f-a165-70867728950e"));
    }

    #[test]
    fn a_number_is_found_in_the_description_where_no_list_has_it() {
        let number = |description: &str| {
            let body = serde_json::json!({"error": "x", "error_description": description});
            OAuthRefusal::from_token_endpoint(body.to_string().as_bytes()).unwrap().numbers
        };
        assert_eq!(number("AADSTS7000215: Invalid client secret provided."), [7_000_215]);
        for other in
            ["", "65001: x", "AADSTS: x", "AADSTS65001", "AADSTS12345678901: x", "See AADSTS50: x"]
        {
            assert_eq!(number(other), [0_u32; 0], "{other}");
        }
    }

    #[test]
    fn a_redirect_names_its_error_and_the_rest_may_be_missing() {
        let refusal = OAuthRefusal::from_redirect([
            ("error", "access_denied"),
            ("error_subcode", "cancel"),
            ("error_description", "AADSTS65004: User declined to consent."),
            ("state", "x"),
        ])
        .unwrap();
        assert_eq!(
            (refusal.code(), refusal.subcode(), refusal.numbers(), refusal.is_of_administrator()),
            ("access_denied", Some("cancel"), &[65_004][..], false)
        );
        let administrator = OAuthRefusal::from_redirect([
            ("admin_consent", "True"),
            ("tenant", "0f8fad5b-d9cb-469f-a165-70867728950e"),
            ("error", "consent_required"),
        ])
        .unwrap();
        assert!(administrator.is_of_administrator() && administrator.tenant().is_some());
        assert_eq!(OAuthRefusal::from_redirect([("error_subcode", "cancel")]), None);
    }

    #[test]
    fn what_has_another_form_is_not_kept() {
        for error in ["Two Words", "<script>", "", &"x".repeat(41)] {
            let body = serde_json::json!({"error": error});
            assert_eq!(OAuthRefusal::from_token_endpoint(body.to_string().as_bytes()), None);
            let redirect = OAuthRefusal::from_redirect([("error", error)]).unwrap();
            assert_eq!(redirect, OAuthRefusal::default());
        }
        let refusal = OAuthRefusal::from_redirect([
            ("error", "x"),
            ("error_subcode", "a b"),
            ("tenant", "<b>"),
            ("claims", "secret"),
            ("error_description", "secret: secret"),
        ]);
        assert_eq!(refusal, Some(OAuthRefusal { code: "x".into(), ..OAuthRefusal::default() }));
        let twice = [("error", "a"), ("error_subcode", "b"), ("error_subcode", "c")];
        assert_eq!(OAuthRefusal::from_redirect(twice).unwrap().subcode(), None);
        let odd = br#"{"error":"x","suberror":7,"error_codes":["1",-1,4294967296],"claims":{}}"#;
        let odd = OAuthRefusal::from_token_endpoint(odd).unwrap();
        assert_eq!(odd, OAuthRefusal { code: "x".into(), ..OAuthRefusal::default() });
    }
}
