//! A server that does not give one event after the data of an installation were lost: nothing is
//! made beside what it may be, and it stops nothing else.

use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use super::installations::replace_program;
use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{
    all_but, check_at_rest, copied, delete, named, problems, rename, skipped, status_of, titles,
};
use crate::support::events::hour;
use crate::support::rows::hours_pass;

/// The server does not give one of the copies for some passes.
#[tokio::test]
async fn nothing_is_made_beside_a_copy_that_cannot_be_read_yet() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (mut env, _) = copied(3, terms).await?;
        let ben = env.people[1].clone();
        let copy = named(&ben, "Event 1")?;
        env.servers[1].manners(|manners| manners.multiget_withholds = Some("calrelay-"));
        env.servers[1].faults().always(On::kind(Kind::Get).at(&copy), Fault::Status(500));
        replace_program(&mut env, terms).await?;
        for _ in 0..3 {
            let (_, run) = env.cli.sync_with(&[]).await?;
            assert_eq!(
                (counts(&run)[..3].to_vec(), ben.len()),
                (vec![0; 3], 3),
                "{terms:?}: {run}"
            );
            assert_eq!(run["error"]["code"], "refused_by_server", "{terms:?}: {run}");
        }
        env.servers[1].faults().clear();
        let run = env.cli.sync().await?;
        assert_eq!(
            (skipped(&run, "copied_by_another").len(), ben.len()),
            (3, 3),
            "{terms:?}: {run}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// The event is never readable: it keeps no other event from being copied.
#[tokio::test]
async fn a_copy_that_is_never_given_stops_nothing() -> anyhow::Result<()> {
    let (mut env, _) = copied(3, ONE_WAY).await?;
    let [anna, ben] = env.people.clone();
    env.servers[1].manners(|manners| manners.multiget_withholds = Some("calrelay-"));
    let copy = named(&ben, "Event 1")?;
    env.servers[1].faults().always(On::kind(Kind::Get).at(&copy), Fault::Status(500));
    anna.put("new.ics", &hour("new", 3, 20, "New"));
    let pair = replace_program(&mut env, ONE_WAY).await?;
    for _ in 0..4 {
        assert_ne!(env.cli.sync_with(&[]).await?.0, 0);
        hours_pass(&env.cli, 1).await?;
    }
    env.cli.sync().await?;
    assert!(named(&ben, "New").is_ok());
    assert_eq!(problems(&env).await?, [copy.as_str()]);
    // When it can be read, `status` says what it is.
    env.servers[1].faults().clear();
    hours_pass(&env.cli, 25).await?;
    env.cli.sync().await?;
    assert_eq!(problems(&env).await?, [copy.as_str()]);
    assert_eq!(
        status_of(&env.cli, &pair).await?["problem_events"][0]["reason"],
        "copied_by_another"
    );
    check_at_rest(&env).await?;
    assert!(ben.delete(&copy));
    env.cli.sync().await?;
    assert!(problems(&env).await?.is_empty());
    check_at_rest(&env).await
}

/// The mark of a copy that is taken over cannot be written. Its original is deleted and the copy is
/// edited, so that the original is made again; and no later pair that is private leaves a title.
#[tokio::test]
async fn a_copy_whose_mark_was_refused_is_marked_when_its_original_is_made_again()
-> anyhow::Result<()> {
    let (mut env, _) = copied(3, ONE_WAY).await?;
    let [anna, ben] = env.people.clone();
    env.servers[1]
        .faults()
        .next(On::kind(Kind::Put).at(&named(&ben, "Event 1")?), Fault::Status(403));
    let pair = replace_program(&mut env, &[TWO_WAY, &["--take-over"]].concat()).await?;
    let run = env.cli.sync().await?;
    assert_eq!(skipped(&run, "refused_by_server").len(), 1, "{run}");
    rename(&ben, "Event 1", "Edited")?;
    delete(&anna, "Event 1")?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run)[0], titles(&anna)), (1, titles(&ben)), "{run}");
    check_at_rest(&env).await?;
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.pair(PRIVATE).await?;
    let run = env.cli.sync().await?;
    assert_eq!(
        (titles(&ben), skipped(&run, "copied_by_another").len()),
        (vec!["Busy".to_owned(); 3], 0),
        "{run}"
    );
    check_at_rest(&env).await
}

/// After the data are lost an original cannot be read for days, and its copy is remembered by
/// itself: nothing is made beside it then either.
#[tokio::test]
async fn an_original_that_is_read_after_days_is_not_copied_beside_its_copy() -> anyhow::Result<()> {
    for more in [&[][..], &["--take-over"]] {
        let (mut env, _) = copied(3, TWO_WAY).await?;
        let [anna, ben] = env.people.clone();
        env.servers[0].manners(|manners| manners.multiget_withholds = Some("e1"));
        env.servers[0].faults().always(On::kind(Kind::Get).at("e1.ics"), Fault::Status(403));
        let pair = replace_program(&mut env, &[TWO_WAY, more].concat()).await?;
        for hours in [0, 0, 0, 0, 0, 0, 24, 24] {
            hours_pass(&env.cli, hours).await?;
            env.cli.sync_with(&[]).await?;
        }
        env.servers[0].faults().clear();
        hours_pass(&env.cli, 25).await?;
        env.cli.sync_with(&[]).await?;
        assert_eq!(
            (anna.len(), ben.len()),
            (3, 3),
            "{more:?}: {:?} {:?}",
            titles(&anna),
            titles(&ben)
        );
        env.cli.json(&["pair", "take-over", &pair]).await?;
        rename(&anna, "Event 1", "Edited")?;
        env.cli.sync_with(&[]).await?;
        assert_eq!((titles(&anna), ben.len()), (titles(&ben), 3), "{more:?}");
        assert_eq!(status_of(&env.cli, &pair).await?["copied_by_another"], 0, "{more:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// The server does not give one of the copies when they are to be taken over.
#[tokio::test]
async fn what_could_not_be_read_is_taken_over_when_it_can_be() -> anyhow::Result<()> {
    for (terms, left) in [(ONE_WAY, 0), (TWO_WAY, 0), (ONE_WAY, 1)] {
        let (mut env, _) = copied(3, TWO_WAY).await?;
        let people = env.people.clone();
        let name = named(&people[1 - left], "Event 1")?;
        if left == 1 {
            // What is left of an event of the other calendar, which is gone.
            delete(&people[1], "Event 1")?;
        }
        replace_program(&mut env, &[terms, &["--take-over"]].concat()).await?;
        env.servers[1 - left].manners(|manners| manners.multiget_withholds = Some("e"));
        env.servers[1 - left].faults().times(2, On::kind(Kind::Get).at(&name), Fault::Status(403));
        for _ in 0..4 {
            env.cli.sync_with(&[]).await?;
        }
        hours_pass(&env.cli, 1).await?;
        let run = env.cli.sync().await?;
        assert_eq!(skipped(&run, "copied_by_another").len(), 0, "{terms:?} {left}: {run}");
        assert_eq!(
            (titles(&people[0]), titles(&people[1])),
            (all_but(3, &[]), all_but(3, &[])),
            "{terms:?} {left}"
        );
        assert_eq!(env.cli.status().await?["pairs"][0]["copied_by_another"], 0, "{terms:?} {left}");
        check_at_rest(&env).await?;
    }
    Ok(())
}
