//! Where the form of a page may lead, beside this site.

use engine::provider::ProviderKind;
use jobs::Services;

/// The origin of the provider's page, where its address is not https.
pub fn cleartext_origin(services: &Services, kind: ProviderKind) -> Option<String> {
    let redirect = "https://calrelay.invalid/".parse().ok()?;
    let asked = services.connect.consents(kind).ok()?.ask(&redirect, "-").ok()?;
    (asked.url.scheme() != "https").then(|| asked.url.origin().ascii_serialization())
}

/// Where a form leads whose button opens the provider's page: browsers apply `form-action` to every
/// redirect, and a provider redirects to the sign-in page of the user's organisation.
pub fn of_provider(services: &Services, kind: ProviderKind) -> Vec<String> {
    let cleartext = cleartext_origin(services, kind);
    ["https:".to_owned()].into_iter().chain(cleartext).collect()
}
