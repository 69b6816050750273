//! Codes and tokens, with the person and the scopes of each. No HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::ids;

/// All that was ever given.
#[derive(Default)]
pub(super) struct Grants {
    refresh: BTreeMap<String, Refresh>,
    access: BTreeMap<String, Access>,
    codes: BTreeMap<String, Code>,
    /// How often an access token was had for a refresh token.
    pub refreshes: u64,
    born: u64,
}

/// What a refresh token is good for.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub person: usize,
    pub scopes: BTreeSet<String>,
    /// The claims that it was asked with.
    pub claims: Option<String>,
    pub born: Timestamp,
    pub expires: Timestamp,
    /// How often it was used.
    pub used: u32,
    pub dead: bool,
}

/// What an access token opens.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub person: usize,
    /// Permissions by their short names.
    pub scopes: BTreeSet<String>,
    pub claims: Option<String>,
    expires: Timestamp,
}

/// A code, and what must come with it.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub person: usize,
    pub scopes: BTreeSet<String>,
    pub redirect: String,
    pub challenge: String,
    pub nonce: Option<String>,
    pub claims: Option<String>,
    pub expires: Timestamp,
    pub used: bool,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grants({} refresh tokens)", self.refresh.len())
    }
}

impl Grants {
    pub fn new_refresh(
        &mut self,
        person: usize,
        scopes: BTreeSet<String>,
        claims: Option<String>,
        now: Timestamp,
        days: i64,
    ) -> String {
        let token = self.name("1.A");
        self.restore_refresh(person, scopes, claims, now, days, &token);
        token
    }

    /// A token that was given before.
    pub fn restore_refresh(
        &mut self,
        person: usize,
        scopes: BTreeSet<String>,
        claims: Option<String>,
        now: Timestamp,
        days: i64,
        token: &str,
    ) {
        let expires = now + SignedDuration::from_hours(24 * days);
        let refresh = Refresh { person, scopes, claims, born: now, expires, used: 0, dead: false };
        self.refresh.insert(token.to_owned(), refresh);
    }

    pub fn new_access(
        &mut self,
        person: usize,
        scopes: BTreeSet<String>,
        claims: Option<String>,
        now: Timestamp,
        seconds: i64,
    ) -> String {
        let token = self.name("EwB4A8l6BAAU.");
        let expires = now + SignedDuration::from_secs(seconds);
        self.access.insert(token.clone(), Access { person, scopes, claims, expires });
        token
    }

    pub fn new_code(&mut self, code: Code) -> String {
        let name = self.name("0.A");
        self.codes.insert(name.clone(), code);
        name
    }

    /// A code as it is, which works once.
    pub fn code(&mut self, name: &str) -> Option<&mut Code> {
        self.codes.get_mut(name)
    }

    pub fn refresh(&mut self, token: &str) -> Option<&mut Refresh> {
        self.refresh.get_mut(token)
    }

    /// What an access token opens, and whether it lives at this time.
    pub fn access(&self, token: &str, now: Timestamp) -> Option<(&Access, bool)> {
        self.access.get(token).map(|access| (access, now < access.expires))
    }

    /// Every access token of a person is over.
    pub fn expire(&mut self, person: usize, now: Timestamp) {
        for access in self.access.values_mut().filter(|access| access.person == person) {
            access.expires = access.expires.min(now);
        }
    }

    /// All that a person gave is over, access tokens too where it is said.
    pub fn end(&mut self, person: usize) {
        for refresh in self.refresh.values_mut().filter(|refresh| refresh.person == person) {
            refresh.dead = true;
        }
    }

    /// How many refresh tokens of a person live.
    pub fn living(&self, person: usize, now: Timestamp) -> usize {
        self.refresh
            .values()
            .filter(|refresh| refresh.person == person && !refresh.dead && now < refresh.expires)
            .count()
    }

    /// Takes refresh tokens of a person to the end of their life.
    pub fn expire_refresh(&mut self, person: usize, now: Timestamp) {
        for refresh in self.refresh.values_mut().filter(|refresh| refresh.person == person) {
            refresh.expires = refresh.expires.min(now);
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.born += 1;
        let hash = |salt: &str| {
            aws_lc_rs::digest::digest(
                &aws_lc_rs::digest::SHA256,
                format!("{prefix}{salt}{}", self.born).as_bytes(),
            )
        };
        // Such tokens are long: 600 characters and more.
        let bytes: Vec<u8> = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
            .iter()
            .flat_map(|salt| hash(salt).as_ref().to_vec())
            .collect();
        ids::opaque(prefix, &bytes)
    }
}
