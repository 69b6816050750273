//! The rest of a pushed simulation: the faults have stopped, and the clock goes on.

use anyhow::{Context as _, Result, ensure};
use engine::provider::ProviderKind;
use jobs::SyncOptions;
use records::problem::PairStatus;
use simulators::person::Person;

use crate::model::simulation::check::Strict;
use crate::model::simulation::functions;
use crate::model::simulation::rules::full;
use crate::model::simulation::state::Simulation;
use crate::support::product::{self, AccountStatus};

impl Simulation {
    /// The faults have stopped. Pending notifications arrive, and the clock goes on; no pass is
    /// asked for, except for what only owners can do.
    pub(super) async fn rest_by_itself(&mut self) -> Result<()> {
        self.passes += 1;
        self.restart_process().await?;
        for account in product::accounts(&self.scope()).await? {
            let revoked = account.kind == ProviderKind::Google
                && self.google().account(&account.user).living_refresh_tokens() == 0;
            if account.state == AccountStatus::NeedsReconnect || revoked {
                let side =
                    self.env.people.iter().position(|person| matches!(person, Person::Google(calendar) if calendar.id() == account.user));
                self.reconnect(side.context("a side at Google")?).await?;
                self.trace.push(format!("{} is connected again", account.user));
            }
        }
        while product::accounts(&self.scope())
            .await?
            .iter()
            .any(|account| account.suspended_for(self.google().clock().now()).is_some())
        {
            self.trace.push("an hour of peace for an account".into());
            self.pass_time(3600);
        }
        self.minutes(75).await?;
        if std::mem::take(&mut self.mail.lost) {
            self.trace.push("the night".into());
            functions::tick(&self.scope(), "reconcile", false).await?;
            self.minutes(15).await?;
        }
        let status = self.status().await?;
        ensure!(
            status.pairs[0].state == PairStatus::Ok,
            "the pair is {:?}: {:?}",
            status.pairs[0].state,
            status.pairs[0].error
        );
        ensure!(
            status.accounts.iter().all(|account| account.state == "ok"),
            "an account is not well: {:?}",
            status.accounts
        );
        ensure!(
            status.watches.iter().all(|watch| watch.open),
            "a channel is missing: {:?}",
            status.watches
        );
        self.env.reset_counts();
        functions::tick(&self.scope(), "reconcile", false).await?;
        self.minutes(15).await?;
        let writes: u64 = self.env.writes().iter().sum();
        ensure!(writes == 0, "{writes} writes where everything should be at rest");
        let open = self.google().channels().len();
        let wanted = status.watches.len();
        ensure!(open == wanted, "{open} channels live, and {wanted} are wanted");
        Ok(())
    }

    /// After a full pass all is exactly right, and three nights write nothing.
    pub(super) async fn ends_well(&mut self) -> Result<()> {
        self.env.sync_with(full()).await;
        self.minutes(15).await?;
        self.check_events(Strict::Yes).await.context("after a full pass at the end")?;
        for night in 0..3 {
            self.env.reset_counts();
            functions::tick(&self.scope(), "reconcile", false).await?;
            self.minutes(15).await?;
            let writes: u64 = self.env.writes().iter().sum();
            ensure!(writes == 0, "{writes} writes in night {night} after the end");
        }
        Ok(())
    }

    async fn status(&self) -> Result<jobs::Status> {
        Ok(jobs::status(&self.scope(), 60).await?)
    }

    /// Minutes in which all is well, in fives; with the hour's timer among them.
    async fn minutes(&mut self, minutes: i64) -> Result<()> {
        for five in 0..minutes / 5 {
            self.pass_time(300);
            let scope = self.scope();
            if five == 0 {
                functions::tick(&scope, "renew_google_channels", false).await?;
            }
            functions::tick(&scope, "poll_caldav", false).await?;
            for _ in 0..20 {
                self.collect();
                let calls = std::mem::take(&mut self.mail.waiting);
                let busy = calls.len() + self.all_messages().await?;
                for push in calls {
                    ensure!(functions::call(&scope, &push).await? == 200, "a call is refused");
                }
                if busy == 0 {
                    break;
                }
                self.pass_time(6);
            }
            let status = self.status().await?;
            if status.pairs[0].state == PairStatus::Held {
                self.trace.push("its owner lets it delete".into());
                self.env
                    .sync_with(SyncOptions { confirm_deletions: true, ..SyncOptions::default() })
                    .await;
            }
        }
        let status = self.status().await?;
        let pair = &status.pairs[0];
        self.trace.push(format!(
            "after {minutes} calm minutes: {:?} {:?}",
            pair.state,
            pair.error.as_ref().map(|error| &error.code)
        ));
        Ok(())
    }
}
