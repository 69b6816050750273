//! Pairs that were made and never switched on.

use serde_json::{Value, json};
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::cli::{TWO_WAY, actions};
use crate::support::events::{hour, many};

#[tokio::test]
async fn a_draft_is_previewed_and_synced_only_after_its_start() -> anyhow::Result<()> {
    let draft = [TWO_WAY, &["--draft"]].concat();
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(&draft).await?;
    let cli = &env.cli;
    for (name, object) in many(3) {
        env.people[0].put(&name, &object);
    }
    env.people[1].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    assert_eq!(cli.json(&["pair", "list"]).await?["pairs"][0]["state"], "draft");

    env.reset_counts();
    for arguments in [&[][..], &["--pair", &pair], &["--full"]] {
        let (status, run) = cli.sync_with(arguments).await?;
        assert_eq!(
            (status, &run["state"], &run["actions"], &run["error"]),
            (0, &json!("draft"), &json!([]), &Value::Null)
        );
    }
    assert_eq!(env.servers[0].counts().total() + env.servers[1].counts().total(), 0);

    let status = cli.status().await?;
    let preview = cli.dry_run().await?;
    assert_eq!((&preview["state"], &preview["created"]), (&json!("draft"), &json!(4)), "{preview}");
    assert_eq!((env.writes(), &cli.status().await?), ([0, 0], &status));
    assert_eq!(status["pairs"][0]["state"], "draft");

    for command in ["pause", "resume"] {
        let refused = cli.run(&["pair", command, &pair, "--json"]).await?;
        let (code, message) = refused.failure();
        assert!(refused.status == 1 && code == "draft", "{code}: {message}");
        assert!(message.contains("calrelay pair start"), "{message}");
    }
    for _ in 0..2 {
        assert_eq!(cli.json(&["pair", "start", &pair]).await?, json!({"id": pair}));
    }
    let run = cli.sync().await?;
    assert_eq!((actions(&run), &run["state"]), (actions(&preview), &json!("ok")));
    env.check_at_rest().await?;
    let trail = cli.json(&["audit"]).await?;
    let starts = trail["entries"].as_array().unwrap().iter().filter(|entry| {
        entry["action"] == "pair.start" && entry["subject"] == pair && entry["outcome"] == "done"
    });
    assert_eq!(starts.count(), 2, "{trail}");
    Ok(())
}

#[tokio::test]
async fn a_draft_is_removed() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(&["--draft"]).await?;
    env.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    env.cli.dry_run().await?;
    assert_eq!(env.cli.json(&["pair", "remove", &pair]).await?, json!({"id": pair}));
    assert_eq!(env.cli.json(&["pair", "list"]).await?, json!({"pairs": []}));
    assert_eq!((env.people[0].len(), env.people[1].len()), (1, 0));
    Ok(())
}
