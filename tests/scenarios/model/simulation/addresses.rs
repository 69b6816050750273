//! Other addresses of the same calendars: spellings, ports, prefixes, shares, and servers whose
//! paths all change.

use anyhow::{Result, ensure};
use engine::provider::ProviderKind;
use simulators::caldav::{CalDav, Calendar, OldBase};
use simulators::person::Person;

use super::state::Simulation;
use crate::model::expected::Fact;
use crate::support::accounts::{APP_PASSWORD, Account};
use crate::support::connector::{PREFIX, Spelling, address};
use crate::support::installation::{Connected, End};
use crate::support::product;
use crate::support::servers::Server;

impl Simulation {
    /// An account is connected again under another address, or all paths of a server change.
    /// Neither makes a difference.
    pub(super) async fn another_address(&mut self) -> Result<()> {
        let side = self.rng.below(2);
        let Server::CalDav(server) = &self.env.servers[side] else { return Ok(()) };
        if self.rng.chance(0.5) {
            let old = match self.rng.below(3) {
                0 => OldBase::Answers,
                // What was typed has to lead somewhere.
                2 if url::Url::parse(&self.env.ends[side].account.url)?.path() == "/" => {
                    OldBase::Gone
                }
                _ => OldBase::Redirects([301, 308][self.rng.below(2)]),
            };
            let new = ["", "/dav2", "/remote/dav3"][self.rng.below(3)];
            server.move_base(new, old);
            self.trace
                .push(format!("the base of side {side} is {new:?} now, and the old one {old:?}"));
            return Ok(());
        }
        let before = self.connected().await?;
        let here = self.env.ends[side].account.url.clone();
        self.respell(side);
        let url = self.env.ends[side].account.url.clone();
        let after = self.connected().await?;
        self.trace.push(format!("side {side} is connected again at {url}"));
        // Two servers of one make give the same user the same paths: without any event there is no
        // proof that they are one.
        let origin = |url: &str| (url.split('/').nth(2).map(str::to_owned), url.contains(PREFIX));
        let same_origin = origin(&url) == origin(&here);
        let is_rebased = matches!(&self.env.servers[side], Server::CalDav(server) if server.manner(|manners| !manners.left.is_empty()));
        // Where the former address leads nowhere, what is remembered is compared, and little of
        // that may have changed since.
        let is_changed =
            |fact: &Fact| fact.new || fact.touched(side) || fact.actions[side].deleted.is_some();
        let is_remembered = !is_rebased || !self.facts.iter().any(is_changed);
        let proof = is_remembered && !self.env.people[side].objects().await?.is_empty();
        ensure!(
            before[side].account == after[side].account || !(same_origin && !is_rebased || proof),
            "the same account is another one at {url}"
        );
        // Where the base has changed too, the former address may be the one that is another
        // account's now.
        let pair = &self.env.pair;
        let is_own = |connected: &Connected| [&pair.from, &pair.to].contains(&&connected.calendar);
        if before[side].account != after[side].account {
            let stray = if is_own(&after[side]) { &before[side] } else { &after[side] };
            product::remove_account(&self.env.scope, &stray.account).await?;
            if !is_own(&after[side]) {
                self.env.ends[side].account.url = here;
            }
        }
        Ok(())
    }

    /// Another address for the account of a side.
    pub(super) fn respell(&mut self, side: usize) {
        let Server::CalDav(server) = &self.env.servers[side] else { return };
        let Account { kind, user, .. } = &self.env.ends[side].account;
        let Person::Near(calendar) = &self.env.people[side] else { return };
        let is_shared = user.starts_with("carol");
        let shared = is_shared.then(|| calendar.shared(user, "shared")).flatten();
        let home = home(shared.as_ref().unwrap_or(calendar));
        let needs_home = is_shared && !server.manner(|manners| manners.login);
        // A server with Apple's manners gives its password to its own host only.
        let spellings: &[Spelling] = match kind {
            ProviderKind::Icloud => &[Spelling::Plain],
            _ => &[
                Spelling::Plain,
                Spelling::Plain,
                Spelling::Name,
                Spelling::Port,
                Spelling::Prefix,
            ],
        };
        let spelling = spellings[self.rng.below(spellings.len())];
        if spelling == Spelling::Prefix {
            server.url_below(PREFIX);
        }
        let tail = if self.rng.chance(0.4) || needs_home { home } else { String::new() };
        self.env.ends[side].account.url = format!("{}{tail}", address(side, spelling));
    }

    /// The calendar of a side as another account sees it.
    pub(super) fn share(&mut self, side: usize) -> Result<End> {
        let kind = self.env.ends[side].account.kind;
        let address = address(side, Spelling::Plain);
        let end = match (&self.env.servers[side], &self.env.people[side]) {
            (Server::CalDav(server), Person::Near(calendar)) => {
                let (user, password) = match kind {
                    ProviderKind::Icloud => ("carol@example.org", APP_PASSWORD),
                    _ => ("carol", "carol-secret-9753"),
                };
                let shared = shared_with(server, calendar, user, password);
                // Without a login all users have one root.
                let url = if server.manner(|manners| manners.login) {
                    address
                } else {
                    format!("{address}{}", home(&shared))
                };
                End {
                    account: Account { kind, url, user: user.into(), password: password.into() },
                    calendar: "/shared/".into(),
                }
            }
            (Server::Google(server), Person::Google(calendar)) => {
                let carol = server.account("carol@example.org");
                carol.sees(calendar, simulators::google::Role::Writer);
                let account = Account {
                    kind,
                    url: address,
                    user: carol.address().into(),
                    password: carol.refresh_token(),
                };
                End { account, calendar: calendar.id().to_owned() }
            }
            _ => anyhow::bail!("a calendar of a real server is not shared here"),
        };
        Ok(end)
    }
}

fn shared_with(server: &CalDav, calendar: &Calendar, user: &str, password: &str) -> Calendar {
    server.account(user, password);
    calendar.shared(user, "shared").unwrap_or_else(|| calendar.share(user, "shared"))
}

/// The path of the home of a calendar, without its first slash.
fn home(calendar: &Calendar) -> String {
    let path = calendar.path();
    path.strip_suffix(&format!("{}/", calendar.name()))
        .unwrap_or("/")
        .trim_start_matches('/')
        .to_owned()
}
