//! Removing a pair or an account, and adding it again (L1, L5, S3, S4).

use serde_json::json;
use simulators::caldav::Manners;

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::{Cli, ONE_WAY, PRIVATE, TWO_WAY, actions, counts};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};

/// A pair of these terms with twelve copies.
async fn copied(terms: &[&str]) -> anyhow::Result<(CliEnv, String)> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
    for (name, object) in many(12) {
        env.people[0].put(&name, &object);
    }
    env.cli.sync().await?;
    Ok((env, pair))
}

#[tokio::test]
async fn copies_stay_when_a_pair_ends_and_are_found_again() -> anyhow::Result<()> {
    for (before, after) in [
        (ONE_WAY, ONE_WAY),
        (ONE_WAY, TWO_WAY),
        (TWO_WAY, ONE_WAY),
        (ONE_WAY, PRIVATE),
        (PRIVATE, ONE_WAY),
    ] {
        let (env, pair) = copied(before).await?;
        let copies = env.people[1].objects();
        assert_eq!(env.cli.json(&["pair", "remove", &pair]).await?, json!({"id": pair}));
        assert_eq!(env.people[1].objects(), copies, "S3: copies stay as ordinary events");
        assert_eq!(env.cli.json(&["pair", "list"]).await?, json!({"pairs": []}));
        assert_eq!(env.cli.json(&["sync"]).await?["pairs"], json!([]));

        // Meanwhile one origin is renamed, and another one deleted.
        env.people[0].edit("e0.ics", |ics| ics.replace("Event 0", "Zero"));
        let again = env.pair(after).await?;
        assert_ne!(again, pair);
        let preview = env.cli.dry_run().await?;
        let run = env.cli.sync().await?;
        assert_eq!(actions(&preview), actions(&run));
        assert_eq!(
            (&run["created"], &run["deleted"]),
            (&json!(0), &json!(0)),
            "{before:?} {after:?}: {run}"
        );
        assert!(
            run["actions"].as_array().unwrap().iter().any(|action| action["reason"] == "adopted"),
            "{run}"
        );
        assert_eq!((env.people[0].len(), env.people[1].len()), (12, 12), "none twice");
        let [ours, theirs] = env.agendas();
        if after == PRIVATE {
            assert!(theirs.iter().all(|line| line.contains("Busy  [PRIVATE]")), "{theirs:?}");
        } else {
            assert_eq!(ours, theirs);
        }
        assert!(actions(&env.cli.sync().await?).is_empty());
        env.people[0].delete("e1.ics");
        assert_eq!(
            counts(&env.cli.sync().await?),
            [0, 0, 1, 0],
            "adopted copies are copies like any other"
        );
        env.check_at_rest().await?;
    }
    Ok(())
}

/// A copy that stayed behind is an ordinary event, of which no second copy is made where its first
/// origin is.
#[tokio::test]
async fn a_copy_is_never_copied_back() -> anyhow::Result<()> {
    let (env, pair) = copied(ONE_WAY).await?;
    env.cli.json(&["pair", "remove", &pair]).await?;
    let [anna, ben] = &env.calendars;
    let back = env.cli.pair_add(ben, anna, ONE_WAY).await?;
    env.people[1].put("own.ics", &hour("own", 3, 20, "Ben's own"));
    let run = env.cli.sync().await?;
    assert_eq!(run["created"], 1, "Ben's own event and nothing else: {run}");
    assert_eq!(env.people[0].len(), 13);
    let copy = env.people[1]
        .names()
        .into_iter()
        .find(|name| name.starts_with("calrelay-"))
        .expect("a copy");
    let report = env.cli.explain(&back, &copy).await?;
    assert_eq!(
        (&report["copied"], &report["reason"]),
        (&json!(false), &json!("already_there")),
        "{report}"
    );
    Ok(())
}

#[tokio::test]
async fn an_account_takes_its_pairs_with_it_and_leaves_the_copies() -> anyhow::Result<()> {
    let (env, pair) = copied(ONE_WAY).await?;
    let account = env.accounts[1].clone();
    assert_eq!(env.cli.json(&["account", "remove", &account]).await?, json!({"id": account}));
    assert_eq!(env.people[1].len(), 12, "copies stay");
    let status = env.cli.status().await?;
    assert_eq!(
        (status["accounts"].as_array().map(Vec::len), &status["pairs"]),
        (Some(1), &json!([])),
        "{status}"
    );
    let known = env.cli.json(&["calendars"]).await?;
    assert!(
        known["calendars"].as_array().unwrap().iter().all(|row| row["account"] != account.as_str()),
        "{known}"
    );
    assert_eq!(env.cli.run(&["sync", "--pair", &pair, "--json"]).await?.failure().0, "not_found");

    // Connected again it has its old id, its calendar too; paired again nothing is made twice.
    let (user, password) = USERS[1];
    assert_eq!(env.cli.connect(env.servers[1].url().as_str(), user, password).await?, account);
    assert_eq!(env.cli.calendar(&account, "main").await?, env.calendars[1]);
    env.pair(ONE_WAY).await?;
    let run = env.cli.sync().await?;
    assert_eq!((&run["created"], env.people[1].len()), (&json!(0), 12), "{run}");
    Ok(())
}

/// Connecting an account again replaces its password; id and pairs stay, and the next pass goes on
/// where it was.
#[tokio::test]
async fn a_new_password_keeps_everything() -> anyhow::Result<()> {
    let (env, pair) = copied(ONE_WAY).await?;
    let (user, _) = USERS[0];
    env.servers[0].account(user, "a-new-secret-99");
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], &run["error"]["code"]),
        (1, &json!("needs_reconnect"), &json!("unauthorized")),
        "{run}"
    );
    let report = env.cli.status().await?;
    let account = report["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == env.accounts[0].as_str())
        .unwrap();
    assert_eq!(
        (&account["state"], &account["error"]["code"]),
        (&json!("needs_reconnect"), &json!("unauthorized"))
    );

    assert_eq!(
        env.cli.connect(env.servers[0].url().as_str(), user, "a-new-secret-99").await?,
        env.accounts[0]
    );
    assert_eq!(env.cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
    assert!(actions(&env.cli.sync().await?).is_empty());
    assert_eq!(env.people[1].len(), 12);
    Ok(())
}

/// Another installation's copies are not copied on, and are counted.
#[tokio::test]
async fn copies_of_another_installation_are_not_copied_on() -> anyhow::Result<()> {
    let (env, _) = copied(ONE_WAY).await?;
    let other = Cli::new()?;
    let (user, password) = USERS[1];
    let ben = other.connect(env.servers[1].url().as_str(), user, password).await?;
    let third = simulators::caldav::CalDav::start(Manners::generic()).await?;
    let calendar = third.account("carol", "carol-secret-1").calendar("carol", "main");
    let carol = other.connect(third.url().as_str(), "carol", "carol-secret-1").await?;
    other
        .pair_add(
            &other.calendar(&ben, "main").await?,
            &other.calendar(&carol, "main").await?,
            ONE_WAY,
        )
        .await?;
    let preview = other.dry_run().await?;
    let run = other.sync().await?;
    assert_eq!(actions(&preview), actions(&run));
    assert_eq!((counts(&run), calendar.len()), ([0, 0, 0, 12], 0), "{run}");
    assert!(
        run["actions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|action| action["reason"] == "copied_by_another"),
        "{run}"
    );
    assert_eq!(
        (&preview["copied_by_another"], &run["copied_by_another"]),
        (&json!(12), &json!(12))
    );
    let status = other.status().await?;
    assert_eq!(status["pairs"][0]["copied_by_another"], 12, "{status}");
    assert!(actions(&other.sync().await?).is_empty());
    Ok(())
}
