//! A person with a Microsoft account: consents, takes consent back, and has calendars.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use url::{Url, form_urlencoded};

use super::calendar::Calendar;
use super::paths::{ADMIN_ANSWER, ADMIN_CONSENT, ANSWER, AUTHORIZE};
use super::registration::{SCOPES, short};
use super::shared::Shared;
use super::state::{Mailbox, Mount, Notice, Policy, Records};
use super::subscription::Lifecycle;
use crate::client::Client;

/// What a person answers on the page of consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent<'a> {
    /// Everything that is asked for.
    All,
    /// All but this permission (`Calendars.ReadWrite`): the client gets fewer scopes.
    Without(&'a str),
    /// No consent: the client gets `access_denied`.
    Refused,
    /// Entra refuses with this number before there is a code.
    Number(u32),
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
}

impl Tenant {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who has to consent from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.with(|tenant| tenant.policy = policy);
    }

    /// Whether the administrator has consented for all.
    pub fn has_consented(&self) -> bool {
        let mut consented = false;
        self.with(|tenant| consented = tenant.consented);
        consented
    }

    /// The administrator takes his consent back: grants of all people are refused with 65001.
    pub fn withdraws_consent(&self) {
        self.with(|tenant| tenant.consented = false);
        self.shared.write(|records| {
            for person in records.people.iter_mut().filter(|person| person.tenant == self.id) {
                person.consented.clear();
            }
        });
    }

    /// A person of this tenant, made where there is none of this address.
    pub fn account(&self, address: &str) -> Account {
        let place = self.shared.write(|records| records.person(address, &self.id, Mailbox::Here));
        Account { shared: Arc::clone(&self.shared), place }
    }

    fn with(&self, work: impl FnOnce(&mut super::state::Tenant)) {
        self.shared.write(|records| {
            if let Some(tenant) = records.tenants.get_mut(&self.id) {
                work(tenant);
            }
        });
    }
}

/// One account. Nothing that is done here is counted, or can fail on the way, but for
/// [`Account::consents`] and [`Account::approves`].
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) shared: Arc<Shared>,
    pub(super) place: usize,
}

impl Account {
    /// Its address.
    pub fn address(&self) -> String {
        self.person(|person| person.address.clone())
    }

    /// Its stable id in its tenant.
    pub fn oid(&self) -> String {
        self.person(|person| person.oid.clone())
    }

    /// The tenant that it is in.
    pub fn tenant(&self) -> Tenant {
        let id = self.person(|person| person.tenant.clone());
        Tenant { shared: Arc::clone(&self.shared), id }
    }

    /// The same person as a guest in another tenant: another `oid`, and no mailbox there.
    pub fn guest_in(&self, tenant: &Tenant) -> Self {
        let address = self.address();
        let place =
            self.shared.write(|records| records.person(&address, &tenant.id, Mailbox::None(404)));
        Self { shared: Arc::clone(&self.shared), place }
    }

    /// May consent for all of the tenant from now on.
    pub fn is_administrator(self) -> Self {
        self.person(|person| person.administrator = true);
        self
    }

    /// A mailbox, or none.
    pub fn set_mailbox(&self, mailbox: Mailbox) {
        self.person(|person| person.mailbox = mailbox);
    }

    /// A new address, and nothing else: the account is the same one.
    pub fn renames_to(&self, address: &str) {
        self.person(|person| address.clone_into(&mut person.address));
    }

    /// A refresh token of a new grant with the scopes that a sync needs ([`SCOPES`]), as if the
    /// person had consented long ago.
    pub fn refresh_token(&self) -> String {
        let scopes: BTreeSet<String> = SCOPES.iter().map(ToString::to_string).collect();
        let (now, days) = (self.shared.clock.now(), self.shared.manners().refresh_token_days);
        self.shared.write(|records| {
            records.people[self.place].consented.extend(scopes.iter().map(|s| short(s).to_owned()));
            records.grants.new_refresh(self.place, scopes, None, now, days)
        })
    }

    /// This refresh token is good from now on, as if it had been given for a consent long ago.
    pub fn put_back_refresh_token(&self, token: &str) {
        let scopes: BTreeSet<String> = SCOPES.iter().map(ToString::to_string).collect();
        let (now, days) = (self.shared.clock.now(), self.shared.manners().refresh_token_days);
        self.shared.write(|records| {
            records.people[self.place].consented.extend(scopes.iter().map(|s| short(s).to_owned()));
            records.grants.restore_refresh(self.place, scopes, None, now, days, token);
        });
    }

    /// An access token with the permission that a sync needs.
    pub fn access_token(&self) -> String {
        self.access_token_for(&["Calendars.ReadWrite"])
    }

    /// An access token with these permissions.
    pub fn access_token_for(&self, permissions: &[&str]) -> String {
        let scopes = permissions.iter().map(ToString::to_string).collect();
        let (now, seconds) = (self.shared.clock.now(), self.shared.manners().access_token_seconds);
        self.shared
            .write(|records| records.grants.new_access(self.place, scopes, None, now, seconds))
    }

    /// Every access token is over before its time. Refresh tokens live on.
    pub fn expire_access_tokens(&self) {
        let now = self.shared.clock.now();
        self.shared.write(|records| records.grants.expire(self.place, now));
    }

    /// Every refresh token is too old (700082).
    pub fn expire_refresh_tokens(&self) {
        let now = self.shared.clock.now();
        self.shared.write(|records| records.grants.expire_refresh(self.place, now));
    }

    /// How many refresh tokens live.
    pub fn living_refresh_tokens(&self) -> usize {
        let now = self.shared.clock.now();
        self.shared.write(|records| records.grants.living(self.place, now))
    }

    /// Takes all consent back at myapps.microsoft.com: refresh tokens are refused with 65001.
    pub fn withdraws_consent(&self) {
        self.person(|person| person.consented.clear());
    }

    /// All sessions are revoked (50173). Access tokens live to their end.
    pub fn sessions_are_revoked(&self) {
        let now = self.shared.clock.now();
        self.person(|person| person.revoked = Some(now));
        self.shared.write(|records| records.grants.end(self.place));
    }

    /// The administrator sets another password: sessions are revoked, subscriptions removed.
    pub fn password_is_reset(&self) {
        self.sessions_are_revoked();
        let subscriptions: Vec<String> = self.shared.write(|records| {
            let own = records.subscriptions.values().filter(|there| there.person == self.place);
            own.map(|there| there.id.clone()).collect()
        });
        for id in subscriptions {
            lifecycle(&self.shared, &id, Lifecycle::Removed);
        }
    }

    /// Entra refuses every grant of this person with this number, until it is `None`.
    pub fn is_refused_with(&self, number: Option<u32>) {
        self.person(|person| person.refused_with = number);
    }

    /// Conditional Access: from now on a token must have been asked with these claims (JSON), until
    /// it is `None`.
    pub fn needs_claims(&self, claims: Option<&str>) {
        self.person(|person| person.challenge = claims.map(str::to_owned));
    }

    /// Opens the address that an app sends its user to, answers the page, and says where that
    /// leads: back to the app, which the test's browser visits then or not.
    ///
    /// # Errors
    /// Where Entra shows an error instead of the page.
    pub async fn consents(&self, address: &str, consent: Consent<'_>) -> anyhow::Result<Url> {
        let answer = match consent {
            Consent::All | Consent::Without(_) => "accept".to_owned(),
            Consent::Refused => "cancel".to_owned(),
            Consent::Number(number) => number.to_string(),
        };
        let without = match consent {
            Consent::Without(scope) => Some(scope),
            _ => None,
        };
        self.answers(address, (AUTHORIZE, ANSWER), &answer, without).await
    }

    /// Opens the address that an app sends an administrator to, and consents for all, or does not.
    ///
    /// # Errors
    /// Where Entra shows an error instead of the page, as for one who is no administrator.
    pub async fn approves(&self, address: &str, yes: bool) -> anyhow::Result<Url> {
        let answer = if yes { "accept" } else { "cancel" };
        self.answers(address, (ADMIN_CONSENT, ADMIN_ANSWER), answer, None).await
    }

    async fn answers(
        &self,
        address: &str,
        (page, form): (&str, &str),
        answer: &str,
        without: Option<&str>,
    ) -> anyhow::Result<Url> {
        let address = Url::parse(address)?;
        let client = Client::new(&Url::parse(&self.shared.base())?);
        let shown = client.send("GET", address.as_str(), &[], "").await?;
        if shown.status == 302 {
            return Url::parse(shown.header("location")).context("the way back is no address");
        }
        ensure!(shown.status == 200, "the page of consent is {}: {}", shown.status, shown.text());
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs
            .append_pair("request", address.query().unwrap_or_default())
            .append_pair("account", &self.place.to_string())
            .append_pair("answer", answer);
        if let Some(without) = without {
            pairs.append_pair("without", without);
        }
        let path = address.path().replace(page, form);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = client.send("POST", &path, &kind, pairs.finish()).await?;
        ensure!(
            answer.status == 302,
            "the form of consent is answered with {}: {}",
            answer.status,
            answer.text()
        );
        Url::parse(answer.header("location")).context("the way back is no address")
    }

    /// The default calendar.
    pub fn primary(&self) -> Calendar {
        self.calendar("Calendar")
    }

    /// A calendar of this name, made where there is none.
    pub fn calendar(&self, name: &str) -> Calendar {
        let key = self.shared.write(|records| records.folder(self.place, name, false, true));
        Calendar { shared: Arc::clone(&self.shared), place: self.place, key }
    }

    /// A calendar that cannot be edited (birthdays, holidays), made where there is none.
    pub fn read_only_calendar(&self, name: &str) -> Calendar {
        let key = self.shared.write(|records| records.folder(self.place, name, false, false));
        Calendar { shared: Arc::clone(&self.shared), place: self.place, key }
    }

    /// Sees another person's calendar from now on.
    pub fn sees(&self, calendar: &Calendar, can_edit: bool, can_view_private: bool) {
        let key = calendar.key;
        self.person(|person| {
            person.calendars.retain(|mount| mount.calendar != key);
            let mount = Mount { calendar: key, default: false, can_edit, can_view_private };
            person.calendars.push(mount);
        });
    }

    /// The calendar disappears from the account's list. Its owner keeps it.
    pub fn loses(&self, calendar: &Calendar) {
        self.person(|person| person.calendars.retain(|mount| mount.calendar != calendar.key));
    }

    /// Deletes a calendar with its events.
    pub fn deletes(&self, calendar: &Calendar) {
        let now = self.shared.clock.now();
        calendar.clear();
        self.shared.write(|records| {
            for person in &mut records.people {
                person.calendars.retain(|mount| mount.calendar != calendar.key);
            }
            forget(records, calendar.key, now);
        });
    }

    fn person<T>(&self, work: impl FnOnce(&mut super::state::Person) -> T) -> T {
        self.shared.write(|records| work(&mut records.people[self.place]))
    }
}

fn forget(records: &mut Records, calendar: u64, now: Timestamp) {
    let keys: Vec<u64> = records
        .items
        .values()
        .filter(|item| item.calendar == calendar && !item.deleted)
        .map(|item| item.key)
        .collect();
    for key in keys {
        records.drop_event(key, None, now);
    }
}

/// Something happens to a subscription. Says whether it was there.
pub(super) fn lifecycle(shared: &Shared, id: &str, event: Lifecycle) -> bool {
    shared.write(|records| {
        let Some(there) = records.subscriptions.get_mut(id) else { return false };
        there.silent |= event == Lifecycle::Reauthorize;
        let subscription = Box::new(there.clone());
        if event == Lifecycle::Removed {
            records.subscriptions.remove(id);
        }
        records.unannounced.push(Notice::Lifecycle { subscription, event });
        true
    })
}
