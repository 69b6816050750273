//! The paths of the pages that connect an account, and their sentences, which depend on the
//! provider.

use jobs::consent::{self, ProviderKind};

/// What the pages say of a provider.
pub struct ConsentWords {
    /// The path of `connect`.
    pub start: &'static str,
    /// The path of `oauth_callback`.
    pub callback: &'static str,
    /// The provider's name.
    pub name: &'static str,
    /// The link of the home page.
    pub offer: &'static str,
    /// The title of the page before the request.
    pub title: &'static str,
    /// What the provider will ask.
    pub explained: &'static [&'static str],
    /// The button to the provider's page.
    pub go: &'static str,
    /// Whether the machine's own user sees the page before the request too.
    pub is_explained_always: bool,
    /// Whether the callback is no page as long as this program is not registered with the provider.
    pub is_hidden_unregistered: bool,
    /// The command that connects an account.
    pub command: &'static str,
}

const GOOGLE: ConsentWords = ConsentWords {
    start: "/oauth/google/start",
    callback: "/oauth/google/callback",
    name: "Google",
    offer: "Connect a Google account",
    title: "Connect a Google calendar",
    explained: &[
        "Google will ask which account to connect, and what calrelay may do with it. Both \
            boxes have to be ticked: to see the list of your \
             calendars, and to view and edit events. Calrelay then copies events between the \
             calendars that its operator pairs, and writes to no \
             others.",
        "You can take your consent back at any time, at myaccount.google.com/connections.",
    ],
    go: "Continue to Google",
    is_explained_always: false,
    is_hidden_unregistered: false,
    command: "calrelay account add google",
};

const MICROSOFT: ConsentWords = ConsentWords {
    start: "/oauth/microsoft/start",
    callback: "/oauth/microsoft/callback",
    name: "Microsoft",
    offer: "Connect a Microsoft 365 account",
    title: "Connect a Microsoft 365 calendar",
    explained: &[
        "Microsoft will ask which account to connect, and whether calrelay may read and write its \
        calendars. Calrelay then copies events between the calendars that its operator pairs, and \
        writes to no others.",
        "In most companies and schools an administrator has to allow calrelay first. If Microsoft \
        says so, go back from its page: calrelay then shows a link that you send to the \
        administrator of Microsoft 365 there, and afterwards you connect as usual. A personal \
        account needs no other person.",
        "You can take your consent back at any time, at myapps.microsoft.com; for a personal \
        account, at account.live.com/consent/Manage.",
    ],
    go: "Continue to Microsoft",
    is_explained_always: true,
    is_hidden_unregistered: true,
    command: "calrelay account add microsoft",
};

/// The words of a provider; `None` for one that is not asked for consent.
pub fn words(kind: ProviderKind) -> Option<&'static ConsentWords> {
    match kind.as_str() {
        "google" => Some(&GOOGLE),
        "microsoft" => Some(&MICROSOFT),
        _ => None,
    }
}

/// The words of the provider in a path: `/oauth/{provider}/…`.
pub fn in_path(path: &str) -> Option<(ProviderKind, &'static ConsentWords)> {
    let name = path.trim_start_matches('/').split('/').nth(1).unwrap_or_default();
    let kind = consent::kind(&name.to_ascii_lowercase())?;
    Some((kind, words(kind)?))
}

/// The providers in the order of the pages.
pub fn all() -> impl Iterator<Item = (ProviderKind, &'static ConsentWords)> {
    ProviderKind::ALL.into_iter().filter_map(|kind| Some((kind, words(kind)?)))
}

/// The path at which a consent begins; `/` for a provider that is not asked for consent.
pub fn start_path(kind: ProviderKind) -> &'static str {
    words(kind).map_or("/", |words| words.start)
}

/// The path to which the provider's answer comes; `/` for a provider that is not asked for consent.
pub fn callback_path(kind: ProviderKind) -> &'static str {
    words(kind).map_or("/", |words| words.callback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_that_consents_has_words_and_paths() {
        for kind in ProviderKind::ALL {
            assert_eq!(words(kind).is_some(), kind.is_connected_by_consent(), "{kind}");
            if kind.is_connected_by_consent() {
                assert_eq!(start_path(kind), format!("/oauth/{kind}/start"));
                assert_eq!(callback_path(kind), format!("/oauth/{kind}/callback"));
                for path in [start_path(kind).to_owned(), callback_path(kind).to_uppercase()] {
                    assert_eq!(in_path(&path).map(|(found, _)| found), Some(kind), "{path}");
                }
            }
        }
        for other in ["/", "/oauth", "/oauth/icloud/start", "/oauth/x/start", "/oauth//start"] {
            assert!(in_path(other).is_none(), "{other}");
        }
    }
}
