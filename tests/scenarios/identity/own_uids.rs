//! A server that keeps names, gives events UIDs of its own and drops what it does not know, marks
//! among it: a copy is known by its name, and by the UID that the server shows.

use simulators::caldav::{Calendar, Manners, Rewrite};

use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{
    all_but, check_at_rest, delete, filled, named, pass_a_night, rename, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::{at, hour};
use crate::support::rows::hours_pass;

/// Ben's server is one.
async fn at_ben(events: usize, terms: &[&str], etag_on_put: bool) -> anyhow::Result<CliEnv> {
    let (env, _) = filled(Manners::generic(), events, terms).await?;
    env.servers[1].manners(|manners| {
        (manners.rewrite, manners.uid_may_change, manners.etag_on_put) =
            (Rewrite::Anew, true, etag_on_put);
    });
    pass_a_night(&env).await?;
    Ok(env)
}

/// Title and time in one edit.
fn turn_into_dinner(calendar: &Calendar, title: &str) -> anyhow::Result<()> {
    let name = named(calendar, title)?;
    assert!(calendar.edit(&name, |ics| {
        let lines =
            ics.lines().map(|line| match line.split_once(':').map_or("", |(name, _)| name) {
                "SUMMARY" => "SUMMARY:Dinner".to_owned(),
                "DTSTART" => format!("DTSTART:{}", at(40, 18)),
                "DTEND" => format!("DTEND:{}", at(40, 19)),
                _ => line.to_owned(),
            });
        lines.map(|line| line + "\r\n").collect()
    }));
    Ok(())
}

#[tokio::test]
async fn an_edit_of_title_and_time_is_an_edit() -> anyhow::Result<()> {
    for etag_on_put in [true, false] {
        for events in [1, 4] {
            let env = at_ben(events, TWO_WAY, etag_on_put).await?;
            let [anna, ben] = &env.people;
            turn_into_dinner(ben, "Event 0")?;
            let run = env.cli.sync().await?;
            assert_eq!(counts(&run)[..3], [0, 1, 0], "{etag_on_put} {events}: {run}");
            assert!(
                named(anna, "Dinner")? == "e0.ics" && anna.len() == events,
                "{:?}",
                titles(anna)
            );
            assert_eq!(titles(anna), titles(ben));
            rename(anna, "Dinner", "Supper")?;
            assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
            if events > 1 {
                delete(ben, "Supper")?;
                assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1]);
            }
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// One-way it is put right with the next change of the original, and goes with it.
#[tokio::test]
async fn one_way_an_edited_copy_stays_the_copy() -> anyhow::Result<()> {
    for etag_on_put in [true, false] {
        let env = at_ben(4, ONE_WAY, etag_on_put).await?;
        let [anna, ben] = &env.people;
        turn_into_dinner(ben, "Event 0")?;
        env.cli.sync().await?;
        rename(anna, "Event 0", "Event 0, renamed")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
        assert_eq!(titles(anna), titles(ben));
        delete(anna, "Event 0, renamed")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1]);
        assert_eq!(titles(ben), all_but(4, &[0]));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Each with the UID that its server has given it.
#[tokio::test]
async fn copies_that_exchange_their_names_are_known_by_their_uids() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for moved in [false, true] {
            let env = at_ben(6, terms, false).await?;
            let [anna, ben] = &env.people;
            let (before, originals) = (titles(ben), anna.objects());
            let objects = ben.objects();
            let names = objects.iter().map(|(name, _)| name.clone());
            // All names go round; or one of them is a new one, and one is free from then on.
            let mut names: Vec<String> = names.cycle().skip(1).take(objects.len()).collect();
            if moved {
                ben.delete(&objects[0].0);
                names[objects.len() - 1] = "moved.ics".into();
            }
            for (name, (_, object)) in names.iter().zip(&objects) {
                ben.put(name, object);
            }
            for hours in [0, 1, 24] {
                hours_pass(&env.cli, hours).await?;
                let run = env.cli.sync().await?;
                assert_eq!(counts(&run)[..3], [0, 0, 0], "{terms:?} {moved}: {run}");
            }
            assert_eq!((titles(ben), anna.objects()), (before, originals), "{terms:?} {moved}");
            rename(anna, "Event 3", "Event 3, renamed")?;
            delete(anna, "Event 4")?;
            assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 1]);
            assert_eq!(titles(anna), titles(ben));
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// An event of Ben's own that gets the name of a copy is known by its UID, once the server has
/// shown that of the copy.
#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_its_owners() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = at_ben(4, terms, false).await?;
        let [anna, ben] = &env.people;
        let name = named(ben, "Event 1")?;
        ben.put(&name, &hour("own", 9, 15, "My own"));
        let own = ben.get(&name);
        env.cli.sync().await?;
        assert_eq!(
            (ben.get(&name), named(anna, "Event 1").is_ok()),
            (own.clone(), true),
            "{terms:?}"
        );
        anna.delete("e1.ics");
        env.cli.sync().await?;
        assert_eq!(ben.get(&name), own, "{terms:?}: with the original");
        check_at_rest(&env).await?;
    }
    Ok(())
}
