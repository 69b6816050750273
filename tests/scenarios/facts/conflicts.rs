//! Changes of both sides that met are counted in `status`, and nothing of what they said is kept.

use serde_json::json;
use store::Table;

use crate::support::cli::TWO_WAY;
use crate::support::cli_checks::copied;

#[tokio::test]
async fn a_conflict_is_counted_and_its_values_are_not_stored() -> anyhow::Result<()> {
    let (env, pair) = copied(2, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    let title = "SUMMARY:Event 0";
    assert!(anna.edit("e0.ics", |ics| ics.replace(title, "SUMMARY:Zebra crossing")));
    for name in ben.names() {
        ben.edit(&name, |ics| ics.replace(title, "SUMMARY:Walrus parade"));
    }
    let run = env.cli.sync().await?;
    assert_eq!(run["actions"][0]["reason"], "origin_wins", "{run}");
    assert_eq!(env.cli.status().await?["pairs"][0]["conflicts"], json!(1));
    let opened = env.cli.storage().open(&env.cli.data_dir()).await?;
    let rows = opened.store().scan(Table::Pairs, &pair, "c:", None, 10).await?;
    let stored: String = rows.into_iter().map(|row| row.value).collect();
    opened.settle().await;
    for word in ["Zebra", "Walrus"] {
        assert!(!stored.contains(word), "{word}");
    }
    assert!(stored.contains("from_wins") && stored.contains("title"), "{stored}");
    env.check_at_rest().await
}
