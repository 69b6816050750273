//! What several stories of one world do in the same way.

use engine::provider::ProviderKind;
use jobs::SyncOptions;
use jobs::directory::{self, Account};
use jobs::report::Run;

use crate::support::env::{Terms, USERS, World};

pub const ONE_WAY: Terms = Terms { two_way: false, private: false, private_back: false };
pub const TWO_WAY: Terms = Terms { two_way: true, private: false, private_back: false };

/// Everything is read from the start.
pub const FULL: SyncOptions = SyncOptions {
    dry_run: false,
    full: true,
    confirm_deletions: false,
    answer: None,
    background: false,
};
/// Nothing is written.
pub const DRY: SyncOptions = SyncOptions {
    dry_run: true,
    full: false,
    confirm_deletions: false,
    answer: None,
    background: false,
};
/// The owner has confirmed what was held.
pub const CONFIRMED: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: true,
    answer: None,
    background: false,
};
/// Nobody asked for it.
pub const BACKGROUND: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: false,
    answer: None,
    background: true,
};

/// Passes at the end of a story that write nothing: what grows with each pass is seen in the second
/// one at the latest.
pub const LAST_PASSES: usize = 3;

/// Why, action by action, as `--json` names it.
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

/// The error's code; empty where the pass ended well.
pub fn code(run: &Run) -> &str {
    run.error.as_ref().map_or("", |error| error.code.as_str())
}

/// How many copies the pair says that it keeps.
pub async fn copies(world: &World) -> anyhow::Result<u64> {
    Ok(jobs::status(&world.services, 60).await?.pairs[0].copies)
}

/// The account of Anna (0) or Ben (1).
pub async fn account(world: &World, side: usize) -> anyhow::Result<Account> {
    let accounts = directory::accounts(&world.services).await?;
    accounts
        .into_iter()
        .find(|account| account.user == USERS[side].0)
        .ok_or_else(|| anyhow::anyhow!("no account"))
}

/// Connects an account again, with another password.
pub async fn connect_again(world: &World, side: usize, password: &str) -> anyhow::Result<Account> {
    let Account { url, user, .. } = account(world, side).await?;
    Ok(directory::connect_account(
        &world.services,
        ProviderKind::Caldav,
        &url,
        &user,
        &password.into(),
    )
    .await?)
}

/// Within a few passes there is nothing left to do; then three passes write nothing, both sides
/// show the same, and no guest was ever mailed.
pub async fn at_rest(world: &World) {
    let mut run = world.sync().await;
    for _ in 0..2 {
        run = world.sync().await;
    }
    assert!(run.error.is_none() && run.held.is_none(), "{run:?}");
    for _ in 0..LAST_PASSES {
        world.reset_counts();
        let run = world.sync().await;
        assert!(
            run.error.is_none() && run.actions.is_empty() && world.writes() == [0, 0],
            "not quiet: {run:?}"
        );
    }
    world.in_step().await.expect("both sides show the same");
    world.assert_nobody_was_harmed();
}
