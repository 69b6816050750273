//! One pair, account or server that cannot be worked on stops no other.

use std::time::Duration;

use engine::provider::ProviderKind;
use jobs::nudge::{Cause, Nudge};
use jobs::report::Silent;
use jobs::{SyncOptions, sync, sync_calendar};
use records::problem::PairStatus;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use store::{Op, Table};

use crate::support::builder::Builder;
use crate::support::events::hour;
use crate::support::installation::{Terms, new_pair};
use crate::support::product;

#[tokio::test]
async fn a_pair_that_cannot_be_read_stops_no_poll_and_says_so() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    env.sync().await;
    let newer = |key: &str| Op::Put { key: key.into(), value: r#"{"v":99,"id":"pzzzz"}"#.into() };
    env.scope.store.commit(Table::Directory, "local", &[newer("pair:pzzzz")]).await?;
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    let polled = jobs::poll_calendars(&env.scope).await?;
    assert_eq!((polled.pairs, polled.due), (1, 1));
    let pairs = jobs::status(&env.scope, 60).await?.pairs;
    let state = |id: &str| {
        pairs
            .iter()
            .find(|pair| pair.id.as_str() == id)
            .map(|pair| (pair.state, pair.error.is_some()))
    };
    assert_eq!(state("pzzzz"), Some((PairStatus::Error, true)));
    assert_eq!(state(env.pair.id.as_str()), Some((PairStatus::Ok, false)));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_silent_keeps_only_its_own_pair_waiting() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    let url = env.servers[0].url().to_string();
    let cleo = env.servers[0].account("cleo", "cleo-secret-1").calendar("cleo", "main");
    let account = product::connect_account(
        &env.scope,
        ProviderKind::Caldav,
        &url,
        "cleo",
        &"cleo-secret-1".to_owned().into(),
    )
    .await?;
    let known = product::calendars(&env.scope, Some(&account.id)).await?.calendars;
    let to = known.into_iter().find(|row| row.address.contains("cleo")).expect("her calendar").id;
    let new = new_pair([&env.pair.from, &to], Terms::default());
    let other = product::add_pair(&env.scope, new).await?;
    let pairs = [env.pair.clone(), other];
    sync(&env.scope, &pairs, SyncOptions::default(), &Silent).await;
    env.servers[1].faults().always(On::any(), Fault::Delay(Duration::from_secs(600)));
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    let nudge = Nudge::local(env.pair.from.clone(), Cause::Webhook);
    let arrives = async {
        while cleo.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // The silent one takes half a minute to be given up.
    tokio::select! {
        _ = sync_calendar(&env.scope, &nudge) => anyhow::ensure!(cleo.len() == 1, "the other pair was not worked on"),
        () = arrives => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => anyhow::bail!("the other pair waits"),
    }
    Ok(())
}
