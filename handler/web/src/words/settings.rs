//! The words of the settings and of the access tokens.

use jobs::access::Permission;

use super::Words;

impl Words {
    pub fn access_tokens(self) -> &'static str {
        "Access tokens"
    }

    pub fn about_tokens(self) -> &'static str {
        "A program that has a token can use this Calrelay, within what the token allows. Give each \
        program its own, so that you can remove one without the others."
    }

    pub fn token_name(self) -> &'static str {
        "Name"
    }

    pub fn token_name_hint(self) -> &'static str {
        "What will use it, such as “backup script”."
    }

    pub fn token_scopes(self) -> &'static str {
        "It may"
    }

    pub fn permission(self, permission: Permission) -> &'static str {
        match permission {
            Permission::Read => "Read",
            Permission::Sync => "Sync",
            Permission::Write => "Change accounts and pairs",
        }
    }

    pub fn permission_hint(self, permission: Permission) -> &'static str {
        match permission {
            Permission::Read => "See accounts, calendars, pairs and what was done.",
            Permission::Sync => "Start a sync, pause and resume.",
            Permission::Write => {
                "Connect and remove accounts and pairs, and decide about deletions."
            }
        }
    }

    pub fn token_lifetime(self) -> &'static str {
        "For"
    }

    pub fn lifetime(self, days: u16) -> &'static str {
        match days {
            30 => "30 days",
            90 => "90 days",
            _ => "1 year",
        }
    }

    pub fn make_token(self) -> &'static str {
        "Make a token"
    }

    pub fn your_new_token(self) -> &'static str {
        "Your new token"
    }

    pub fn token_shown_once(self) -> &'static str {
        "Copy it now: it is shown this once, and Calrelay does not keep it."
    }

    pub fn your_tokens(self) -> &'static str {
        "Your tokens"
    }

    pub fn token_columns(self) -> [&'static str; 5] {
        ["Name", "It may", "Valid until", "Last used", "Remove"]
    }

    pub fn remove(self, name: &str) -> String {
        format!("Remove {name}")
    }

    pub fn token_removed(self) -> &'static str {
        "The token is removed. No program can use it any more."
    }

    pub fn token_was_removed(self) -> &'static str {
        "That token was removed before."
    }

    pub fn name_wanted(self) -> &'static str {
        "Give the token a name of 1 to 100 characters."
    }

    pub fn scope_wanted(self) -> &'static str {
        "Choose at least one thing that the token may do."
    }

    pub fn signed_in_words(self) -> &'static str {
        "This browser is signed in."
    }

    pub fn sign_out(self) -> &'static str {
        "Sign out"
    }

    pub fn signed_out(self) -> &'static str {
        "You are signed out"
    }

    pub fn signed_out_words(self) -> &'static str {
        "This browser is not signed in any more. Pairs go on as before."
    }
}
