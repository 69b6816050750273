//! A person moves an event from one calendar of a pair to the other one, or through a third: no event is lost, and none is there twice.

use serde_json::json;
use simulators::caldav::Calendar;

use super::{all_but, copied, named, titles, village_at_rest};
use crate::cli::{ONE_WAY, PRIVATE, TWO_WAY};
use crate::rows::hours_pass;

/// As clients do it: the same object is there, under the same name, and then it is not here any more.
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
            let (village, _) = copied(3, terms).await?;
            let [anna, ben] = &village.people;
            if both_seen_at_once {
                carry("Event 1", anna, ben)?;
            } else {
                let name = named(anna, "Event 1")?;
                ben.plant(&name, &anna.get(&name).unwrap_or_default());
                village.cli.sync().await?;
                anyhow::ensure!(anna.delete(&name));
            }
            for hours in [0, 0, 24] {
                hours_pass(&village.cli, hours).await?;
                village.cli.sync().await?;
            }
            let (here, there) = (titles(anna), titles(ben));
            assert!(there.contains(&"Event 1".to_owned()), "{terms:?}: what was moved is where it was moved to: {there:?}");
            match terms {
                TWO_WAY => assert_eq!((here, there), (all_but(3, &[]), all_but(3, &[]))),
                _ => assert_eq!((here, there.len()), (all_but(3, &[1]), 3), "{terms:?}: {there:?}"),
            }
            village_at_rest(&village).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_is_moved_to_the_calendar_of_its_original() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (village, _) = copied(12, terms).await?;
        let [anna, ben] = &village.people;
        carry("Event 1", ben, anna)?;
        for hours in [0, 0, 24] {
            hours_pass(&village.cli, hours).await?;
            village.cli.sync().await?;
        }
        let here = titles(anna);
        assert!(here.contains(&"Event 1".to_owned()), "{terms:?}: {here:?}");
        assert!(titles(ben).iter().filter(|title| *title == "Event 1").count() <= 1, "{terms:?}");
        village_at_rest(&village).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_leaves_its_calendar_and_comes_back() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (village, _) = copied(12, terms).await?;
        let [anna, ben] = &village.people;
        let third = village.servers[1].calendar("ben", "third");
        carry("Event 1", ben, &third)?;
        carry("Event 1", &third, ben)?;
        let (_, run) = village.cli.sync_with(&[]).await?;
        assert_eq!(run["deleted"], json!(0), "{run}");
        assert_eq!((titles(anna), titles(ben)), (all_but(12, &[]), all_but(12, &[])), "{terms:?}");
        village_at_rest(&village).await?;
    }
    Ok(())
}
