//! What each deletion rested on can be read for thirty days, also when the event is gone.

use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;
use store::Table;

use crate::model::Mortal;
use crate::support::env::checks::FULL;
use crate::support::env::{Terms, World};
use crate::support::events::{hour, many};

const DAY: i64 = 24 * 60 * 60;

async fn told(world: &World, event: &str) -> anyhow::Result<String> {
    Ok(jobs::explain(&world.services, &world.pair.id, event).await?.message)
}

async fn rows(world: &World) -> anyhow::Result<Vec<store::Row>> {
    Ok(world.services.store.scan(Table::Pairs, world.pair.id.as_str(), "d:", None, 100).await?)
}

#[tokio::test]
async fn a_deletion_says_what_it_rested_on() -> anyhow::Result<()> {
    let world = World::new(
        [Manners::generic(), Manners::generic()],
        Terms { two_way: true, ..Terms::default() },
    )
    .await?;
    for (name, object) in many(12) {
        world.calendars[0].put(&name, &object);
    }
    world.sync().await;
    assert!(rows(&world).await?.is_empty());
    let copy_of = async |event: &str| {
        anyhow::Ok(
            jobs::explain(&world.services, &world.pair.id, event).await?.copy.expect("a copy"),
        )
    };
    let (first, second) = (copy_of("e1.ics").await?, copy_of("e2.ics").await?);

    world.calendars[0].delete("e1.ics");
    world.calendars[1].delete(&second);
    world.calendars[0].put(
        "e3.ics",
        &hour("e3", 5, 9, "Secret words")
            .replace("BEGIN:VEVENT", "BEGIN:VEVENT\r\nSTATUS:CANCELLED"),
    );
    assert_eq!(world.sync().await.deleted, 3);
    for event in ["e1.ics", &first] {
        let words = told(&world, event).await?;
        assert!(
            words.contains(&format!("Its copy {first} was deleted at"))
                && words.contains("named it as removed"),
            "{words}"
        );
        assert!(
            words.contains("404 or 410")
                && words.contains(world.pair.from.as_str())
                && !words.contains("UID"),
            "{words}"
        );
    }
    let words = told(&world, &second).await?;
    assert!(
        words.contains("The event e2.ics was deleted at")
            && words.contains("a search for its UID found none"),
        "{words}"
    );
    assert!(words.contains(world.pair.to.as_str()), "{words}");
    let words = told(&world, "e3.ics").await?;
    assert!(
        words.contains("It is cancelled")
            && words.contains("Before: Its copy")
            && words.contains("Read at"),
        "{words}"
    );
    assert!(!format!("{:?}", rows(&world).await?).contains("Secret"));

    // It is back, and is deleted again: both deletions are explained.
    world.calendars[0].put("e1.ics", &hour("e1", 5, 9, "Back"));
    world.sync().await;
    assert!(told(&world, "e1.ics").await?.contains("Before: Its copy"));
    world.wait(60);
    world.calendars[0].delete("e1.ics");
    world.sync_with(FULL).await;
    let words = told(&world, "e1.ics").await?;
    assert!(words.matches("was deleted at").count() == 2, "{words}");
    Ok(())
}

/// The answer to a deletion is lost, or the process dies at any moment around it: the next pass
/// finds both gone, or deletes; either is explained.
#[tokio::test]
async fn a_deletion_that_was_cut_off_says_what_it_rested_on() -> anyhow::Result<()> {
    for life in [None, Some(10), Some(20), Some(30), Some(40), Some(60), Some(80), Some(100)] {
        let mut world = World::new(
            [Manners::generic(), Manners::generic()],
            Terms { two_way: true, ..Terms::default() },
        )
        .await?;
        for (name, object) in many(12) {
            world.calendars[0].put(&name, &object);
        }
        world.sync().await;
        let copy =
            jobs::explain(&world.services, &world.pair.id, "e1.ics").await?.copy.expect("a copy");
        world.calendars[0].delete("e1.ics");
        world.servers[1].faults().after(0, 1, On::kind(Kind::Delete), Fault::DropAfter);
        if let Some(life) = life {
            Mortal { life, inner: Box::pin(world.sync()) }.await;
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            world.core.restart().await?;
        }
        for _ in 0..3 {
            world.sync().await;
            world.wait(1200);
        }
        assert_eq!((world.calendars[0].len(), world.calendars[1].len()), (11, 11), "{life:?}");
        for event in ["e1.ics", &copy] {
            let words = told(&world, event).await?;
            let done =
                ["was deleted at", "were found gone at"].iter().any(|done| words.contains(done));
            assert!(
                done && words.contains("Proof:") && words.contains("404 or 410"),
                "{life:?}: {words}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_in_a_complete_listing_says_so_and_old_proofs_go() -> anyhow::Result<()> {
    let world = World::new([Manners::generic(), Manners::generic()], Terms::default()).await?;
    for n in 0..12 {
        world.calendars[0].put(
            &format!("e{n}.ics"),
            &hour(&format!("uid-{n}"), 70 + n, 9, &format!("Event {n}")),
        );
    }
    assert_eq!(world.sync().await.created, 12);
    world.calendars[0].forget_tokens();
    world.calendars[0].delete("e1.ics");
    assert_eq!(world.sync().await.deleted, 1);
    assert!(told(&world, "e1.ics").await?.contains("a complete listing of the calendar"));

    world.wait(20 * DAY);
    world.calendars[0].delete("e2.ics");
    assert_eq!(world.sync().await.deleted, 1);
    world.wait(11 * DAY);
    world.sync().await;
    assert!(told(&world, "e1.ics").await.is_err(), "it is older than thirty days");
    assert!(told(&world, "e2.ics").await?.contains("was deleted at"));
    world.wait(20 * DAY);
    world.sync().await;
    assert!(rows(&world).await?.is_empty());
    world.wait(20 * DAY);
    world.sync().await;
    Ok(())
}
