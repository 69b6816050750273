//! Accounts and pairs of a service in this process, made and ended while a story goes on.

use std::sync::Arc;

use anyhow::Context as _;
use engine::calendar::{AccountId, CalendarId};
use engine::pair::Pair;
use jobs::directory::{self, NewPair};
use jobs::report::{Run, Silent};
use jobs::{Services, SyncOptions};

use super::{Account, Core, Terms, services};
use crate::support::storage::Place;

/// A calendar, and the account through which it is reached.
#[derive(Clone, Debug)]
pub struct End {
    pub account: Account,
    /// How its address ends: `/main/`; at Google its id.
    pub calendar: String,
}

/// An end that is connected.
#[derive(Clone, Debug)]
pub struct Connected {
    pub account: AccountId,
    pub calendar: CalendarId,
}

impl End {
    /// The calendar `main` of an account; at Google the primary one.
    pub fn main(account: Account) -> Self {
        let calendar = if account.kind == engine::provider::ProviderKind::Google {
            account.user.clone()
        } else {
            "/main/".to_owned()
        };
        Self { account, calendar }
    }

    /// Connects the account, again where it is connected, and finds the calendar.
    pub async fn connect(&self, services: &Services) -> anyhow::Result<Connected> {
        let Account { kind, url, user, password } = &self.account;
        let account =
            directory::connect_account(services, *kind, url, user, &password.clone().into())
                .await?;
        let listing = directory::calendars(services, Some(&account.id)).await?;
        let found = listing.calendars.into_iter().find(|row| row.address.ends_with(&self.calendar));
        let calendar = found
            .with_context(|| format!("no calendar {} among those of {user}", self.calendar))?
            .id;
        Ok(Connected { account: account.id, calendar })
    }
}

impl Core {
    /// Pairs two calendars, and takes that pair as the one of the story.
    pub async fn pair_anew(&mut self, ends: [&Connected; 2], terms: Terms) -> jobs::Result<()> {
        self.pair = self.add_pair(ends, terms).await?;
        Ok(())
    }

    /// Pairs two calendars.
    pub async fn add_pair(&self, [from, to]: [&Connected; 2], terms: Terms) -> jobs::Result<Pair> {
        directory::add_pair(&self.services, new_pair([&from.calendar, &to.calendar], terms)).await
    }

    /// One pass over another pair.
    pub async fn sync_pair(&self, pair: &Pair, options: SyncOptions) -> anyhow::Result<Run> {
        let report = jobs::sync(&self.services, std::slice::from_ref(pair), options, &Silent).await;
        report.pairs.into_iter().next().context("one pair, one run")
    }

    /// The data directory and the keys are lost: a new installation, with nothing in it.
    pub async fn lose(&mut self, root: u8) -> anyhow::Result<()> {
        *self = self.beside(root).await?;
        Ok(())
    }

    /// Another installation with keys of its own, on the same servers. It has no account yet; its
    /// pair is not one that it knows.
    pub async fn beside(&self, root: u8) -> anyhow::Result<Self> {
        let place = Place::new().await?;
        let opened = place.open(self.clock.clone())?;
        let services = services(
            &place,
            &opened,
            &self.clock,
            &self.origins,
            self.real,
            self.google.as_deref(),
            root,
        )?;
        Ok(Self {
            services,
            pair: self.pair.clone(),
            clock: Arc::clone(&self.clock),
            place,
            opened,
            origins: self.origins.clone(),
            google: self.google.clone(),
            real: self.real,
            root,
            ends: self.ends.clone(),
        })
    }
}

/// A pair with the usual window.
pub fn new_pair([from, to]: [&CalendarId; 2], terms: Terms) -> NewPair {
    NewPair {
        from: from.clone(),
        to: to.clone(),
        two_way: terms.two_way,
        private: terms.private,
        private_back: terms.private_back,
        window_past: engine::pair::Reach::Months(3),
        window_future: engine::pair::Reach::Months(12),
        take_over: false,
    }
}
