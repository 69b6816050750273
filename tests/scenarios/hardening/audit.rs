//! The audit trail: each change with its actor and its result.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use simulators::caldav::Manners;

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::Cli;
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;
use crate::support::running::Running;

/// Action, subject and outcome of each entry.
async fn trail(cli: &Cli) -> anyhow::Result<Vec<[String; 3]>> {
    let answer = cli.json(&["audit"]).await?;
    let entries = answer["entries"].as_array().cloned().unwrap_or_default();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    for entry in &entries {
        assert!(["at", "who", "from"].iter().all(|name| !text(entry, name).is_empty()), "{entry}");
    }
    Ok(entries
        .iter()
        .map(|entry| ["action", "subject", "outcome"].map(|name| text(entry, name)))
        .collect())
}

#[tokio::test]
async fn every_change_is_written_down_with_its_outcome() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let cli = &env.cli;
    let [anna, ben] = &env.accounts;
    let url = env.servers[0].url().to_string();
    cli.run_with(
        &["account", "add", "caldav", "--url", &url, "--user", USERS[0].0, "--password-stdin"],
        "Zirbelkiefer\n",
    )
    .await?;
    let pair = env.pair(&[]).await?;
    for n in 0..40 {
        env.people[0]
            .put(&format!("{n}.ics"), &hour(&format!("e{n}"), 1 + n % 20, 9, "Quittengelee"));
    }
    cli.json(&["sync"]).await?;
    for n in 0..30 {
        env.people[0].delete(&format!("{n}.ics"));
    }
    cli.json(&["sync"]).await?;
    cli.json(&["sync", "--pair", &pair, "--confirm-deletions", "--dry-run"]).await?;
    cli.json(&["sync", "--pair", &pair, "--confirm-deletions"]).await?;
    // Nothing waits for an answer any more.
    for option in ["--confirm-deletions", "--make-again"] {
        let answer = cli.run(&["sync", "--pair", &pair, option]).await?;
        let said = format!("waited for an answer, so {option} releases nothing");
        assert!(answer.status == 0 && answer.stderr.contains(&said), "{}", answer.stderr);
    }
    for command in ["pause", "resume", "remove"] {
        cli.json(&["pair", command, &pair]).await?;
    }
    assert_eq!(cli.run(&["pair", "remove", &pair]).await?.status, 1);
    // What is typed in the wrong place may be anything.
    assert_eq!(cli.run(&["account", "remove", "Mondscheinweg"]).await?.status, 1);
    let key = cli.json(&["vault", "rotate"]).await?["key"].as_str().unwrap_or_default().to_owned();
    cli.json(&["account", "remove", ben]).await?;
    for looked in
        [&["status"][..], &["calendars"], &["doctor"], &["account", "list"], &["pair", "list"]]
    {
        cli.json(looked).await?;
    }
    let expected = [
        ["account.add", anna, "done"],
        ["account.add", ben, "done"],
        ["account.add", "caldav", "unauthorized"],
        ["pair.add", &pair, "done"],
        ["deletions.held", &pair, "30 of 40"],
        ["deletions.confirm", &pair, "done"],
        ["deletions.settled", &pair, "30 deleted"],
        ["deletions.confirm", &pair, "nothing_held"],
        ["emptied.make_again", &pair, "nothing_held"],
        ["pair.pause", &pair, "done"],
        ["pair.resume", &pair, "done"],
        ["pair.remove", &pair, "done"],
        ["pair.remove", &pair, "not_found"],
        ["account.remove", "no id", "not_found"],
        ["vault.rotate", &key, "done"],
        ["account.remove", ben, "done"],
    ];
    assert_eq!(trail(cli).await?, expected);
    let listed =
        format!("{:?} {:?}", cli.run(&["audit"]).await?, cli.run(&["audit", "--json"]).await?);
    for secret in ["Zirbelkiefer", "Quittengelee", "Mondscheinweg", USERS[0].1, USERS[1].1, "ics"] {
        assert!(!listed.contains(secret), "{secret}");
    }
    Ok(())
}

/// The settings that the service has found changed, as often as it was started.
async fn changes(cli: &Cli) -> anyhow::Result<Vec<String>> {
    let changed = trail(cli).await?.into_iter().filter(|entry| entry[0] == "settings.change");
    Ok(changed.map(|[_, names, _]| names).collect())
}

#[tokio::test]
async fn a_service_that_starts_with_other_settings_says_which() -> anyhow::Result<()> {
    let mut env = Builder::caldav(Manners::generic()).build_cli().await?;
    let started = async |env: &CliEnv, expected: usize| -> anyhow::Result<Vec<String>> {
        let running = Running::start(&env.cli).await?;
        // It is written down beside the work.
        let written = async {
            while changes(&env.cli).await?.len() < expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(30), written)
            .await
            .context("it was not written down")??;
        running.terminate().await?;
        changes(&env.cli).await
    };
    started(&env, 1).await?;
    started(&env, 1).await?;
    env.cli = env.cli.with("ICLOUD_CALDAV_URL", "https://dav.example.org/Haselnusshof/");
    let now = started(&env, 2).await?;
    assert_eq!(
        (now.len(), now[1].as_str()),
        (2, "ICLOUD_CALDAV_URL"),
        "the second start has changed nothing"
    );
    assert!(!format!("{:?}", env.cli.run(&["audit"]).await?).contains("Haselnusshof"));
    Ok(())
}
