//! The words of the lists of pairs and accounts.

use super::Words;

impl Words {
    /// The heading without an account.
    pub fn welcome(self) -> &'static str {
        "Welcome to Calrelay"
    }

    /// What the program does.
    pub fn purpose(self) -> &'static str {
        "Calrelay keeps two calendars in step: an event in one gets a copy in the other. Nothing is \
        copied before you have seen what would happen and said yes."
    }

    /// The steps: what is done, and a remark.
    pub fn steps(self) -> [(&'static str, &'static str); 3] {
        [
            ("Connect two accounts.", "About a minute each."),
            ("Choose two calendars,", "and what the copies may show."),
            ("Look at the preview,", "then switch the pair on."),
        ]
    }

    /// What is never done.
    pub fn promise(self) -> &'static str {
        "Calrelay writes only to the calendars you choose. It stores no titles, places, descriptions \
        or guests, and it never sends a mail to anyone you meet."
    }

    pub fn connect_first(self) -> &'static str {
        "Connect your first account"
    }

    pub fn your_pairs(self) -> &'static str {
        "Your pairs"
    }

    pub fn no_pairs(self) -> &'static str {
        "There is no pair yet. A pair keeps two calendars in step."
    }

    /// How a pair is made, as long as no page does it.
    pub fn pairs_by_command(self) -> &'static str {
        "Pairs are not yet made on these pages: run `calrelay pair add` on the machine on which \
        Calrelay runs."
    }

    pub fn pair_columns(self) -> [&'static str; 3] {
        ["Pair", "State", "Last sync"]
    }

    /// The name of a pair.
    pub fn pair_name(self, from: &str, to: &str, two_way: bool) -> String {
        if two_way { format!("{from} and {to}") } else { format!("{from} to {to}") }
    }

    /// A calendar whose account has to be named too.
    pub fn calendar_of(self, calendar: &str, account: &str) -> String {
        format!("{calendar}, {account}")
    }

    /// A calendar without a name.
    pub fn unnamed(self) -> &'static str {
        "Calendar without a name"
    }

    /// A pair whose calendar is not known any more.
    pub fn missing_calendar(self) -> &'static str {
        "Calendar that is gone"
    }

    pub fn state_of_pair(self, state: records::problem::PairStatus) -> &'static str {
        use records::problem::PairStatus as S;
        match state {
            S::Ok => "In step",
            S::Held => "Waiting for you",
            S::Error => "Not working",
            S::Paused => "Paused",
            S::Draft => "Not switched on yet",
            S::NeedsReconnect => "Needs to be connected again",
        }
    }

    /// The first sync, which is still running.
    pub fn first_sync(self, left: u64) -> String {
        format!("First sync, {left} left")
    }

    pub fn never(self) -> &'static str {
        "never"
    }

    pub fn your_accounts(self) -> &'static str {
        "Your accounts"
    }

    pub fn account_columns(self) -> [&'static str; 3] {
        ["Account", "State", "Calendars"]
    }

    pub fn no_accounts(self) -> &'static str {
        "No account is connected."
    }

    pub fn state_of_account(self, state: &str) -> &'static str {
        match state {
            "ok" => "Connected",
            "needs_reconnect" => "Needs to be connected again",
            _ => "Cannot be reached",
        }
    }
}
