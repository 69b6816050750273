//! One event that the server does not delete, or of which it does not say whether it is gone.

use anyhow::Context as _;
use serde_json::json;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{all_but, check_at_rest, named, problems, rename, titles};
use crate::support::events::many;
use crate::support::rows::hours_pass;

#[tokio::test]
async fn one_deletion_that_is_refused_keeps_no_other_from_being_made() -> anyhow::Result<()> {
    for status in [401, 403, 423, 500] {
        for (terms, side) in [(ONE_WAY, 0), (TWO_WAY, 0), (TWO_WAY, 1)] {
            let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(20) {
                anna.put(&name, &object);
            }
            env.cli.sync().await?;
            let bad = named(&env.people[1 - side], "Event 1")?;
            env.servers[1 - side]
                .faults()
                .always(On::kind(Kind::Delete).at(&bad), Fault::Status(status));
            for title in ["Event 1", "Event 2", "Event 3"] {
                let name = named(&env.people[side], title)?;
                env.people[side].delete(&name);
            }
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["state"], counts(&run)[2]),
                (&json!("ok"), 2),
                "{status} {terms:?} {side}: {run}"
            );
            assert_eq!(
                (problems(&env).await?, env.people[1 - side].len()),
                (vec!["e1.ics".to_owned()], 18)
            );
            env.reset_counts();
            assert_eq!(counts(&env.cli.sync().await?), [0, 0, 0, 0]);
            assert_eq!(env.writes(), [0, 0], "it waits");
            env.servers[1 - side].faults().clear();
            let (_, run) = env.cli.sync_with(&["--full"]).await?;
            assert_eq!(
                (counts(&run)[2], anna.len(), ben.len()),
                (1, 17, 17),
                "{status} {terms:?} {side}: {run}"
            );
            assert!(problems(&env).await?.is_empty());
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_proof_that_is_not_given_deletes_nothing_and_the_others_are_deleted()
-> anyhow::Result<()> {
    for status in [403, 500] {
        for terms in [ONE_WAY, TWO_WAY] {
            let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(20) {
                anna.put(&name, &object);
            }
            env.cli.sync().await?;
            env.servers[0].faults().always(On::kind(Kind::Get).at("e1.ics"), Fault::Status(status));
            for name in ["e1.ics", "e2.ics", "e3.ics"] {
                anna.delete(name);
            }
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["state"], counts(&run)[2]),
                (&json!("ok"), 2),
                "{status} {terms:?}: {run}"
            );
            assert_eq!((problems(&env).await?, ben.len()), (vec!["e1.ics".to_owned()], 18));
            assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 0], "it waits");
            env.servers[0].faults().clear();
            let (_, run) = env.cli.sync_with(&["--full"]).await?;
            assert_eq!(
                (counts(&run)[2], titles(ben)),
                (1, titles(anna)),
                "{status} {terms:?}: {run}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// The answers to our own deletions are lost, and then their reason is undone: what we have deleted
/// is no person's deletion.
#[tokio::test]
async fn what_is_restored_after_our_own_deletion_lives() -> anyhow::Result<()> {
    for (terms, side) in [(ONE_WAY, 0), (TWO_WAY, 0), (TWO_WAY, 1)] {
        for lost in [Fault::DropAfter, Fault::StatusAfter(500)] {
            let case = format!("{terms:?} {side} {lost:?}");
            let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(20) {
                anna.put(&name, &object);
            }
            env.cli.sync().await?;
            let person = &env.people[side];
            let mut deleted = Vec::new();
            for title in ["Event 1", "Event 2", "Event 3"] {
                let name = named(person, title)?;
                deleted.push((name.clone(), person.get(&name).context("it is there")?));
                person.delete(&name);
            }
            env.servers[1 - side].faults().always(On::kind(Kind::Delete), lost);
            env.cli.sync_with(&[]).await?;
            assert_eq!(env.people[1 - side].len(), 17, "{case}");
            env.servers[1 - side].faults().clear();
            for (name, object) in deleted {
                person.put(&name, &object);
            }
            for _ in 0..2 {
                assert_eq!(counts(&env.cli.sync().await?)[2], 0, "{case}");
                hours_pass(&env.cli, 1).await?;
            }
            assert_eq!((titles(anna), titles(ben)), (all_but(20, &[]), all_but(20, &[])), "{case}");
            check_at_rest(&env).await?;
            // A deletion of a person counts as ever.
            let name = named(person, "Event 1")?;
            person.delete(&name);
            assert_eq!(counts(&env.cli.sync().await?)[2], 1, "{case}");
        }
    }
    Ok(())
}

/// A server that names living events as removed, for as long as it likes, costs none of them. Where
/// it names a few, they are followed as ever; where it names all, the pair asks, and goes on when
/// the server is well.
#[tokio::test]
async fn living_events_that_are_named_as_removed_stay() -> anyhow::Result<()> {
    for (terms, side, buried) in [
        (ONE_WAY, 0, "1.ics"),
        (ONE_WAY, 1, "."),
        (TWO_WAY, 0, "."),
        (TWO_WAY, 0, "1.ics"),
        (TWO_WAY, 1, "."),
    ] {
        let case = format!("{terms:?} {side} {buried}");
        let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(20) {
            anna.put(&name, &object);
        }
        env.cli.sync().await?;
        env.servers[side].manners(|manners| manners.buries = Some(buried));
        env.people[side].touch_all();
        rename(anna, "Event 1", "Renamed")?;
        for _ in 0..3 {
            let (_, run) = env.cli.sync_with(&[]).await?;
            assert_eq!((counts(&run)[2], anna.len(), ben.len()), (0, 20, 20), "{case}: {run}");
            assert!(
                buried == "."
                    || (run["state"] == "ok" && titles(ben).contains(&"Renamed".to_owned())),
                "{case}: {run}"
            );
            hours_pass(&env.cli, 1).await?;
        }
        env.servers[side].manners(|manners| manners.buries = None);
        env.people[side].touch_all();
        env.cli.sync().await?;
        assert!(titles(ben).contains(&"Renamed".to_owned()), "{case}: {:?}", titles(ben));
        let gone = named(anna, "Event 2")?;
        anna.delete(&gone);
        assert_eq!((counts(&env.cli.sync().await?)[2], ben.len()), (1, 19), "{case}");
        check_at_rest(&env).await?;
    }
    Ok(())
}
