//! What the token endpoint gives.

use std::time::Duration;

use secrecy::SecretString;

use super::id_token::GrantOwner;

/// The tokens of a consent.
pub struct TokenGrant {
    /// Good until the owner revokes it.
    pub refresh: SecretString,
    /// Short-lived, and never stored.
    pub access: SecretString,
    pub(super) lifetime: Duration,
    /// Whose they are, where the provider sends id_tokens.
    pub owner: Option<GrantOwner>,
}

/// The tokens of a refresh.
pub(super) struct Refreshed {
    pub access: SecretString,
    pub lifetime: Duration,
    /// The refresh token to use from now on, if it is another one.
    pub refresh: Option<SecretString>,
    /// Whose they are, according to an id_token that came with them.
    pub owner: Option<GrantOwner>,
}
