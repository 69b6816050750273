//! A person moves an event from one calendar of a pair to the other one, or through a third: no
//! event is lost, and none is there twice.

use serde_json::json;
use simulators::caldav::Calendar;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{all_but, check_at_rest, copied, explained, named, titles};
use crate::support::rows::hours_pass;

/// As clients move an event: its object appears in one calendar under the same name, and then
/// disappears from the other.
fn carry(title: &str, here: &Calendar, there: &Calendar) -> anyhow::Result<()> {
    let name = named(here, title)?;
    let object = here.get(&name).unwrap_or_default();
    there.plant(&name, &object);
    anyhow::ensure!(here.delete(&name));
    Ok(())
}

#[tokio::test]
async fn an_original_is_moved_to_the_other_calendar() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE] {
        for both_seen_at_once in [true, false] {
            let (env, _) = copied(3, terms).await?;
            let [anna, ben] = &env.people;
            if both_seen_at_once {
                carry("Event 1", anna, ben)?;
            } else {
                let name = named(anna, "Event 1")?;
                ben.plant(&name, &anna.get(&name).unwrap_or_default());
                env.cli.sync().await?;
                anyhow::ensure!(anna.delete(&name));
            }
            for hours in [0, 0, 24] {
                hours_pass(&env.cli, hours).await?;
                env.cli.sync().await?;
            }
            let (here, there) = (titles(anna), titles(ben));
            assert!(
                there.contains(&"Event 1".to_owned()),
                "{terms:?}: what was moved is where it was moved to: {there:?}"
            );
            match terms {
                TWO_WAY => assert_eq!((here, there), (all_but(3, &[]), all_but(3, &[]))),
                _ => assert_eq!((here, there.len()), (all_but(3, &[1]), 3), "{terms:?}: {there:?}"),
            }
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// The copy was moved, not deleted: its original stays as it is, also where the copy shows less of
/// it. What was moved is left alone and reported; when the original is deleted, it is an event like
/// any other.
#[tokio::test]
async fn a_copy_is_moved_to_the_calendar_of_its_original() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, &["--two-way", "--private"]] {
        for both_seen_at_once in [true, false] {
            let (env, pair) = copied(12, terms).await?;
            let [anna, ben] = &env.people;
            let original = anna.get("e1.ics");
            let copy = env.cli.explain(&pair, "e1.ics").await?["copy"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let copy = copy.rsplit('/').next().unwrap_or_default().to_owned();
            anna.plant("moved.ics", &ben.get(&copy).unwrap_or_default());
            if !both_seen_at_once {
                env.cli.sync().await?;
            }
            anyhow::ensure!(ben.delete(&copy), "{copy}");
            for hours in [0, 0, 24] {
                hours_pass(&env.cli, hours).await?;
                let run = env.cli.sync().await?;
                assert_eq!(counts(&run)[..3], [0; 3], "{terms:?}: {run}");
            }
            assert_eq!(
                (anna.len(), ben.len(), anna.get("e1.ics")),
                (13, 11, original),
                "{terms:?}"
            );
            assert_eq!(
                explained(&env.cli, &pair, "e1.ics").await?,
                json!("suppressed"),
                "{terms:?}"
            );
            assert_eq!(
                explained(&env.cli, &pair, "moved.ics").await?,
                json!("own_copy"),
                "{terms:?}"
            );

            anyhow::ensure!(anna.delete("e1.ics"));
            let run = env.cli.sync().await?;
            assert_eq!(
                (counts(&run)[..3].to_vec(), ben.len()),
                (vec![1, 0, 0], 12),
                "{terms:?}: {run}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_leaves_its_calendar_and_comes_back() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(12, terms).await?;
        let [anna, ben] = &env.people;
        let third = env.servers[1].calendar("ben", "third");
        carry("Event 1", ben, &third)?;
        carry("Event 1", &third, ben)?;
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!(run["deleted"], json!(0), "{run}");
        assert_eq!((titles(anna), titles(ben)), (all_but(12, &[]), all_but(12, &[])), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}
