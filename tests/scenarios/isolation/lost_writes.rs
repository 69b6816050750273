//! Something in front of a server answers writes with success, and the server never sees them.

use serde_json::json;
use simulators::caldav::{LostWrite, Manners};

use super::explained;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, filled, named, problems, rename, skipped, titles};
use crate::support::events::hour;
use crate::support::rows::hours_pass;

/// The event is named and tried again, everything else goes on, and nothing is taken for an edit of
/// the copy.
#[tokio::test]
async fn a_change_that_was_answered_with_success_and_not_stored_is_written_later()
-> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for lost in [LostWrite::Page, LostWrite::NoContent] {
            let case = format!("{terms:?} {lost:?}");
            let (env, pair) = filled(Manners::generic(), 4, terms).await?;
            let [anna, ben] = &env.people;
            env.cli.sync().await?;
            env.cli.sync().await?;
            env.servers[1].manners(|manners| manners.loses_writes = Some(lost));
            rename(anna, "Event 1", "Edited")?;
            anna.delete("e2.ics");
            let run = env.cli.sync().await?;
            assert_eq!((&run["state"], counts(&run)), (&json!("ok"), [0, 0, 1, 1]), "{case}");
            assert_eq!(skipped(&run, "refused_by_server").len(), 1, "{case}: {run}");
            assert_eq!(problems(&env).await?, ["e1.ics"], "{case}");
            let (reason, words) = explained(&env.cli, &pair, "e1.ics").await?;
            assert!(reason == "refused_by_server" && words.contains("answered"), "{case}: {words}");

            env.servers[1].manners(|manners| manners.loses_writes = None);
            env.cli.sync().await?;
            hours_pass(&env.cli, 1).await?;
            let run = env.cli.sync().await?;
            assert_eq!(counts(&run), [0, 1, 0, 0], "{case}: {run}");
            assert!(named(anna, "Edited").is_ok() && titles(anna) == titles(ben), "{case}");
            assert!(problems(&env).await?.is_empty(), "{case}");
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_that_was_answered_with_success_and_not_stored_is_named() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for lost in [LostWrite::Page, LostWrite::NoContent] {
            let case = format!("{terms:?} {lost:?}");
            let (env, pair) = filled(Manners::generic(), 4, terms).await?;
            let [anna, ben] = &env.people;
            env.cli.sync().await?;
            env.servers[1].manners(|manners| manners.loses_writes = Some(lost));
            anna.put("new.ics", &hour("new", 5, 9, "New"));
            let run = env.cli.sync().await?;
            let is_page = lost == LostWrite::Page;
            assert_eq!(run["created"], u64::from(!is_page), "{case}: {run}");
            assert_eq!(problems(&env).await?, ["new.ics"], "{case}");
            assert_eq!(explained(&env.cli, &pair, "new.ics").await?.0, "refused_by_server");

            env.servers[1].manners(|manners| manners.loses_writes = None);
            rename(anna, "New", "Newer")?;
            let run = env.cli.sync().await?;
            if !is_page {
                // A server may show late what it has made: the change waits.
                assert_eq!(counts(&run), [0, 0, 0, 1], "{case}: {run}");
                env.cli.sync_with(&["--full"]).await?;
            }
            assert_eq!(titles(anna), titles(ben), "{case}: {run}");
            env.cli.sync().await?;
            assert!(problems(&env).await?.is_empty(), "{case}");
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}
