//! What is wrong with the parameters of a page of Entra.

use super::asking::value;
use super::registration::{CLIENT_ID, are_scopes};
use super::shared::Shared;

/// The mistakes of one request.
pub(super) struct Mistakes(Vec<String>);

impl Mistakes {
    /// Parameters that are not known, and what both pages want of the others.
    pub fn of(shared: &Shared, pairs: &[(String, String)], known: &[&str]) -> Self {
        let unknown = pairs.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let mut wrong =
            Self(unknown.map(|(name, _)| format!("unknown parameter {name}")).collect());
        let is_client = value(pairs, "client_id") == Some(CLIENT_ID);
        wrong.must(is_client, "AADSTS700016: application not found");
        wrong.must(
            value(pairs, "redirect_uri").is_some_and(|uri| shared.redirects_to(uri)),
            "AADSTS50011: the redirect URI is not registered",
        );
        wrong.must(
            value(pairs, "scope").is_some_and(are_scopes),
            "AADSTS70011: the scope is not valid",
        );
        wrong
    }

    /// Notes these words where something does not hold.
    pub fn must(&mut self, holds: bool, words: &str) {
        if !holds {
            self.0.push(words.to_owned());
        }
    }

    /// Notes that a secret of the request is missing, or can be guessed.
    pub fn must_be_random(&mut self, pairs: &[(String, String)], name: &str) {
        self.must(
            value(pairs, name).is_some_and(|word| word.len() >= 16),
            &format!("no {name}, or one that can be guessed"),
        );
    }

    /// All of them.
    pub fn all(self) -> Vec<String> {
        self.0
    }
}
