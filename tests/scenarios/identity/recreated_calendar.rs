//! A recreated calendar on a server that reports no deletion: events that writes and reads find
//! missing were not deleted by a person.

use serde_json::json;
use simulators::caldav::{LostToken, Manners};

use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, filled, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;
use crate::support::rows::hours_pass;

/// A server that takes a sync token that it does not know any more, and lists all that there is.
fn forgetful() -> Manners {
    Manners { lost_token: LostToken::Everything, ..Manners::generic() }
}

/// So many events of Anna and one of Ben, copied both ways and listed on another day; then Ben's
/// calendar is recreated.
async fn replaced(events: usize) -> anyhow::Result<(CliEnv, String)> {
    let (env, pair) = filled(forgetful(), events, TWO_WAY).await?;
    env.people[1].put("own.ics", &hour("own", 3, 20, "Ben's own"));
    env.cli.sync().await?;
    hours_pass(&env.cli, 24).await?;
    env.cli.sync().await?;
    env.people[1].replace();
    Ok((env, pair))
}

/// The server accepts the old sync token, as iCloud does, and reports no deletion: new events are
/// copied into the recreated calendar, and the nightly listing does not take them as a sign that
/// the others were deleted one by one.
#[tokio::test]
async fn copies_made_since_do_not_hide_that_a_calendar_was_made_anew() -> anyhow::Result<()> {
    for later in [0, 1] {
        let (env, pair) = replaced(3).await?;
        let [anna, ben] = &env.people;
        for n in 0..2 {
            anna.put(
                &format!("new{n}.ics"),
                &hour(&format!("new{n}"), 3, 21 + n, &format!("New {n}")),
            );
            env.cli.sync_with(&[]).await?;
        }
        hours_pass(&env.cli, 24).await?;
        for hours in [0, later, later] {
            hours_pass(&env.cli, hours).await?;
            let (_, run) = env.cli.sync_with(&[]).await?;
            assert_eq!(
                (&run["held"]["kind"], &run["deleted"]),
                (&json!("emptied"), &json!(0)),
                "{run}"
            );
        }
        let (_, run) = env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
        assert_eq!((&run["state"], &run["deleted"]), (&json!("ok"), &json!(0)), "{run}");
        assert_eq!((titles(anna).len(), titles(anna)), (6, titles(ben)));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Here writes find the events missing: events without an edit are not deleted for that reason.
#[tokio::test]
async fn writes_that_find_nothing_ask_before_the_rest_is_deleted() -> anyhow::Result<()> {
    let (env, pair) = replaced(2).await?;
    let [anna, ben] = &env.people;
    rename(anna, "Event 0", "Zero")?;
    rename(anna, "Ben's own", "Ben's, renamed")?;
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(run["deleted"], json!(0), "{run}");
    assert_eq!(titles(anna), ["Ben's, renamed", "Event 1", "Zero"], "{run}");
    env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
    assert_eq!(titles(ben), titles(anna));
    check_at_rest(&env).await
}

/// The only original of a recreated calendar is looked up because its copy has another version, and
/// no listing has named it.
#[tokio::test]
async fn the_only_original_of_a_calendar_that_was_made_anew_waits_for_a_second_look()
-> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) =
            filled(Manners { lost_token: LostToken::Everything, ..Manners::generic() }, 1, terms)
                .await?;
        let [anna, ben] = &env.people;
        env.cli.sync().await?;
        anna.replace();
        anna.put("new.ics", &hour("new", 9, 9, "New"));
        assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0], "{terms:?}");
        ben.touch_all();
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!((&run["deleted"], ben.len()), (&json!(0), 2), "{terms:?}: {run}");
    }
    Ok(())
}
