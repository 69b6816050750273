//! The words about each provider.

use engine::provider::ProviderKind;

use super::Words;

impl Words {
    /// The kind of calendar that is connected.
    pub fn provider(self, kind: ProviderKind) -> &'static str {
        match kind.as_str() {
            "google" => "Google Calendar",
            "microsoft" => "Microsoft 365",
            "icloud" => "Apple iCloud",
            _ => "Another calendar server",
        }
    }

    /// The company that a person signs in at.
    pub fn company(self, kind: ProviderKind) -> &'static str {
        match kind.as_str() {
            "google" => "Google",
            "microsoft" => "Microsoft",
            "icloud" => "Apple",
            _ => "the calendar server",
        }
    }

    /// The heading of the page that connects an account.
    pub fn connect_heading(self, kind: ProviderKind) -> &'static str {
        match kind.as_str() {
            "google" => "Connect Google Calendar",
            "microsoft" => "Connect Microsoft 365",
            "icloud" => "Connect Apple iCloud",
            _ => "Connect another calendar server",
        }
    }

    /// A remark in the choice of providers.
    pub fn provider_hint(self, kind: ProviderKind) -> &'static str {
        match kind.as_str() {
            "google" => "You sign in at Google and say what Calrelay may do.",
            "microsoft" => "Outlook too. You sign in at Microsoft.",
            "icloud" => "With an app-specific password, which you make in a minute.",
            _ => "Nextcloud, Fastmail, and every other CalDAV server.",
        }
    }

    /// What the provider's page will ask.
    pub fn before_consent(self, kind: ProviderKind) -> &'static [&'static str] {
        match kind.as_str() {
            "google" => &[
                "Google asks which account to connect, and then shows two boxes. Calrelay needs \
                both: the list of your calendars, which is ticked, and your events, which is not.",
                "You can take your consent back at any time, at \
                myaccount.google.com/connections.",
            ],
            _ => &[
                "Microsoft asks which account to connect, and whether Calrelay may read and write \
                its calendars.",
                "In most companies and schools an administrator has to allow Calrelay first. If \
                Microsoft says so, go back from its page: Calrelay then shows a link that you send \
                to the administrator of Microsoft 365 there, and afterwards you connect as usual. A \
                personal account needs no other person.",
                "You can take your consent back at any time, at myapps.microsoft.com; for a \
                personal account, at account.live.com/consent/Manage.",
            ],
        }
    }

    /// Where a person ends the access of this program.
    pub fn where_to_withdraw(self, kind: ProviderKind) -> &'static str {
        match kind.as_str() {
            "google" => {
                "Disconnecting ends the consent at Google, too. You see it at \
                myaccount.google.com/connections."
            }
            "microsoft" => {
                "Microsoft lets no program end a consent. End it yourself at myapps.microsoft.com, \
                or for a personal account at account.live.com/consent/Manage."
            }
            "icloud" => {
                "The app-specific password stays valid until you remove it at account.apple.com, \
                under Sign-In and Security."
            }
            _ => {
                "If the password was made for Calrelay alone, remove it in the settings of your \
                calendar server, too."
            }
        }
    }

    /// The button to the provider's page.
    pub fn continue_to(self, kind: ProviderKind) -> String {
        format!("Continue to {}", self.company(kind))
    }

    /// The label of the user name.
    pub fn user_label(self, kind: ProviderKind) -> &'static str {
        if kind.as_str() == "icloud" { "Apple ID" } else { "User name" }
    }

    /// The label of the password.
    pub fn password_label(self, kind: ProviderKind) -> &'static str {
        if kind.as_str() == "icloud" { "App-specific password" } else { "Password" }
    }

    /// Why this kind of account cannot be connected here.
    pub fn not_registered(self, kind: ProviderKind) -> String {
        let company = self.company(kind);
        format!("This Calrelay is not registered with {company}, so it cannot ask {company}.")
    }

    /// What the operator enters to register this installation.
    pub fn how_to_register(self, kind: ProviderKind, redirect: &str) -> String {
        let (company, setting) = (self.company(kind), self.company(kind).to_uppercase());
        format!(
            "Whoever runs it registers a web application at {company} with the redirect address \
            `{redirect}`, and starts Calrelay with `{setting}_CLIENT_ID` and \
            `{setting}_CLIENT_SECRET`. `calrelay doctor` lists all that belongs to it."
        )
    }

    /// The title of a consent that gave too little.
    pub fn allowed_too_little(self, kind: ProviderKind) -> String {
        format!("{} allowed too little", self.company(kind))
    }

    /// The title where the registration is wrong.
    pub fn not_set_up(self, kind: ProviderKind) -> String {
        format!("This calrelay is not set up for {} yet", self.company(kind))
    }

    /// How an app-specific password is made, step by step.
    pub fn app_password_steps(self) -> [&'static str; 4] {
        [
            "Open account.apple.com and sign in with your Apple ID.",
            "Under Sign-In and Security, choose App-Specific Passwords.",
            "Add one, and call it Calrelay.",
            "Copy the password, four groups of four letters, and enter it here.",
        ]
    }

    /// What a person does with the link for an administrator.
    pub fn send_this_link(self) -> &'static str {
        "Send this link to whoever looks after Microsoft 365 there. Afterwards, try again."
    }
}
