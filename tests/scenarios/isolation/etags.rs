//! ETags in forms that RFC 9110 allows, and others.

use serde_json::json;
use simulators::caldav::{Etags, Manners};

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, named, problems, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::events::many;
use crate::support::rows::hours_pass;

async fn paired_env(etags: Etags, terms: &[&str]) -> anyhow::Result<CliEnv> {
    let env = Builder::caldav(Manners { etags, ..Manners::generic() }).build_cli().await?;
    for (name, object) in many(5) {
        env.people[0].put(&name, &object);
    }
    env.pair(terms).await?;
    env.cli.sync().await?;
    Ok(env)
}

#[tokio::test]
async fn events_are_changed_and_deleted_whatever_the_form_of_their_versions() -> anyhow::Result<()>
{
    for etags in [
        Etags::Strong,
        Etags::Weak,
        Etags::Unquoted,
        Etags::Compressed,
        Etags::OfCalendar,
        Etags::OtherInListing,
    ] {
        for (terms, sides) in [(ONE_WAY, vec![0]), (TWO_WAY, vec![0, 1])] {
            let env = paired_env(etags, terms).await?;
            let [anna, ben] = &env.people;
            for side in sides {
                rename(&env.people[side], "Event 1", "Edited")?;
                assert_eq!(
                    counts(&env.cli.sync().await?),
                    [0, 1, 0, 0],
                    "{etags:?} {terms:?} {side}"
                );
                rename(&env.people[side], "Edited", "Event 1")?;
                assert_eq!(
                    counts(&env.cli.sync().await?),
                    [0, 1, 0, 0],
                    "{etags:?} {terms:?} {side}"
                );
                let gone = named(&env.people[side], &format!("Event {}", 2 + side))?;
                env.people[side].delete(&gone);
                assert_eq!(
                    counts(&env.cli.sync().await?),
                    [0, 0, 1, 0],
                    "{etags:?} {terms:?} {side}"
                );
                assert_eq!(titles(anna), titles(ben), "{etags:?} {terms:?} {side}");
                check_at_rest(&env).await?;
            }
            env.reset_counts();
            env.cli.sync_with(&["--full"]).await?;
            assert_eq!(env.writes(), [0, 0], "{etags:?} {terms:?}");
        }
    }
    Ok(())
}

/// A write to such a server could undo another person's work: the owner gets a message, and nothing
/// else suffers.
#[tokio::test]
async fn a_server_that_takes_no_condition_is_named() -> anyhow::Result<()> {
    let env = paired_env(Etags::NoCondition, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    rename(anna, "Event 1", "Edited")?;
    anna.put("new.ics", &many(9)[8].1);
    let run = env.cli.sync().await?;
    assert_eq!((&run["state"], counts(&run)), (&json!("ok"), [1, 0, 0, 1]), "{run}");
    assert_eq!((problems(&env).await?, ben.len()), (vec!["e1.ics".to_owned()], 6));
    Ok(())
}

/// Several at once, each of which gives the whole calendar another version.
#[tokio::test]
async fn many_edits_and_deletions_reach_a_server_whose_reads_have_versions_of_their_own()
-> anyhow::Result<()> {
    for etags in [Etags::OfCalendar, Etags::OtherInListing] {
        let env = paired_env(etags, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        for n in 0..3 {
            rename(ben, &format!("Event {n}"), &format!("Edited {n}"))?;
        }
        ben.delete(&named(ben, "Event 3")?);
        for hours in [0, 1] {
            hours_pass(&env.cli, hours).await?;
            env.cli.sync().await?;
        }
        assert_eq!((titles(anna), anna.len()), (titles(ben), 4), "{etags:?}");
        assert!(
            titles(anna)[0].starts_with("Edited") && problems(&env).await?.is_empty(),
            "{etags:?}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}
