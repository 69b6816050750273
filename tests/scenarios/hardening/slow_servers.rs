//! Servers that answer slowly, or a byte at a time.

use std::time::Duration;

use engine::provider::ProviderKind;
use simulators::caldav::{CalDav, Manners};
use simulators::faults::{Fault, On};

use crate::support::builder::Builder;
use crate::support::cli::Cli;
use crate::support::events::hour;
use crate::support::installation::{Terms, new_pair};
use crate::support::product::{self, AccountStatus};
use crate::support::running::{Running, until};

/// The server of one account does not answer: nudges of another pair are still sent, and the
/// account's status is unreachable.
#[tokio::test]
async fn a_silent_server_keeps_no_other_pair_from_being_polled() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    let quiet = CalDav::start(Manners::generic()).await?;
    for user in ["cleo", "dora"] {
        quiet.account(user, "a-secret-1").calendar(user, "main");
        product::connect_account(
            &env.scope,
            ProviderKind::Caldav,
            quiet.url().as_str(),
            user,
            &"a-secret-1".to_owned().into(),
        )
        .await?;
    }
    let known = product::calendars(&env.scope, None).await?.calendars;
    let calendar = |user: &str| {
        known.iter().find(|row| row.address.contains(user)).expect("a calendar").id.clone()
    };
    let new = new_pair([&calendar("cleo"), &calendar("dora")], Terms::default());
    product::add_pair(&env.scope, new).await?;
    env.sync().await;
    quiet.faults().always(On::any(), Fault::Delay(Duration::from_secs(600)));
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    let nudged = async {
        while env.scope.queue.len(jobs::nudge::QUEUE).await? == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    let poll = jobs::poll_calendars(&env.scope);
    let (polled, nudged) =
        tokio::join!(poll, tokio::time::timeout(Duration::from_secs(10), nudged));
    nudged??;
    assert_eq!(polled?.pairs, 2);
    let accounts = product::accounts(&env.scope).await?;
    let away =
        accounts.iter().filter(|account| account.state == AccountStatus::Unreachable).count();
    assert_eq!(away, 2, "the two of the silent server");
    // It is left alone for a while, and found again when it answers.
    quiet.reset_counts();
    jobs::poll_calendars(&env.scope).await?;
    assert_eq!(quiet.counts().total(), 0);
    quiet.faults().clear();
    env.wait(61);
    jobs::poll_calendars(&env.scope).await?;
    assert!(quiet.counts().total() > 0);
    let accounts = product::accounts(&env.scope).await?;
    assert!(accounts.iter().all(|account| account.state == AccountStatus::Ok), "{accounts:?}");
    Ok(())
}

/// Storage and vault answer, and yet nothing is synced: a probe has to see that.
#[tokio::test]
async fn a_service_that_does_no_work_is_not_well() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    let progress = &env.scope.in_process.loops;
    assert!(jobs::health(&env.scope, false).await.ok);
    progress.expect("poll_caldav", Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let health = jobs::health(&env.scope, false).await;
    assert_eq!((health.ok, health.storage, health.vault, health.work), (false, true, true, false));
    progress.expect("poll_caldav", Duration::from_secs(60));
    assert!(jobs::health(&env.scope, false).await.ok);
    Ok(())
}

/// Polls come oftener than a silent server is given up: a change elsewhere does not wait for that.
#[tokio::test]
async fn a_change_does_not_wait_for_servers_that_are_silent() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic())
        .build_cli_with(Cli::new()?.with("CALRELAY_POLL_SECONDS", "1"))
        .await?;
    env.pair(&[]).await?;
    let quiet = CalDav::start(Manners::generic()).await?;
    let mut calendars = Vec::new();
    for user in ["cleo", "dora", "emil", "fred"] {
        quiet.account(user, "a-secret-1").calendar(user, "main");
        let account = env.cli.connect(quiet.url().as_str(), user, "a-secret-1").await?;
        calendars.push(env.cli.calendar(&account, "main").await?);
    }
    for pair in calendars.chunks(2) {
        env.cli.pair_add(&pair[0], &pair[1], &[]).await?;
    }
    env.cli.json(&["sync"]).await?;
    quiet.faults().always(On::any(), Fault::Delay(Duration::from_secs(600)));
    let running = Running::start(&env.cli).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for n in 0..8 {
        env.people[0].put(&format!("{n}.ics"), &hour(&format!("e{n}"), 3 + n, 9, "One"));
        let took =
            until("the copy", || env.people[1].len() == usize::try_from(n).unwrap_or_default() + 1)
                .await?;
        assert!(took < Duration::from_secs(10), "change {n} took {took:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}

/// A calendar without a mark of its state is read at every poll, also where the one before has
/// found nothing.
#[tokio::test]
async fn a_calendar_without_a_mark_is_read_at_every_poll() -> anyhow::Result<()> {
    let manners = Manners { ctag: false, sync: false, ..Manners::generic() };
    let env = Builder::caldav(manners)
        .build_cli_with(Cli::new()?.with("CALRELAY_POLL_SECONDS", "1"))
        .await?;
    env.pair(&[]).await?;
    let running = Running::start(&env.cli).await?;
    for n in 0..3 {
        // Some polls find nothing.
        tokio::time::sleep(Duration::from_secs(3)).await;
        env.people[0].put(&format!("{n}.ics"), &hour(&format!("e{n}"), 3 + n, 9, "One"));
        let took =
            until("the copy", || env.people[1].len() == usize::try_from(n).unwrap_or_default() + 1)
                .await?;
        assert!(took < Duration::from_secs(10), "change {n} took {took:?}");
    }
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}
