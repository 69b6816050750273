//! Events that are put back after their calendar was emptied are the earlier events again.

use simulators::caldav::{Manners, Rewrite};

use crate::support::cli::{TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, copied, delete, filled, rename, titles};
use crate::support::events::hour;

/// The calendar of the originals was emptied and left so, which makes their copies the events of
/// the pair. When it is restored from a backup, the originals are the originals again: nothing is
/// shown behind a private pair, and nothing of them is lost.
#[tokio::test]
async fn originals_that_are_restored_are_the_originals_again() -> anyhow::Result<()> {
    for (private, renamed) in [
        (&[][..], false),
        (&["--private"], false),
        (&["--private-back"], false),
        (&[], true),
        (&["--private"], true),
    ] {
        let (env, pair) = copied(6, &[TWO_WAY, private].concat()).await?;
        let [anna, ben] = &env.people;
        ben.put("own.ics", &hour("own", 3, 20, "Own"));
        env.cli.sync().await?;
        let objects: Vec<(String, String)> = anna
            .names()
            .into_iter()
            .filter_map(|name| Some((name.clone(), anna.get(&name)?)))
            .collect();
        let before = [titles(anna), titles(ben)];
        anna.clear();
        env.cli.sync_with(&[]).await?;
        env.cli.sync_with(&["--pair", &pair, "--leave-out"]).await?;
        assert_eq!((anna.len(), titles(ben)), (0, before[1].clone()), "{private:?}");
        for (name, object) in &objects {
            anna.put(&if renamed { format!("imported-{name}") } else { name.clone() }, object);
        }
        for arguments in [&[][..], &["--full"]] {
            env.cli.sync_with(arguments).await?;
            assert_eq!([titles(anna), titles(ben)], before, "{private:?} {renamed} {arguments:?}");
        }
        rename(anna, "Event 1", "Renamed")?;
        assert_eq!(
            counts(&env.cli.sync().await?)[..3],
            [0, u64::from(private != ["--private"]), 0],
            "{private:?}"
        );
        delete(anna, "Event 2")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1], "{private:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Originals that had been made again before they were left out, and copies that have UIDs of their
/// server's: restored under other names.
#[tokio::test]
async fn what_is_restored_under_another_name_is_known_by_its_uid() -> anyhow::Result<()> {
    for (emptied, rewrite) in [(0, Rewrite::Kept), (0, Rewrite::Plain), (1, Rewrite::Anew)] {
        let (env, pair) = filled(Manners::generic(), 6, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        env.servers[emptied].manners(|manners| {
            (manners.rewrite, manners.uid_may_change, manners.etag_on_put) = (rewrite, true, false);
        });
        env.cli.sync().await?;
        rename(ben, "Event 1", "Edited")?;
        delete(anna, "Event 1")?;
        env.cli.sync().await?;
        let calendar = &env.people[emptied];
        let (objects, before) = (calendar.objects(), titles(ben));
        calendar.clear();
        env.cli.sync_with(&[]).await?;
        env.cli.sync_with(&["--pair", &pair, "--leave-out"]).await?;
        for (n, (_, object)) in objects.iter().enumerate() {
            calendar.put(&format!("import{n}.ics"), object);
        }
        for arguments in [&[][..], &["--full"]] {
            env.cli.sync_with(arguments).await?;
            assert_eq!(
                [titles(anna), titles(ben)],
                [before.clone(), before.clone()],
                "{emptied} {rewrite:?} {arguments:?}"
            );
        }
        rename(anna, "Event 2", "Renamed")?;
        rename(anna, "Edited", "Edited again")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 2, 0], "{emptied} {rewrite:?}");
        delete(anna, "Event 3")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1], "{emptied} {rewrite:?}");
        // What is new since is an event like any other.
        anna.put("new.ics", &hour("new", 3, 21, "New"));
        assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0], "{emptied} {rewrite:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}
