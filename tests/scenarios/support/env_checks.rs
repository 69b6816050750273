//! Options of passes, and what scenarios of an in-process environment check.

use jobs::SyncOptions;
use jobs::report::Run;

use super::accounts::{self, USERS};
use super::env::Env;
use super::installation::connect;
use super::product::{self, Account};

/// Lists both calendars as a whole.
pub const FULL: SyncOptions = SyncOptions {
    dry_run: false,
    full: true,
    confirm_deletions: false,
    answer: None,
    background: false,
};
/// Writes nothing.
pub const DRY: SyncOptions = SyncOptions {
    dry_run: true,
    full: false,
    confirm_deletions: false,
    answer: None,
    background: false,
};
/// Makes the deletions that are held.
pub const CONFIRMED: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: true,
    answer: None,
    background: false,
};
/// As from a timer or a queue.
pub const BACKGROUND: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: false,
    answer: None,
    background: true,
};

/// Passes at the end of a scenario that write nothing. What grows with each pass shows in the second
/// one at the latest.
pub const LAST_PASSES: usize = 3;

/// The reason of each action, as `--json` spells it.
pub fn reasons(run: &Run) -> Vec<String> {
    let reasons = run.actions.iter().filter_map(|action| action.reason);
    reasons
        .map(|reason| {
            serde_json::to_value(reason)
                .ok()
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        })
        .collect()
}

/// Created, changed, deleted.
pub fn did(run: &Run) -> [u64; 3] {
    [run.created, run.changed, run.deleted]
}

/// The error code; empty where the pass succeeded.
pub fn code(run: &Run) -> &str {
    run.error.as_ref().map_or("", |error| error.code.as_str())
}

/// How many copies the pair keeps, by its status.
pub async fn copies(env: &Env) -> anyhow::Result<u64> {
    Ok(env.pair_state().await?.copies)
}

/// The account of Anna (0) or Ben (1).
async fn account(env: &Env, side: usize) -> anyhow::Result<Account> {
    let accounts = product::accounts(&env.scope).await?;
    accounts
        .into_iter()
        .find(|account| account.user == USERS[side].0)
        .ok_or_else(|| anyhow::anyhow!("no account"))
}

/// Connects an account again, with another password.
pub async fn reconnect(env: &Env, side: usize, password: &str) -> anyhow::Result<Account> {
    let Account { kind, url, user, .. } = account(env, side).await?;
    let again = accounts::Account { kind, url, user, password: password.to_owned() };
    Ok(connect(&env.scope, &again).await?)
}

/// Two passes do what is left; then three passes write nothing, both sides show equal events, and no
/// attendee was mailed.
pub async fn assert_at_rest(env: &Env) {
    let mut run = env.sync().await;
    for _ in 0..2 {
        run = env.sync().await;
    }
    assert!(run.error.is_none() && run.held.is_none(), "{run:?}");
    for _ in 0..LAST_PASSES {
        env.reset_counts();
        let run = env.sync().await;
        assert!(
            run.error.is_none() && run.actions.is_empty() && env.writes() == [0, 0],
            "not at rest: {run:?}"
        );
    }
    env.compare_sides().await.expect("both sides show equal events");
    env.assert_no_harm();
}
