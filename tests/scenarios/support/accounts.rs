//! The people of the scenarios, and accounts to connect.

use engine::provider::ProviderKind;

/// User name and password of Anna and Ben. Invented.
pub const USERS: [(&str, &str); 2] = [("anna", "anna-secret-7531"), ("ben", "ben-secret-8642")];

/// The app-specific password on servers that behave as Apple's do. Invented.
pub const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";

/// An account to connect.
#[derive(Clone, Debug)]
pub struct Account {
    pub kind: ProviderKind,
    pub url: String,
    pub user: String,
    /// At Google a refresh token.
    pub password: String,
}
