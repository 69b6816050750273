//! Faults of pushed simulations: refusals, withdrawn consents, forgotten sync tokens, and days
//! without a process.

use anyhow::{Context as _, Result};
use engine::provider::ProviderKind;
use simulators::faults::{Fault, On};
use simulators::person::Person;
use simulators::traffic::Kind;

use crate::model::simulation::functions;
use crate::model::simulation::state::Simulation;
use crate::support::product;

/// What Google says no with, where the account, the deployment or the moment is wrong.
const REFUSALS: [(u16, &str); 12] = [
    (403, "rateLimitExceeded"),
    (403, "userRateLimitExceeded"),
    (403, "quotaExceeded"),
    (403, "dailyLimitExceeded"),
    (403, "insufficientPermissions"),
    (403, "forbidden"),
    (403, "requiredAccessLevel"),
    (403, "accessNotConfigured"),
    (409, "duplicate"),
    (412, "conditionNotMet"),
    (401, "authError"),
    (429, "rateLimitExceeded"),
];

impl Simulation {
    /// The next request of one kind to Google is refused.
    pub(super) fn refusal(&mut self) {
        if !self.rng.chance(0.2) {
            return;
        }
        let kinds = [
            Kind::List,
            Kind::Get,
            Kind::Insert,
            Kind::Update,
            Kind::Patch,
            Kind::Delete,
            Kind::Watch,
            Kind::Stop,
        ];
        let kind = kinds[self.rng.below(kinds.len())];
        let fault = if self.rng.chance(0.3) {
            Fault::LostToken
        } else {
            let (status, reason) = REFUSALS[self.rng.below(REFUSALS.len())];
            Fault::Refused { status, reason }
        };
        let (kind, skip) =
            if fault == Fault::LostToken { (Kind::List, self.rng.below(3)) } else { (kind, 0) };
        self.google().faults().after(skip, 1, On::kind(kind), fault);
        self.trace.push(format!("{kind:?} is going to meet {fault:?}"));
    }

    /// The owner changes something of the account at Google, or Google forgets a token.
    pub(super) async fn trouble(&mut self) -> Result<()> {
        let side = self.rng.below(2);
        let Person::Google(calendar) = &self.env.people[side] else { return Ok(()) };
        let person = self.google().account(calendar.id());
        let what = match self.rng.below(5) {
            0 => {
                person.withdraws_consent();
                "takes consent back"
            }
            1 => {
                self.reconnect(side).await?;
                "is connected again"
            }
            2 => {
                person.expire_access_tokens();
                "has its access tokens ended"
            }
            3 => {
                calendar.forget_tokens();
                "forgets its sync tokens"
            }
            _ => {
                calendar.touch_all();
                "lists everything as changed"
            }
        };
        self.trace.push(format!("side {side} {what}"));
        Ok(())
    }

    /// No process runs for hours or days, Google gives up its notifications, watches expire; then
    /// the timers make up for what was missed.
    pub(super) async fn outage(&mut self) -> Result<()> {
        let hours = [5, 30, 200][self.rng.below(3)];
        self.pass_time(hours * 3600);
        self.collect();
        self.mail.waiting.clear();
        self.restart_process().await?;
        let scope = self.scope();
        for name in ["renew_google_channels", "poll_caldav"] {
            functions::tick(&scope, name, true).await?;
        }
        self.trace.push(format!("no process runs for {hours} hours"));
        Ok(())
    }

    pub(super) async fn reconnect(&self, side: usize) -> Result<()> {
        let Person::Google(calendar) = &self.env.people[side] else { return Ok(()) };
        let scope = self.scope();
        let accounts = product::accounts(&scope).await?;
        let account = accounts
            .into_iter()
            .find(|account| account.user == calendar.id())
            .context("the account")?;
        let token = self.google().account(calendar.id()).refresh_token();
        product::connect_account(
            &scope,
            ProviderKind::Google,
            &account.url,
            &account.user,
            &token.into(),
        )
        .await?;
        Ok(())
    }
}
