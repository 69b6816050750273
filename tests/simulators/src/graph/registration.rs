//! The client that is registered with this Entra, and the scopes that clients ask for.

/// The client that is registered here. Invented.
pub const CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";

/// Its secret. Invented, with characters that a form has to encode.
pub const CLIENT_SECRET: &str = "sim~Q+simulated/secret=";

/// To read and write events, by its long name.
pub const CALENDARS: &str = "https://graph.microsoft.com/Calendars.ReadWrite";

/// What a sync needs, and no more.
pub const SCOPES: [&str; 5] = ["openid", "email", "profile", "offline_access", CALENDARS];

/// The tenant of personal accounts.
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Exchange's own tenant of personal mailboxes, which notifications may bear.
pub const EXCHANGE_TENANT: &str = "84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa";

/// What comes before a permission of Graph in its long name.
pub(super) const GRAPH: &str = "https://graph.microsoft.com/";

/// Scopes of OpenID Connect, which belong to no resource.
pub(super) const OPEN_ID: [&str; 4] = ["openid", "email", "profile", "offline_access"];

/// Permissions of Graph that may be asked for.
pub(super) const PERMISSIONS: [&str; 6] = [
    "Calendars.ReadWrite",
    "Calendars.Read",
    "Calendars.ReadBasic",
    "Calendars.ReadWrite.Shared",
    "Calendars.Read.Shared",
    "User.Read",
];

/// A permission without what may come before it.
pub(super) fn short(scope: &str) -> &str {
    scope.strip_prefix(GRAPH).unwrap_or(scope)
}

/// Whether these are scopes of one resource.
pub(super) fn are_scopes(text: &str) -> bool {
    !text.is_empty()
        && text
            .split(' ')
            .all(|scope| OPEN_ID.contains(&scope) || PERMISSIONS.contains(&short(scope)))
}
