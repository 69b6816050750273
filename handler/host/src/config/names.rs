//! The one list of settings: what `doctor` checks, what a slip is compared with, and what
//! `local.settings.example.json` explains.

/// What becomes of a setting in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The program acts on it.
    Now,
    /// It is checked, and has no effect before a later version.
    Later,
}

/// Every setting, by its name in the environment.
pub const SETTINGS: [(&str, Use); 25] = [
    ("CALRELAY_ALLOW_PRIVATE_HOSTS", Use::Now),
    ("CALRELAY_DATA_DIR", Use::Now),
    ("CALRELAY_KEY_VAULT_KEY", Use::Now),
    ("CALRELAY_MODE", Use::Later),
    ("CALRELAY_POLL_SECONDS", Use::Now),
    ("CALRELAY_PUBLIC_URL", Use::Now),
    ("CALRELAY_STORE", Use::Now),
    ("AzureWebJobsStorage", Use::Now),
    ("AzureWebJobsStorage__accountName", Use::Now),
    ("AzureWebJobsStorage__clientId", Use::Now),
    ("AzureWebJobsStorage__credential", Use::Now),
    ("AzureWebJobsStorage__queueServiceUri", Use::Now),
    ("AzureWebJobsStorage__tableServiceUri", Use::Now),
    ("GOOGLE_CLIENT_ID", Use::Now),
    ("GOOGLE_CLIENT_SECRET", Use::Now),
    ("GOOGLE_AUTH_URL", Use::Now),
    ("GOOGLE_TOKEN_URL", Use::Now),
    ("GOOGLE_REVOKE_URL", Use::Now),
    ("GOOGLE_API_URL", Use::Now),
    ("MICROSOFT_CLIENT_ID", Use::Later),
    ("MICROSOFT_CLIENT_SECRET", Use::Later),
    ("MICROSOFT_LOGIN_URL", Use::Later),
    ("GRAPH_URL", Use::Later),
    ("ICLOUD_CALDAV_URL", Use::Now),
    ("RUST_LOG", Use::Now),
];

/// How the names begin that are ours alone: one that is not in the list is a slip.
pub const PREFIX: &str = "CALRELAY_";

/// Whether this is a setting of ours.
pub fn is_known(name: &str) -> bool {
    SETTINGS.iter().any(|(known, _)| *known == name)
}

/// The names that are ours alone.
pub fn ours() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX))
}
