//! Grants, codes and tokens, with the user and the scopes of each. No HTTP.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// How many refresh tokens of one account live at once; the oldest dies without a word.
const LIVE_TOKENS: usize = 100;

/// How long an access token lives, in seconds.
pub(super) const LIFE: i64 = 3599;

/// All that was ever consented to.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// By refresh token, in order of their birth.
    refresh: Vec<Refresh>,
    /// By access token.
    access: BTreeMap<String, Access>,
    /// By code.
    codes: BTreeMap<String, Code>,
    /// How often an access token was had for a refresh token.
    pub refreshes: u64,
    born: u64,
}

#[derive(Debug)]
struct Refresh {
    token: String,
    account: String,
    scopes: BTreeSet<String>,
}

/// What an access token opens.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub account: String,
    pub scopes: BTreeSet<String>,
    expires: Timestamp,
}

/// A code, and what must come with it.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub account: String,
    pub scopes: BTreeSet<String>,
    pub redirect: String,
    pub challenge: String,
    pub offline: bool,
    pub expires: Timestamp,
}

impl Grants {
    /// A token that was given before.
    pub fn restore_refresh(&mut self, account: &str, scopes: BTreeSet<String>, token: &str) {
        self.refresh.push(Refresh { token: token.to_owned(), account: account.to_owned(), scopes });
    }

    pub fn new_refresh(&mut self, account: &str, scopes: BTreeSet<String>) -> String {
        let token = self.name("1//0");
        self.refresh.push(Refresh { token: token.clone(), account: account.to_owned(), scopes });
        let own = |r: &Refresh| r.account == account;
        if self.refresh.iter().filter(|r| own(r)).count() > LIVE_TOKENS
            && let Some(oldest) = self.refresh.iter().position(own)
        {
            self.refresh.remove(oldest);
        }
        token
    }

    pub fn new_access(
        &mut self,
        account: &str,
        scopes: BTreeSet<String>,
        now: Timestamp,
    ) -> String {
        let token = self.name("ya29.a0");
        let expires = now + SignedDuration::from_secs(LIFE);
        self.access.insert(token.clone(), Access { account: account.to_owned(), scopes, expires });
        token
    }

    pub fn new_code(&mut self, code: Code) -> String {
        let name = self.name("4/0A");
        self.codes.insert(name.clone(), code);
        name
    }

    /// Takes a code: it works once, and for some minutes.
    pub fn code(&mut self, name: &str, now: Timestamp) -> Option<Code> {
        self.codes.remove(name).filter(|code| now < code.expires)
    }

    /// Whose refresh token it is, and what for, while it lives.
    pub fn refresh(&self, token: &str) -> Option<(String, BTreeSet<String>)> {
        self.refresh
            .iter()
            .find(|r| r.token == token)
            .map(|r| (r.account.clone(), r.scopes.clone()))
    }

    /// What an access token opens at this time.
    pub fn access(&self, token: &str, now: Timestamp) -> Option<Access> {
        self.access.get(token).filter(|access| now < access.expires).cloned()
    }

    /// Whether the account has consented and not taken it back.
    pub fn is_valid(&self, account: &str) -> bool {
        self.refresh.iter().any(|r| r.account == account)
    }

    /// All that the account has consented to so far.
    pub fn granted(&self, account: &str) -> BTreeSet<String> {
        self.refresh
            .iter()
            .filter(|r| r.account == account)
            .flat_map(|r| r.scopes.clone())
            .collect()
    }

    /// Ends all that the owner of this token consented to; `false` where it is none that lives.
    pub fn revoke(&mut self, token: &str) -> bool {
        let account = match (self.refresh(token), self.access.get(token)) {
            (Some((account, _)), _) => account,
            (None, Some(access)) => access.account.clone(),
            (None, None) => return false,
        };
        self.end(&account);
        true
    }

    /// Ends all that this account consented to.
    pub fn end(&mut self, account: &str) {
        self.refresh.retain(|r| r.account != account);
        self.expire(account);
        self.codes.retain(|_, code| code.account != account);
    }

    /// This refresh token is dead, and nothing else.
    pub fn kill(&mut self, token: &str) {
        self.refresh.retain(|r| r.token != token);
    }

    /// All access tokens of the account are over before their time; the refresh tokens live.
    pub fn expire(&mut self, account: &str) {
        self.access.retain(|_, access| access.account != account);
    }

    /// How many refresh tokens of the account live.
    pub fn living(&self, account: &str) -> usize {
        self.refresh.iter().filter(|r| r.account == account).count()
    }

    fn name(&mut self, prefix: &str) -> String {
        self.born += 1;
        format!("{prefix}-simulated-{:05}", self.born)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_many_refresh_tokens_dies_and_a_revocation_ends_all() {
        let mut grants = Grants::default();
        let tokens: Vec<String> =
            (0..=LIVE_TOKENS).map(|_| grants.new_refresh("anna", BTreeSet::new())).collect();
        let other = grants.new_refresh("ben", BTreeSet::new());
        assert!(grants.refresh(&tokens[0]).is_none() && grants.refresh(&tokens[1]).is_some());
        let access = grants.new_access("anna", BTreeSet::new(), Timestamp::UNIX_EPOCH);
        assert!(grants.revoke(&access) && !grants.revoke(&access));
        assert!(!grants.is_valid("anna") && grants.refresh(&other).is_some());
    }
}
