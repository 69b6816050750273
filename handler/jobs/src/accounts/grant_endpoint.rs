//! What the stored endpoint of an account says of its grant.

use std::borrow::Cow;

use providers::ClaimsRequest;
pub use records::grant_endpoint::GrantEndpoint;

/// What identifies the user of an account: the owner's id where the provider has one, else the user
/// name.
pub(super) fn identity<'a>(user: &'a str, endpoint: &str) -> Cow<'a, str> {
    match GrantEndpoint::parse(endpoint).and_then(|grant| grant.owner) {
        Some(owner) => Cow::Owned(owner),
        None => Cow::Borrowed(user),
    }
}

/// The claims in an endpoint.
pub(crate) fn demanded_claims(endpoint: &str) -> Option<ClaimsRequest> {
    ClaimsRequest::parse(&GrantEndpoint::parse(endpoint)?.claims?)
}

/// The endpoint with other claims, or without any.
pub(super) fn with_claims(endpoint: &str, claims: Option<&ClaimsRequest>) -> String {
    let claims = claims.map(|claims| claims.as_str().to_owned());
    match GrantEndpoint::parse(endpoint).filter(|grant| grant.claims != claims) {
        Some(grant) => GrantEndpoint { claims, ..grant }.encode(),
        None => None,
    }
    .unwrap_or_else(|| endpoint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNED: &str = r#"{"client":"c1","owner":"t/o"}"#;

    #[test]
    fn an_endpoint_without_claims_is_written_as_it_was() {
        let claims = ClaimsRequest::parse(r#"{"access_token":{"nbf":1}}"#).unwrap();
        for endpoint in [r#"{"client":"c1"}"#, OWNED] {
            let demanded = with_claims(endpoint, Some(&claims));
            assert_ne!(demanded, endpoint);
            assert_eq!(demanded_claims(&demanded), Some(claims.clone()));
            assert_eq!(with_claims(&demanded, None), endpoint);
            assert_eq!(with_claims(endpoint, None), endpoint);
            assert_eq!(demanded_claims(endpoint), None);
        }
        for other in ["", "{}", r#"{"base":"https://dav.example.org/"}"#] {
            assert_eq!(with_claims(other, Some(&claims)), other);
        }
    }

    #[test]
    fn the_owner_identifies_the_user_where_there_is_one() {
        assert_eq!(identity("anna@example.org", OWNED), "t/o");
        for other in [r#"{"client":"c1"}"#, "{}", ""] {
            assert_eq!(identity("anna@example.org", other), "anna@example.org");
        }
    }
}
