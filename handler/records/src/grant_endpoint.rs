//! What is stored of a grant beside its token.

use serde::{Deserialize, Serialize};

/// The endpoint of an account that has a grant, as JSON in [`crate::account::Account::endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEndpoint {
    /// The OAuth client that received the grant.
    pub client: String,
    /// The owner's id at the provider, which never changes; `None` where the provider names its
    /// users by an address that identifies them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What the provider demanded of the next sign-in, as JSON, when it refused the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

impl GrantEndpoint {
    /// Reads an endpoint; `None` for one of another form.
    pub fn parse(endpoint: &str) -> Option<Self> {
        serde_json::from_str(endpoint).ok()
    }

    /// The stored form; `None` where it cannot be encoded.
    pub fn encode(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}
