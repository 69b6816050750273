//! Leases, and the protection that holds without them: a holder that has lost its lease, two
//! processes that each believe to be alone, and processes that only read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;
use jobs::nudge::{Cause, Nudge, QUEUE};
use jobs::report::Silent;
use jobs::{NudgeOutcome, Scope, Services, SyncOptions, sync_calendar};
use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use store::azure::{AccountSettings, Azure};
use store::{Acquired, Hold, Lease, Leases, Table};

use crate::azure_costs::{event, on_azure};
use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::{BACKGROUND, assert_at_rest, code, did};
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};
use crate::support::product;

/// Leases that are lost after their holder has asked so many times whether they hold.
struct ExpiringLeases {
    leases: Arc<dyn Leases>,
    asks: usize,
}

struct ExpiringHold {
    lease: Lease,
    left: AtomicUsize,
}

#[async_trait]
impl Leases for ExpiringLeases {
    async fn acquire(&self, scope: &str, names: &[&str]) -> store::Result<Acquired> {
        Ok(match self.leases.acquire(scope, names).await? {
            Acquired::Taken(lease) => Acquired::Taken(Lease::new(ExpiringHold {
                lease,
                left: AtomicUsize::new(self.asks),
            })),
            busy => busy,
        })
    }

    fn pause(&self) -> Duration {
        self.leases.pause()
    }
}

#[async_trait]
impl Hold for ExpiringHold {
    fn holds(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }

    async fn end(self: Box<Self>) {
        self.lease.end().await;
    }
}

/// Leases that exclude no other process: the position of a holder that was suspended for too long
/// and does not know it.
struct UselessLeases;

#[async_trait]
impl Leases for UselessLeases {
    async fn acquire(&self, _: &str, _: &[&str]) -> store::Result<Acquired> {
        Ok(Acquired::Taken(Lease::new(UselessLeases)))
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(10)
    }
}

#[async_trait]
impl Hold for UselessLeases {
    fn holds(&self) -> bool {
        true
    }

    async fn end(self: Box<Self>) {}
}

async fn filled_env(terms: Terms, events: usize) -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    for n in 0..events {
        env.people[0].put(&format!("e{n}.ics"), &event(&n.to_string(), "Lunch"));
    }
    Ok(env)
}

async fn sync(scope: &Scope, env: &Env, options: SyncOptions) -> jobs::report::Run {
    jobs::sync(scope, std::slice::from_ref(&env.pair), options, &Silent).await.pairs.remove(0)
}

async fn last_sync(env: &Env) -> anyhow::Result<Option<Timestamp>> {
    Ok(jobs::status(&env.scope, 60).await?.pairs[0].last_sync)
}

#[tokio::test]
async fn a_pass_that_may_have_lost_its_lease_writes_no_more() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for asks in [0, 1, 7] {
            let env = filled_env(terms, 20).await?;
            let leases = Arc::new(ExpiringLeases { leases: env.scope.leases.clone(), asks });
            let expiring =
                Services { leases, ..env.scope.services.clone() }.scope(&env.scope.owner);
            env.reset_counts();
            let run = sync(&expiring, &env, SyncOptions::default()).await;
            assert_eq!(
                (code(&run), env.writes()),
                ("storage", [0, asks as u64]),
                "each write is asked for: {run:?}"
            );
            let run = sync(&env.scope, &env, SyncOptions::default()).await;
            assert_eq!(
                did(&run),
                [20 - asks as u64, 0, 0],
                "what was written was remembered: {run:?}"
            );
            env.people[0].delete("e3.ics");
            env.people[0].edit("e4.ics", |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
            env.reset_counts();
            let leases = Arc::new(ExpiringLeases { leases: env.scope.leases.clone(), asks: 0 });
            let run = sync(
                &Services { leases, ..env.scope.services.clone() }.local(),
                &env,
                SyncOptions::default(),
            )
            .await;
            assert_eq!((code(&run), env.writes()), ("storage", [0, 0]), "{run:?}");
            assert_at_rest(&env).await;
            assert_eq!(env.people[1].names().len(), 19);
        }
    }
    Ok(())
}

/// Where a lease excludes nothing, the versions of rows and events still protect the data.
#[tokio::test]
async fn two_who_both_believe_to_be_alone_harm_nothing() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = filled_env(terms, 120).await?;
        let slow = Fault::Delay(Duration::from_millis(2));
        env.servers.iter().for_each(|server| server.faults().always(On::any(), slow));
        let alone = Services { leases: Arc::new(UselessLeases), ..env.scope.services.clone() }
            .scope(&env.scope.owner);
        for round in 0..4 {
            let runs = join_all((0..3).map(|_| sync(&alone, &env, SyncOptions::default()))).await;
            assert!(
                runs.iter().all(|run| matches!(code(run), "" | "storage" | "changed_meanwhile")),
                "{runs:?}"
            );
            if round == 0 {
                assert!(
                    runs.iter().any(|run| code(run) == "storage"),
                    "at most one goes on: {runs:?}"
                );
            }
            env.people[0]
                .edit(&format!("e{round}.ics"), |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
            env.people[0].delete(&format!("e{}.ics", 60 + round));
        }
        env.servers.iter().for_each(|server| server.faults().clear());
        assert_at_rest(&env).await;
        assert_eq!(
            env.people.each_ref().map(|calendar| calendar.names().len()),
            [116, 116],
            "nothing is lost or doubled"
        );
        assert_eq!(
            jobs::status(&env.scope, 60).await?.pairs[0].copies,
            116,
            "and the count is right"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_pass_that_was_overtaken_by_the_removal_of_its_pair_brings_nothing_back()
-> anyhow::Result<()> {
    let env = filled_env(TWO_WAY, 10).await?;
    env.servers[1].faults().always(On::writes(), Fault::Delay(Duration::from_millis(300)));
    let alone = Services { leases: Arc::new(UselessLeases), ..env.scope.services.clone() }
        .scope(&env.scope.owner);
    let removal = async {
        while env.servers[1].counts().writes() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        product::remove_pair(&env.scope, &env.pair.id).await
    };
    let (run, removed) = tokio::join!(sync(&alone, &env, SyncOptions::default()), removal);
    removed?;
    assert_eq!(code(&run), "storage", "{run:?}");
    let rows = env.scope.store.scan(Table::Pairs, env.pair.id.as_str(), "", None, 10).await?;
    assert!(rows.is_empty(), "{:?}", rows.iter().map(|row| &row.key).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn whoever_only_looks_waits_for_nobody() -> anyhow::Result<()> {
    let mut env = filled_env(TWO_WAY, 5).await?;
    assert_at_rest(&env).await;
    let pair = env.pair.clone();
    let known = env.scope.snapshot().await?;
    let calendar = |id| product::calendar_lease(&known, id);
    let names = [product::pair_lease(&pair.id), calendar(&pair.to), calendar(&pair.from)];
    let names = names.each_ref().map(String::as_str);
    let lease = env
        .scope
        .leases
        .acquire(&env.scope.owner, &names)
        .await?
        .taken()
        .expect("no process is at work");

    env.wait(60);
    let began = Instant::now();
    let run = env.sync().await;
    assert_eq!((did(&run), code(&run)), ([0, 0, 0], ""), "{run:?}");
    let noted = last_sync(&env).await?;
    assert_eq!(noted, Some(env.scope.clock.now()), "a person who asks sees the time");

    // Another process is at work, so the changes are left to that process or the next one.
    env.people[0].edit("e1.ics", |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
    env.reset_counts();
    // A poll repeats itself; any other nudge is put off, and no failure.
    for (cause, waiting) in [
        (Cause::Poll, 0),
        (Cause::Webhook, 1),
        (Cause::Webhook, 1),
        (Cause::Reconcile, 2),
        (Cause::Reconcile, 2),
    ] {
        let verdict = sync_calendar(&env.scope, &Nudge::local(pair.from.clone(), cause)).await;
        assert_eq!(
            (verdict, env.scope.queue.len(QUEUE).await?),
            (NudgeOutcome::Done, waiting),
            "{cause:?}"
        );
    }
    assert!(began.elapsed() < Duration::from_secs(20), "no process has waited until its limit");
    assert_eq!((env.writes(), last_sync(&env).await?), ([0, 0], noted), "and nothing was written");
    assert_eq!(jobs::status(&env.scope, 60).await?.pairs[0].error, None, "nor is anything wrong");
    lease.end().await;
    let verdict = sync_calendar(&env.scope, &Nudge::local(pair.from.clone(), Cause::Webhook)).await;
    assert_eq!((verdict, env.writes()), (NudgeOutcome::Done, [0, 1]));

    // A pass that another process made in between leaves nothing to do, and a pair that is gone is
    // not looked at.
    env.restart().await?;
    assert_at_rest(&env).await;
    product::remove_pair(&env.scope, &pair.id).await?;
    let run = sync(&env.scope, &env, SyncOptions::default()).await;
    assert_eq!((did(&run), code(&run)), ([0, 0, 0], ""), "{run:?}");
    assert!(env.scope.store.scan(Table::Pairs, pair.id.as_str(), "", None, 10).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn looks_that_nobody_asked_for_are_noted_every_ten_minutes() -> anyhow::Result<()> {
    let env = filled_env(ONE_WAY, 5).await?;
    assert_at_rest(&env).await;
    let first = last_sync(&env).await?;
    for _ in 0..9 {
        env.wait(60);
        assert_eq!(did(&sync(&env.scope, &env, BACKGROUND).await), [0, 0, 0]);
        assert_eq!(last_sync(&env).await?, first);
    }
    env.wait(60);
    sync(&env.scope, &env, BACKGROUND).await;
    assert_eq!(last_sync(&env).await?, Some(env.scope.clock.now()));
    env.wait(1);
    env.sync().await;
    assert_eq!(last_sync(&env).await?, Some(env.scope.clock.now()), "a person asked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_instances_on_one_storage_account_make_each_copy_once() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut env = filled_env(TWO_WAY, 30).await?;
    on_azure(&mut env, &azurite).await?;
    let mut instances = Vec::new();
    for _ in 0..3 {
        let azure = Arc::new(Azure::connect(&AccountSettings::from_connection_string(
            &azurite.connection_string(),
        )?)?);
        instances.push(
            Services {
                store: azure.clone(),
                leases: azure.clone(),
                queue: azure,
                ..env.scope.services.clone()
            }
            .scope(&env.scope.owner),
        );
    }
    let runs =
        join_all(instances.iter().map(|scope| sync(scope, &env, SyncOptions::default()))).await;
    assert!(runs.iter().all(|run| run.error.is_none()), "{runs:?}");
    assert_eq!(runs.iter().map(|run| run.created).sum::<u64>(), 30, "one of them makes each copy");
    env.people[1].edit(&env.people[1].names()[0], |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
    let nudge = Nudge::local(env.pair.to.clone(), Cause::Poll);
    join_all(instances.iter().map(|scope| sync_calendar(scope, &nudge))).await;
    assert_at_rest(&env).await;
    assert_eq!(env.people.each_ref().map(|calendar| calendar.names().len()), [30, 30]);
    Ok(())
}
