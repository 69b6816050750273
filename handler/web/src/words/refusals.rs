//! The words of pages for visitors who are not let in, and of signing in.

use super::Words;

impl Words {
    pub fn not_signed_in(self) -> &'static str {
        "You are not signed in"
    }

    /// How a browser is signed in.
    pub fn how_to_sign_in(self) -> [&'static str; 2] {
        [
            "This Calrelay has one user. Outside of the machine on which it runs, its pages open with \
            a link that signs one browser in.",
            "On that machine, run `calrelay sign-in` and open the link that it prints. The link is \
            valid for half an hour and works once.",
        ]
    }

    pub fn cross_site(self) -> &'static str {
        "Another site sent you here"
    }

    pub fn cross_site_words(self) -> &'static str {
        "Another site made your browser ask for this, and nothing was done. If you want to open \
        Calrelay, type its address or use a bookmark."
    }

    pub fn misdirected(self) -> &'static str {
        "This is not the address of this Calrelay"
    }

    pub fn misdirected_words(self) -> [&'static str; 2] {
        [
            "The address in your browser names another host than the one that this Calrelay knows as \
            its own. Nothing was done, because any site can give such a name to this machine.",
            "Open it under the name `localhost` on the machine itself. For another address, its \
            operator sets `CALRELAY_PUBLIC_URL` to that address.",
        ]
    }

    pub fn not_found(self) -> &'static str {
        "There is nothing here"
    }

    pub fn not_found_words(self) -> &'static str {
        "No page has this address. What it was about may have been removed meanwhile; nothing was \
        changed by your visit."
    }

    pub fn failed(self) -> &'static str {
        "This cannot be shown at the moment"
    }

    pub fn sign_in(self) -> &'static str {
        "Sign in to Calrelay"
    }

    pub fn sign_in_words(self) -> &'static str {
        "This link signs this browser in, for 14 days. It works once."
    }

    pub fn sign_in_button(self) -> &'static str {
        "Sign in"
    }

    pub fn link_is_over(self) -> &'static str {
        "This link does not work any more"
    }

    pub fn link_is_over_words(self) -> &'static str {
        "It was used, or it is older than half an hour. No browser was signed in by it now. Run \
        `calrelay sign-in` again, and open the new link."
    }
}
