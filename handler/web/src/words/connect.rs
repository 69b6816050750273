//! The words of connecting and disconnecting accounts.

use super::Words;

impl Words {
    pub fn connect_an_account(self) -> &'static str {
        "Connect an account"
    }

    pub fn which_calendar(self) -> &'static str {
        "Where is the calendar?"
    }

    pub fn server_address(self) -> &'static str {
        "Server address"
    }

    pub fn server_address_hint(self) -> &'static str {
        "As your calendar server names it, for example https://dav.example.org/. The name of the \
        server alone is often enough."
    }

    pub fn user_hint(self) -> &'static str {
        "Often your e-mail address."
    }

    pub fn connect(self) -> &'static str {
        "Connect"
    }

    pub fn make_app_password(self) -> &'static str {
        "Make an app-specific password"
    }

    pub fn not_your_main_password(self) -> &'static str {
        "Apple lets no other program in with the password of your Apple Account. An app-specific \
        password is for one program, and you can remove it at any time."
    }

    pub fn apple_screens(self) -> [&'static str; 2] {
        ["Sign-In and Security", "App-Specific Passwords"]
    }

    pub fn address_wanted(self) -> &'static str {
        "Enter the address of the server."
    }

    pub fn user_wanted(self) -> &'static str {
        "Enter the user name."
    }

    pub fn password_wanted(self) -> &'static str {
        "Enter the password."
    }

    pub fn password_refused(self) -> &'static str {
        "The server refused this user name and password."
    }

    pub fn main_password(self) -> &'static str {
        "This looks like the password of the Apple Account itself. It was not sent. Use an \
        app-specific password, four groups of four letters."
    }

    pub fn too_many_tries(self, seconds: u64) -> String {
        format!(
            "There were too many tries within a minute. Nothing was sent. Try again in {seconds} \
            seconds."
        )
    }

    pub fn connected(self) -> &'static str {
        "The account is connected."
    }

    pub fn connected_again(self) -> &'static str {
        "The account is connected again. Its pairs go on where they stopped."
    }

    pub fn calendars(self) -> &'static str {
        "Calendars"
    }

    pub fn only_read(self) -> &'static str {
        "can only be read: its server lets nobody write to it"
    }

    pub fn no_calendars(self) -> &'static str {
        "The provider says that this account has no calendar."
    }

    pub fn not_listed(self) -> &'static str {
        "Your calendars could not be listed"
    }

    pub fn look_for_calendars(self) -> &'static str {
        "Look for new calendars"
    }

    pub fn calendars_listed(self) -> &'static str {
        "The calendars were listed just now."
    }

    pub fn connect_again(self) -> &'static str {
        "Connect again"
    }

    pub fn connect_again_heading(self, name: &str) -> String {
        format!("Connect {name} again")
    }

    pub fn needs_reconnect(self, name: &str) -> String {
        format!("{name} needs to be connected again")
    }

    pub fn disconnect(self) -> &'static str {
        "Disconnect"
    }

    pub fn disconnect_heading(self, name: &str) -> String {
        format!("Disconnect {name}?")
    }

    /// What goes with an account.
    pub fn disconnect_words(self, pairs: usize) -> String {
        let pairs = match pairs {
            0 => "No pair uses it.".to_owned(),
            1 => "The pair that uses it ends, too.".to_owned(),
            n => format!("The {n} pairs that use it end, too."),
        };
        format!(
            "Calrelay forgets this account and all that it keeps about it: its password or tokens, \
            its calendars, and what it remembers of copies. {pairs} Events and copies stay in their \
            calendars as ordinary events."
        )
    }

    pub fn cancel(self) -> &'static str {
        "Cancel"
    }

    pub fn disconnected(self) -> &'static str {
        "The account is disconnected."
    }

    pub fn removal_goes_on(self) -> &'static str {
        "The account is being disconnected. That takes a moment and goes on by itself."
    }

    pub fn access(self) -> &'static str {
        "Ending the access at the provider"
    }

    pub fn nothing_connected(self) -> &'static str {
        "Nothing was connected."
    }

    pub fn both_boxes(self) -> &'static str {
        "Calrelay needs both boxes: the list of your calendars (ticked), and your events (not \
        ticked). Nothing was connected."
    }

    pub fn did_not_agree(self) -> &'static str {
        "You did not agree"
    }

    pub fn organisation_first(self) -> &'static str {
        "Your organisation has to agree first"
    }

    pub fn administrator_link(self) -> &'static str {
        "Link for your administrator"
    }

    pub fn blocked(self) -> &'static str {
        "Your organisation does not allow this"
    }

    pub fn not_connected(self) -> &'static str {
        "The account was not connected"
    }

    pub fn another_account(self) -> &'static str {
        "That was another account"
    }

    pub fn another_account_words(self, chosen: &str, expected: &str) -> String {
        format!("You chose {chosen}; this is {expected}. Nothing was changed.")
    }

    pub fn connect_as_new(self, chosen: &str) -> String {
        format!("Connect {chosen} as a new account")
    }

    pub fn try_again(self) -> &'static str {
        "Try again"
    }

    pub fn answer_not_usable(self) -> &'static str {
        "This answer cannot be used"
    }
}
