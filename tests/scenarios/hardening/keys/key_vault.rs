//! A key in Azure Key Vault, whose versions are made there: everything is wrapped with the newest
//! one when that is asked for.

use std::sync::Arc;

use jobs::Scope;
use simulators::key_vault::KeyVault as StandIn;
use store::Table;
use vault::Envelope;

use crate::key_vault::{MemoryRow, limits, stand_in, wrapping_key};
use crate::support::push_env::{PushEnv, event};

/// Anna and Ben, and secrets that are sealed with the stand-in's key.
async fn filled_env(vault: &StandIn) -> anyhow::Result<PushEnv> {
    let mut env = PushEnv::new().await?;
    env.scope.services.vault = process(vault, &Arc::default());
    for person in &env.people {
        env.connect(person).await?;
    }
    Ok(env)
}

fn process(vault: &StandIn, row: &Arc<MemoryRow>) -> Arc<dyn vault::Vault> {
    Arc::new(Envelope::with_root_row(wrapping_key(vault, limits()), row.clone()))
}

async fn wrapped_with(scope: &Scope, version: &str) -> anyhow::Result<usize> {
    let rows = scope.store.scan(Table::Secrets, "local", "", None, 100).await?;
    Ok(rows.iter().filter(|row| row.value.contains(version)).count())
}

#[tokio::test]
async fn everything_is_wrapped_with_the_newest_version_now() -> anyhow::Result<()> {
    let vault = stand_in().await;
    let mut env = filled_env(&vault).await?;
    env.scope.vault.hash_key("marks").await?;
    let first = vault.newest();
    let done = jobs::rotate_keys(&env.scope, false).await?;
    assert_eq!(
        (done.key.as_str(), done.rewrapped, done.removed),
        (first.as_str(), 0, 0),
        "there is no newer one"
    );
    let second = vault.rotate();
    let done = jobs::rotate_keys(&env.scope, false).await?;
    assert_eq!(
        (done.key.as_str(), done.rewrapped, done.failed.len()),
        (second.as_str(), 3, 0),
        "two accounts, and the root"
    );
    assert_eq!(wrapped_with(&env.scope, &second).await?, 2);
    // The old version of the key is not needed any more.
    vault.enable(&first, false);
    env.pair(env.people[0].address(), env.people[1].address(), false).await?;
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_eq!(env.count("Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_vault_that_denies_access_spoils_nothing_and_the_next_rotation_does_it()
-> anyhow::Result<()> {
    let vault = stand_in().await;
    let env = filled_env(&vault).await?;
    let (first, second) = (vault.newest(), vault.rotate());
    vault.allow(false);
    assert!(jobs::rotate_keys(&env.scope, false).await.is_err());
    vault.allow(true);
    assert_eq!(wrapped_with(&env.scope, &first).await?, 2);
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let done = jobs::rotate_keys(&env.scope, false).await?;
    assert_eq!((done.rewrapped, wrapped_with(&env.scope, &second).await?), (2, 2));
    Ok(())
}
