//! The list of settings: `doctor` checks them, unknown names are compared with them, and
//! `local.settings.example.json` explains them.

/// The file of settings for local use.
pub const SETTINGS_FILE: &str = "local.settings.json";

/// Set by the Functions host.
pub const FUNCTIONS_PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Set by Azure on every instance of an app.
pub const INSTANCE: &str = "WEBSITE_INSTANCE_ID";

/// Whether this version uses a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingUse {
    /// The program uses it.
    Now,
    /// It is only checked; a later version will use it.
    Later,
}

/// Every setting, by its name in the environment.
pub const SETTINGS: [(&str, SettingUse); 25] = [
    ("CALRELAY_ALLOW_PRIVATE_HOSTS", SettingUse::Now),
    ("CALRELAY_DATA_DIR", SettingUse::Now),
    ("CALRELAY_KEY_VAULT_KEY", SettingUse::Now),
    ("CALRELAY_MODE", SettingUse::Later),
    ("CALRELAY_POLL_SECONDS", SettingUse::Now),
    ("CALRELAY_PUBLIC_URL", SettingUse::Now),
    ("CALRELAY_STORE", SettingUse::Now),
    ("AzureWebJobsStorage", SettingUse::Now),
    ("AzureWebJobsStorage__accountName", SettingUse::Now),
    ("AzureWebJobsStorage__clientId", SettingUse::Now),
    ("AzureWebJobsStorage__credential", SettingUse::Now),
    ("AzureWebJobsStorage__queueServiceUri", SettingUse::Now),
    ("AzureWebJobsStorage__tableServiceUri", SettingUse::Now),
    ("GOOGLE_CLIENT_ID", SettingUse::Now),
    ("GOOGLE_CLIENT_SECRET", SettingUse::Now),
    ("GOOGLE_AUTH_URL", SettingUse::Now),
    ("GOOGLE_TOKEN_URL", SettingUse::Now),
    ("GOOGLE_REVOKE_URL", SettingUse::Now),
    ("GOOGLE_API_URL", SettingUse::Now),
    ("MICROSOFT_CLIENT_ID", SettingUse::Now),
    ("MICROSOFT_CLIENT_SECRET", SettingUse::Now),
    ("MICROSOFT_LOGIN_URL", SettingUse::Now),
    ("GRAPH_URL", SettingUse::Now),
    ("ICLOUD_CALDAV_URL", SettingUse::Now),
    ("RUST_LOG", SettingUse::Now),
];

/// The prefix of names that only this program uses: an unknown one is a typing error.
pub const PREFIX: &str = "CALRELAY_";

/// Whether the name is in the list.
pub fn is_known(name: &str) -> bool {
    SETTINGS.iter().any(|(known, _)| *known == name)
}

/// The names with [`PREFIX`].
pub fn own_names() -> impl Iterator<Item = &'static str> {
    SETTINGS.into_iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX))
}
