//! What each deletion rested on can be read for thirty days, also when the event is gone.

use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;
use store::Table;

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::FULL;
use crate::support::events::{hour, many};
use crate::support::installation::Terms;
use crate::support::interrupt::KillAfter;

const DAY: i64 = 24 * 60 * 60;

async fn explained(env: &Env, event: &str) -> anyhow::Result<String> {
    Ok(jobs::explain(&env.scope, &env.pair.id, event).await?.message)
}

async fn rows(env: &Env) -> anyhow::Result<Vec<store::Row>> {
    Ok(env.scope.store.scan(Table::Pairs, env.pair.id.as_str(), "d:", None, 100).await?)
}

#[tokio::test]
async fn a_deletion_says_what_it_rested_on() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic())
        .terms(Terms { two_way: true, ..Terms::default() })
        .build()
        .await?;
    for (name, object) in many(12) {
        env.people[0].put(&name, &object);
    }
    env.sync().await;
    assert!(rows(&env).await?.is_empty());
    let copy_of = async |event: &str| {
        anyhow::Ok(jobs::explain(&env.scope, &env.pair.id, event).await?.copy.expect("a copy"))
    };
    let (first, second) = (copy_of("e1.ics").await?, copy_of("e2.ics").await?);

    env.people[0].delete("e1.ics");
    env.people[1].delete(&second);
    env.people[0].put(
        "e3.ics",
        &hour("e3", 5, 9, "Secret words")
            .replace("BEGIN:VEVENT", "BEGIN:VEVENT\r\nSTATUS:CANCELLED"),
    );
    assert_eq!(env.sync().await.deleted, 3);
    for event in ["e1.ics", &first] {
        let words = explained(&env, event).await?;
        assert!(
            words.contains(&format!("Its copy {first} was deleted at"))
                && words.contains("named it as removed"),
            "{words}"
        );
        assert!(
            words.contains("404 or 410")
                && words.contains(env.pair.from.as_str())
                && !words.contains("UID"),
            "{words}"
        );
    }
    let words = explained(&env, &second).await?;
    assert!(
        words.contains("The event e2.ics was deleted at")
            && words.contains("a search for its UID found none"),
        "{words}"
    );
    assert!(words.contains(env.pair.to.as_str()), "{words}");
    let words = explained(&env, "e3.ics").await?;
    assert!(
        words.contains("It is cancelled")
            && words.contains("Before: Its copy")
            && words.contains("Read at"),
        "{words}"
    );
    assert!(!format!("{:?}", rows(&env).await?).contains("Secret"));

    // It is back, and is deleted again: both deletions are explained.
    env.people[0].put("e1.ics", &hour("e1", 5, 9, "Back"));
    env.sync().await;
    assert!(explained(&env, "e1.ics").await?.contains("Before: Its copy"));
    env.wait(60);
    env.people[0].delete("e1.ics");
    env.sync_with(FULL).await;
    let words = explained(&env, "e1.ics").await?;
    assert!(words.matches("was deleted at").count() == 2, "{words}");
    Ok(())
}

/// The answer to a deletion is lost, or the process dies at any moment around it: the next pass
/// finds both gone, or deletes; either is explained.
#[tokio::test]
async fn a_deletion_that_was_cut_off_says_what_it_rested_on() -> anyhow::Result<()> {
    for polls in [None, Some(10), Some(20), Some(30), Some(40), Some(60), Some(80), Some(100)] {
        let mut env = Builder::caldav(Manners::generic())
            .terms(Terms { two_way: true, ..Terms::default() })
            .build()
            .await?;
        for (name, object) in many(12) {
            env.people[0].put(&name, &object);
        }
        env.sync().await;
        let copy = jobs::explain(&env.scope, &env.pair.id, "e1.ics").await?.copy.expect("a copy");
        env.people[0].delete("e1.ics");
        env.servers[1].faults().after(0, 1, On::kind(Kind::Delete), Fault::DropAfter);
        if let Some(polls) = polls {
            KillAfter { polls, inner: Box::pin(env.sync()) }.await;
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            env.restart().await?;
        }
        for _ in 0..3 {
            env.sync().await;
            env.wait(1200);
        }
        assert_eq!((env.people[0].len(), env.people[1].len()), (11, 11), "{polls:?}");
        for event in ["e1.ics", &copy] {
            let words = explained(&env, event).await?;
            let done =
                ["was deleted at", "were found gone at"].iter().any(|done| words.contains(done));
            assert!(
                done && words.contains("Proof:") && words.contains("404 or 410"),
                "{polls:?}: {words}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_in_a_complete_listing_says_so_and_old_proofs_go() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    for n in 0..12 {
        env.people[0].put(
            &format!("e{n}.ics"),
            &hour(&format!("uid-{n}"), 70 + n, 9, &format!("Event {n}")),
        );
    }
    assert_eq!(env.sync().await.created, 12);
    env.people[0].forget_tokens();
    env.people[0].delete("e1.ics");
    assert_eq!(env.sync().await.deleted, 1);
    assert!(explained(&env, "e1.ics").await?.contains("a complete listing of the calendar"));

    env.wait(20 * DAY);
    env.people[0].delete("e2.ics");
    assert_eq!(env.sync().await.deleted, 1);
    env.wait(11 * DAY);
    env.sync().await;
    assert!(explained(&env, "e1.ics").await.is_err(), "it is older than thirty days");
    assert!(explained(&env, "e2.ics").await?.contains("was deleted at"));
    env.wait(20 * DAY);
    env.sync().await;
    assert!(rows(&env).await?.is_empty());
    env.wait(20 * DAY);
    env.sync().await;
    Ok(())
}
