//! A person with an account at Google: consents, takes consent back, and has calendars.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use url::{Url, form_urlencoded};

use super::calendar::Calendar;
use super::collection::Sort;
use super::paths;
use super::registration::SCOPES;
use super::shared::Shared;
use super::state::Role;
use crate::client::Client;

/// What a person answers on the page of consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent<'a> {
    /// Everything that is asked for.
    All,
    /// These scopes only, of those that are asked for.
    Only(&'a [&'a str]),
    /// No consent: the client gets `access_denied`.
    Refused,
    /// The administrator of the person's company does not let this app in.
    Blocked,
}

/// One account. Nothing that is done here is counted, or can fail on the way, but for
/// [`Account::consents`].
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) shared: Arc<Shared>,
    pub(super) address: String,
}

impl Account {
    /// Its address, which is the id of its primary calendar.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A refresh token of a new grant with the scopes that a sync needs ([`SCOPES`]), as if the
    /// person had consented long ago.
    pub fn refresh_token(&self) -> String {
        self.grant(&SCOPES)
    }

    /// A refresh token of a new grant with these scopes.
    pub fn grant(&self, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        self.shared.write(|records| records.grants.new_refresh(&self.address, scopes))
    }

    /// An access token with the scopes that a sync needs.
    pub fn access_token(&self) -> String {
        self.access_token_for(&SCOPES)
    }

    /// An access token with these scopes.
    pub fn access_token_for(&self, scopes: &[&str]) -> String {
        let (now, scopes) =
            (self.shared.clock.now(), scopes.iter().map(ToString::to_string).collect());
        self.shared.write(|records| records.grants.new_access(&self.address, scopes, now))
    }

    /// One refresh token is dead (unused for half a year, or one of too many). Access tokens live
    /// on.
    pub fn kills(&self, refresh_token: &str) {
        self.shared.write(|records| records.grants.kill(refresh_token));
    }

    /// Takes all consent back, on Google's own pages: every token is dead.
    pub fn withdraws_consent(&self) {
        self.shared.write(|records| records.grants.end(&self.address));
    }

    /// Every access token is over before its time. Refresh tokens live on.
    pub fn expire_access_tokens(&self) {
        self.shared.write(|records| records.grants.expire(&self.address));
    }

    /// How many refresh tokens live.
    pub fn living_refresh_tokens(&self) -> usize {
        self.shared.write(|records| records.grants.living(&self.address))
    }

    /// Opens the address that an app sends its user to, answers the page, and says where that
    /// leads: back to the app, which the test's browser visits then or not.
    ///
    /// # Errors
    /// Where Google shows an error instead of the page.
    pub async fn consents(&self, address: &str, consent: Consent<'_>) -> anyhow::Result<Url> {
        let address = Url::parse(address)?;
        let client = Client::new(&Url::parse(&self.shared.base())?);
        let page = client.send("GET", address.as_str(), &[], "").await?;
        ensure!(page.status == 200, "the page of consent is {}: {}", page.status, page.text());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("request", address.query().unwrap_or_default())
            .append_pair("account", &self.address);
        form.append_pair(
            "answer",
            match consent {
                Consent::All | Consent::Only(_) => "allow",
                Consent::Refused => "deny",
                Consent::Blocked => "admin_policy_enforced",
            },
        );
        let asked = address
            .query_pairs()
            .find(|(name, _)| name == "scope")
            .map(|(_, scope)| scope.into_owned())
            .unwrap_or_default();
        let ticked: BTreeSet<&str> = asked
            .split(' ')
            .filter(|scope| !matches!(consent, Consent::Only(only) if !only.contains(scope)))
            .collect();
        for scope in ticked {
            form.append_pair("scope", scope);
        }
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = client.send("POST", paths::CONSENT, &kind, form.finish()).await?;
        ensure!(answer.status == 302, "the form of consent is answered with {}", answer.status);
        Url::parse(answer.header("location")).context("the way back is no address")
    }

    /// The primary calendar.
    pub fn primary(&self) -> Calendar {
        Calendar { shared: Arc::clone(&self.shared), id: self.address.clone() }
    }

    /// A further calendar of this title, made where there is none.
    pub fn calendar(&self, title: &str) -> Calendar {
        self.calendar_of(title, Sort::Secondary, Role::Owner)
    }

    /// A calendar of this title and sort in which the account may do so much, made where there is
    /// none.
    pub fn calendar_of(&self, title: &str, sort: Sort, role: Role) -> Calendar {
        assert!(sort != Sort::Primary, "an account has its primary calendar from the beginning");
        let now = self.shared.clock.now();
        let id =
            self.shared.write(|records| records.calendar(&self.address, title, sort, role, now));
        Calendar { shared: Arc::clone(&self.shared), id }
    }

    /// Sees another person's calendar from now on, or may do something else there.
    pub fn sees(&self, calendar: &Calendar, role: Role) {
        self.shared.write(|records| records.show(&self.address, &calendar.id, role));
    }

    /// The calendar disappears from the account's list, and it may not do anything there any more.
    pub fn loses(&self, calendar: &Calendar) {
        self.shared.write(|records| {
            records.entry(&self.address, &calendar.id, |entry| entry.deleted = true)
        });
    }

    /// Hides a calendar in the list, or shows it again.
    pub fn hides(&self, calendar: &Calendar, hidden: bool) {
        self.shared.write(|records| {
            records.entry(&self.address, &calendar.id, |entry| entry.hidden = hidden)
        });
    }

    /// Gives a calendar another name in the account's own list.
    pub fn renames(&self, calendar: &Calendar, name: &str) {
        self.shared.write(|records| {
            records
                .entry(&self.address, &calendar.id, |entry| entry.renamed = Some(name.to_owned()))
        });
    }

    /// This refresh token is good from now on, as if it had been given for a consent long ago.
    pub fn put_back_refresh_token(&self, token: &str) {
        let scopes = SCOPES.iter().map(ToString::to_string).collect();
        self.shared.write(|records| records.grants.restore_refresh(&self.address, scopes, token));
    }
}
