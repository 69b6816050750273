//! The operator's OAuth client at a provider, as the settings name it.

/// Id and secret of a client; `None` where one of them is missing.
pub fn oauth_client<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    id: &str,
    secret: &str,
) -> Option<(&'a str, &'a str)> {
    // Azure leaves a reference if it cannot resolve it. Another finding reports that; the reference
    // is not used as a secret.
    let secret = get(secret).filter(|secret| !secret.starts_with("@Microsoft.KeyVault("));
    get(id).zip(secret)
}
