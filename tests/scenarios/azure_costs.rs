//! What a pass costs in an Azure storage account, in transactions as they are billed. On Azurite.
//!
//! | what is done | tables | which |
//! |---|---|---|
//! | a notification, or a pass in the background, that finds nothing | 3 | the directory, the secrets, the state of the pair |
//! | the same, asked for by a person | 4 | its time is noted |
//! | a poll of one pair that finds nothing | 3 | the same |
//! | one event changed | 9 | the first three; the leases; the state again; the mapping; what is intended; what was written, with the cursors; the leases' end |
//! | one event that is new | 9 or 10 | the same; both ways it might be a copy too |
//! | one event deleted | 8 | nothing is intended: the deletion can be made again |
//!
//! A notification arrives as a message, which costs three queue transactions: put, take, delete.
//! Before that, the webhook call costs one or two table transactions (`handler/jobs/src/watches`,
//! the debounce of notifications, and its tests). The first use of a table costs two more. A pass
//! costs one more for every ten seconds that it takes, because its leases are renewed.

use std::sync::Arc;
use std::time::Duration;

use jobs::SyncOptions;
use jobs::nudge::{self, Cause, Nudge};
use jobs::report::Silent;
use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use store::azure::{AccountSettings, Azure};
use store::{Op, Queue, Store, Table};

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::BACKGROUND;
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};

/// The most that is spent on tables where nothing is found.
const NOTHING: u64 = 3;
/// The status of a pair shows when the user last asked for a pass.
const ASKED: u64 = NOTHING + 1;
/// A poll reads one row more for each further pair.
const POLL: u64 = NOTHING;
/// The most that is spent on tables for one event that is found, for any action.
const ONE_EVENT: u64 = 12;
/// The most that a change of one event costs from the message about it to its end, tables and
/// queue.
const ONE_CHANGE: u64 = 12;

pub fn event(uid: &str, title: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260301T000000Z\nDTSTART:20260312T110000Z\nDTEND:20260312T120000Z\nSUMMARY:{title}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

/// Moves the rows of the environment to Azure; from here on the environment has no other storage.
pub async fn on_azure(env: &mut Env, azurite: &Azurite) -> anyhow::Result<Arc<Azure>> {
    let azure = Arc::new(Azure::connect(&AccountSettings::from_connection_string(
        &azurite.connection_string(),
    )?)?);
    let partitions = [
        (Table::Directory, env.scope.owner.clone()),
        (Table::Secrets, env.scope.owner.clone()),
        (Table::Pairs, env.pair.id.to_string()),
    ];
    for (table, partition) in partitions {
        let rows = env.scope.store.scan(table, &partition, "", None, 100).await?;
        let ops: Vec<Op> =
            rows.into_iter().map(|row| Op::Insert { key: row.key, value: row.value }).collect();
        azure.commit(table, &partition, &ops).await?;
    }
    let scope = &mut env.scope;
    (scope.services.store, scope.services.leases, scope.services.queue) =
        (azure.clone(), azure.clone(), azure.clone());
    Ok(azure)
}

/// One pass; what it did and what it cost.
async fn pass(env: &Env, azure: &Azure, options: SyncOptions) -> ([u64; 3], u64) {
    let before = azure.transactions();
    let report = jobs::sync(&env.scope, std::slice::from_ref(&env.pair), options, &Silent).await;
    azure.settle().await;
    let now = azure.transactions();
    assert_eq!(now.queues, before.queues, "a pass puts nothing into a queue");
    let run = &report.pairs[0];
    assert!(run.error.is_none(), "{run:?}");
    ([run.created, run.changed, run.deleted], now.tables - before.tables)
}

/// One notification about a calendar, from message to end; what it cost, in tables and in queues.
async fn notified(env: &Env, azure: &Azure, side: usize) -> (u64, u64) {
    let before = azure.transactions();
    let calendar_id = [&env.pair.from, &env.pair.to][side].clone();
    nudge::send(&env.scope, &calendar_id, Cause::Webhook).await.expect("a message is sent");
    let message = azure
        .take(nudge::QUEUE, 1, Duration::from_secs(30))
        .await
        .expect("messages are taken")
        .remove(0);
    let verdict =
        jobs::sync_calendar(&env.scope, &Nudge::from_text(&message.body).expect("a nudge")).await;
    assert_eq!(verdict, jobs::NudgeOutcome::Done);
    azure.delete(nudge::QUEUE, &message).await.expect("it is deleted");
    azure.settle().await;
    let now = azure.transactions();
    (now.tables - before.tables, now.queues - before.queues)
}

async fn costs(terms: Terms) -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    let azure = on_azure(&mut env, &azurite).await?;
    let (from, to) = (env.people[0].clone(), env.people[1].clone());
    for n in 0..20 {
        from.put(&format!("e{n}.ics"), &event(&n.to_string(), "Lunch"));
    }
    let asked = SyncOptions::default();
    while pass(&env, &azure, asked).await.0 != [0, 0, 0] {}
    // The queue is made.
    notified(&env, &azure, 0).await;
    for side in [0, 1] {
        let (quiet, message) = notified(&env, &azure, side).await;
        assert!(quiet <= NOTHING, "a notification that finds nothing costs {quiet} transactions");
        assert_eq!(message, 3, "put, taken, deleted");
    }
    let (_, quiet) = pass(&env, &azure, BACKGROUND).await;
    assert!(
        quiet <= NOTHING,
        "a pass in the background that finds nothing costs {quiet} transactions"
    );
    let before = azure.transactions();
    let polled = jobs::poll_calendars(&env.scope).await?;
    let poll = azure.transactions().tables - before.tables;
    assert_eq!((polled.pairs, polled.due, azure.transactions().queues), (1, 0, before.queues));
    assert!(poll <= POLL, "a poll of one pair that finds nothing costs {poll} transactions");
    let (_, in_vain) = pass(&env, &azure, asked).await;
    assert!(
        in_vain <= ASKED,
        "a pass that a person asked for and that finds nothing costs {in_vain} transactions"
    );

    from.edit("e7.ics", |ics| ics.replace("Lunch", "Late lunch"));
    env.reset_counts();
    let (changed, message) = notified(&env, &azure, 0).await;
    assert_eq!(env.writes(), [0, 1], "it was carried over");
    assert!(
        changed + message <= ONE_CHANGE,
        "one changed event costs {changed} transactions of tables and {message} of the queue"
    );
    let (echo, _) = notified(&env, &azure, 1).await;
    from.put("new.ics", &event("new", "Tea"));
    let (did, created) = pass(&env, &azure, BACKGROUND).await;
    assert_eq!(did, [1, 0, 0]);
    pass(&env, &azure, BACKGROUND).await;
    from.edit("new.ics", |ics| ics.replace("Tea", "Coffee"));
    let (did, asked_for) = pass(&env, &azure, asked).await;
    assert_eq!((did, to.names().len()), ([0, 1, 0], 21));
    pass(&env, &azure, BACKGROUND).await;
    from.delete("new.ics");
    let (did, deleted) = pass(&env, &azure, BACKGROUND).await;
    assert_eq!((did, to.names().len()), ([0, 0, 1], 20));
    println!(
        "table transactions: nothing found {quiet} (asked for: {in_vain}), a poll {poll}, one \
        changed {changed}, its echo {echo}, created {created}, changed when asked for \
        {asked_for}, deleted {deleted}"
    );
    for (what, cost) in
        [("new", created), ("changed", asked_for), ("deleted", deleted), ("echoed", echo)]
    {
        assert!(cost <= ONE_EVENT, "one {what} event costs {cost} transactions");
    }
    Ok(())
}

#[tokio::test]
async fn a_pass_costs_what_it_should_one_way() -> anyhow::Result<()> {
    costs(ONE_WAY).await
}

#[tokio::test]
async fn a_pass_costs_what_it_should_both_ways() -> anyhow::Result<()> {
    costs(TWO_WAY).await
}
