//! The arguments and words of the command line that depend on the provider.

use clap::{Args, Subcommand};
use engine::provider::ProviderKind;

/// The providers.
#[derive(Debug, Subcommand)]
pub enum AccountAdd {
    /// Any CalDAV server: Fastmail, Nextcloud, Radicale…
    Caldav {
        /// The server's address, as its help pages give it.
        #[arg(long)]
        url: String,
        /// The user name there.
        #[arg(long)]
        user: String,
        #[command(flatten)]
        secret: PasswordArguments,
    },
    /// Apple iCloud, with an app-specific password (account.apple.com, Sign-In and Security).
    Icloud {
        /// The e-mail address of the Apple Account.
        #[arg(long, value_name = "APPLE-ID")]
        user: String,
        #[command(flatten)]
        secret: PasswordArguments,
    },
    /// Google Calendar: opens Google's page in your browser, where you give your consent. Needs
    /// GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET of an OAuth client of your own, of the kind
    /// "Desktop app", or "Web application" for --link.
    Google(ConsentAddArguments),
    /// Microsoft 365 and Outlook.com: opens Microsoft's page in your browser, where you give your
    /// consent; in most companies an administrator has to allow calrelay first. Needs
    /// MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET of an app registration of your own.
    Microsoft(ConsentAddArguments),
}

impl AccountAdd {
    /// The provider.
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Caldav { .. } => ProviderKind::Caldav,
            Self::Icloud { .. } => ProviderKind::Icloud,
            Self::Google(_) => ProviderKind::Google,
            Self::Microsoft(_) => ProviderKind::Microsoft,
        }
    }

    /// Whether only a link is created.
    pub fn is_link(&self) -> bool {
        match self {
            Self::Google(given) | Self::Microsoft(given) => given.link,
            Self::Caldav { .. } | Self::Icloud { .. } => false,
        }
    }
}

/// Where the password comes from.
#[derive(Debug, Args)]
pub struct PasswordArguments {
    /// Read the password from the first line of stdin instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Where a consent comes from.
#[derive(Debug, Args)]
pub struct ConsentArguments {
    /// Take an existing grant: read its refresh token from the first line of stdin. No browser is
    /// needed.
    #[arg(long)]
    pub refresh_token_stdin: bool,
}

/// The arguments of `calrelay account add` for a provider that asks for consent.
#[derive(Debug, Args)]
pub struct ConsentAddArguments {
    #[command(flatten)]
    pub consent: ConsentArguments,
    /// Print a link to the calrelay that runs at CALRELAY_PUBLIC_URL, by which one account can be
    /// connected there within half an hour, in any browser. Nothing is asked here.
    #[arg(long, conflicts_with = "refresh_token_stdin")]
    pub link: bool,
}

/// What a password prompt asks for.
pub fn password_question(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Icloud => "App-specific password (not the one of your Apple Account)",
        ProviderKind::Caldav | ProviderKind::Google | ProviderKind::Microsoft => "Password",
    }
}

/// What was replaced when an account was connected again.
pub fn replaced_credential(kind: ProviderKind) -> &'static str {
    if kind.is_connected_by_consent() { "its consent" } else { "the password" }
}

/// What is stored of an account that gives access to it.
pub fn stored_credential(kind: ProviderKind) -> &'static str {
    if kind.is_connected_by_consent() { "its tokens" } else { "its password" }
}

/// What an account is called in a sentence.
pub fn account_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Caldav => "CalDAV",
        ProviderKind::Icloud => "iCloud",
        ProviderKind::Google => "Google",
        ProviderKind::Microsoft => "Microsoft 365",
    }
}

/// What a person has to know before the provider's page opens.
pub fn before_consent(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::Microsoft => Some(
            "In most companies and schools an administrator has to allow calrelay first. If \
            Microsoft says so, go back from its page: calrelay then gives you a link for the \
            administrator, and afterwards you connect as usual.",
        ),
        ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Google => None,
    }
}

/// Where the owner ends a consent.
fn consent_pages(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Google => "https://myaccount.google.com/connections",
        ProviderKind::Microsoft => {
            "https://myapps.microsoft.com, or for a personal account \
            https://account.live.com/consent/Manage"
        }
        ProviderKind::Caldav | ProviderKind::Icloud => "the provider's pages",
    }
}

/// What the owner can do if the consent of a removed account could not be withdrawn; `why` says
/// what failed.
pub fn withdraw_yourself(kind: ProviderKind, why: &str) -> String {
    format!(
        "The consent could not be withdrawn at {}. {why} You can end it yourself: {}",
        account_name(kind),
        consent_pages(kind)
    )
}

/// What the owner of a removed account has to do where no program can withdraw a consent; `None`
/// where the program did.
pub fn consent_remains(kind: ProviderKind) -> Option<String> {
    kind.oauth_facts().filter(|facts| !facts.can_revoke)?;
    Some(format!(
        "{} lets no program end a consent. The tokens are deleted here; end the consent itself at \
        {}.",
        account_name(kind),
        consent_pages(kind)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_consent_is_ended_is_said() {
        let google = withdraw_yourself(ProviderKind::Google, "It failed.");
        assert_eq!(
            google,
            "The consent could not be withdrawn at Google. It failed. You can end it yourself: \
            https://myaccount.google.com/connections"
        );
        assert_eq!(consent_remains(ProviderKind::Google), None);
        assert_eq!(consent_remains(ProviderKind::Caldav), None);
        let microsoft = consent_remains(ProviderKind::Microsoft).unwrap();
        for page in ["https://myapps.microsoft.com", "https://account.live.com/consent/Manage"] {
            assert!(microsoft.contains(page), "{microsoft}");
        }
    }

    #[test]
    fn an_administrator_is_spoken_of_before_the_request() {
        assert!(before_consent(ProviderKind::Microsoft).is_some_and(|it| it.contains("administr")));
        assert_eq!(before_consent(ProviderKind::Google), None);
    }
}
