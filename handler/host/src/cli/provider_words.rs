//! The arguments and words of the command line that depend on the provider.

use clap::{Args, Subcommand};
use engine::provider::ProviderKind;
use records::problem::Problem;

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
    Google(GoogleArguments),
    /// Microsoft 365: not in this version.
    Microsoft(ConsentArguments),
}

impl AccountAdd {
    /// The provider; `None` for one that this version does not support.
    pub fn kind(&self) -> Option<ProviderKind> {
        match self {
            Self::Caldav { .. } => Some(ProviderKind::Caldav),
            Self::Icloud { .. } => Some(ProviderKind::Icloud),
            Self::Google(_) => Some(ProviderKind::Google),
            Self::Microsoft(_) => None,
        }
    }

    /// The provider's name in the audit trail.
    pub fn provider(&self) -> &'static str {
        self.kind().map_or("microsoft", ProviderKind::as_str)
    }

    /// Whether only a link is created.
    pub fn is_link(&self) -> bool {
        matches!(self, Self::Google(GoogleArguments { link: true, .. }))
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

/// The arguments of `calrelay account add google`.
#[derive(Debug, Args)]
pub struct GoogleArguments {
    #[command(flatten)]
    pub consent: ConsentArguments,
    /// Print a link to the calrelay that runs at CALRELAY_PUBLIC_URL, by which one account can be
    /// connected there within half an hour, in any browser. Nothing is asked here.
    #[arg(long, conflicts_with = "refresh_token_stdin")]
    pub link: bool,
}

/// The error of `account add microsoft` in this version.
pub fn microsoft_not_supported() -> Problem {
    let message = "Microsoft accounts cannot be connected with this version; nothing was stored. \
    It connects Google (`calrelay account add google`), iCloud (`calrelay account add icloud`) \
    and any CalDAV server (`calrelay account add caldav`).";
    Problem { code: "not_supported".into(), message: message.into() }
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

/// What the owner can do if the consent of a removed account could not be withdrawn; `why` says
/// what failed.
pub fn withdraw_yourself(why: &str) -> String {
    format!(
        "The consent could not be withdrawn at Google. {why} You can end it yourself: \
        https://myaccount.google.com/connections"
    )
}
