//! A server that answers from a stale replica: for a while it shows the version before our write,
//! with the former ETag. That is not an edit.

use simulators::caldav::{Calendar, Manners};

use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, filled, named, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::rows::hours_pass;

async fn at_rest_before(tokens: bool, terms: &[&str]) -> anyhow::Result<CliEnv> {
    let (env, _) =
        filled(Manners { sync: tokens, ctag: tokens, ..Manners::generic() }, 4, terms).await?;
    for hours in [0, 1] {
        hours_pass(&env.cli, hours).await?;
        env.cli.sync().await?;
    }
    Ok(env)
}

fn edit(calendar: &Calendar, title: &str, line: &str) -> anyhow::Result<()> {
    let name = named(calendar, title)?;
    assert!(calendar.edit(&name, |ics| ics.replace("SUMMARY:", &format!("{line}\r\nSUMMARY:"))));
    Ok(())
}

/// Ben's server is stale, or Anna's; it is listed as a whole or not, on the same day or at night.
#[tokio::test]
async fn a_version_that_was_replaced_is_no_edit() -> anyhow::Result<()> {
    for (terms, writer) in [(ONE_WAY, 0), (TWO_WAY, 0), (TWO_WAY, 1)] {
        for tokens in [true, false] {
            for hours in [0, 24] {
                let case = format!("{terms:?} {writer} {tokens} {hours}");
                let env = at_rest_before(tokens, terms).await?;
                let [own, other] = [&env.people[writer], &env.people[1 - writer]];
                rename(own, "Event 0", "Edited")?;
                other.stand_still(true);
                assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0], "{case}");
                for arguments in [&[][..], &["--full"], &[]] {
                    hours_pass(&env.cli, if arguments.is_empty() { 0 } else { hours }).await?;
                    let (_, run) = env.cli.sync_with(arguments).await?;
                    assert_eq!(counts(&run)[..3], [0, 0, 0], "{case}: {run}");
                }
                other.stand_still(false);
                env.cli.sync().await?;
                assert!(
                    named(own, "Edited").is_ok() && titles(own) == titles(other),
                    "{case}: {:?} {:?}",
                    titles(own),
                    titles(other)
                );
                rename(own, "Edited", "Edited again")?;
                assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0], "{case}");
                assert_eq!(titles(own), titles(other), "{case}");
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

/// What is edited meanwhile reaches the copy, and no word of it is lost.
#[tokio::test]
async fn what_is_edited_while_a_server_is_behind_is_written() -> anyhow::Result<()> {
    for tokens in [true, false] {
        let env = at_rest_before(tokens, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        rename(anna, "Event 0", "Edited")?;
        ben.stand_still(true);
        env.cli.sync().await?;
        for line in ["LOCATION:Room 5", "DESCRIPTION:Bring numbers"] {
            edit(anna, "Edited", line)?;
            for _ in 0..2 {
                env.cli.sync_all(&[]).await?;
            }
        }
        ben.stand_still(false);
        env.cli.sync().await?;
        for calendar in [anna, ben] {
            let object = calendar.get(&named(calendar, "Edited")?).unwrap_or_default();
            assert!(
                ["Room 5", "Bring numbers"].iter().all(|words| object.contains(words)),
                "{tokens}: {object}"
            );
        }
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Restored for good, with the ETag that it had: it is what it says, after a whole listing of a
/// later day.
#[tokio::test]
async fn a_version_that_stays_counts_on_a_later_day() -> anyhow::Result<()> {
    for tokens in [true, false] {
        let env = at_rest_before(tokens, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        let name = named(ben, "Event 0")?;
        let (before, etag) =
            (ben.get(&name).unwrap_or_default(), ben.etag(&name).unwrap_or_default());
        rename(anna, "Event 0", "Edited")?;
        env.cli.sync().await?;
        ben.put(&name, &before);
        ben.set_etag(&name, &etag);
        for hours in [0, 24, 24, 1] {
            hours_pass(&env.cli, hours).await?;
            env.cli.sync().await?;
        }
        assert!(
            named(anna, "Event 0").is_ok() && titles(anna) == titles(ben),
            "{tokens}: {:?} {:?}",
            titles(anna),
            titles(ben)
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// On a server whose ETags follow from the content: what a person has restored is seen by the next
/// pass, and what is edited after that as well. A server without tokens has to have listed our
/// write before.
#[tokio::test]
async fn what_is_restored_is_an_edit() -> anyhow::Result<()> {
    for (tokens, writer) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
        let case = format!("{tokens} {writer}");
        let env = at_rest_before(tokens, TWO_WAY).await?;
        let [own, other] = [&env.people[writer], &env.people[1 - writer]];
        let name = named(other, "Event 0")?;
        let (before, etag) =
            (other.get(&name).unwrap_or_default(), other.etag(&name).unwrap_or_default());
        rename(own, "Event 0", "Edited")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0], "{case}");
        if !tokens {
            env.cli.sync().await?;
        }
        other.put(&name, &before);
        other.set_etag(&name, &etag);
        let run = env.cli.sync().await?;
        assert!(counts(&run)[..3] == [0, 1, 0] && named(own, "Event 0").is_ok(), "{case}: {run}");
        for (calendar, line) in [(own, "LOCATION:Room 5"), (other, "DESCRIPTION:Bring numbers")] {
            edit(calendar, "Event 0", line)?;
            assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0], "{case}: {line}");
        }
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// As long as a server may be behind, nothing is decided about what it shows; the edit that waits
/// for it is named.
#[tokio::test]
async fn what_waits_for_a_server_that_is_behind_is_named() -> anyhow::Result<()> {
    let env = at_rest_before(true, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    rename(ben, "Event 0", "Edited")?;
    anna.stand_still(true);
    env.cli.sync().await?;
    edit(ben, "Edited", "LOCATION:Room 5")?;
    for _ in 0..2 {
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!(counts(&run), [0, 0, 0, 1], "{run}");
        assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 1);
    }
    anna.stand_still(false);
    env.cli.sync().await?;
    assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 0);
    assert!(
        anna.get("e0.ics")
            .is_some_and(|object| object.contains("Room 5") && object.contains("Edited"))
    );
    check_at_rest(&env).await
}
