//! The calendar of the copies is emptied or recreated. That is not taken as the wish of its owner:
//! the pair asks, and there are two answers.

use serde_json::{Value, json};
use simulators::caldav::{Calendar, LostToken, Manners};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{
    self, all_but, check_at_rest, copied, delete, filled, rename, status_of, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;
use crate::support::rows::hours_pass;

const COPIES: usize = 20;

/// In which way the calendar becomes empty.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Its owner deletes all events; the server reports each.
    Cleared,
    /// Another calendar has the name now.
    Replaced,
}

impl How {
    const ALL: [Self; 2] = [Self::Cleared, Self::Replaced];

    fn happens(self, calendar: &Calendar) {
        match self {
            Self::Cleared => calendar.clear(),
            Self::Replaced => calendar.replace(),
        }
    }
}

/// The pair holds through every kind of pass and any waiting time, and reports the hold.
async fn holds(env: &CliEnv, pair: &str, case: &str) -> anyhow::Result<Value> {
    let mut held = Value::Null;
    for (hours, arguments) in
        [(0, &["--dry-run"][..]), (0, &[]), (1, &[]), (0, &["--full"]), (24, &[]), (1, &[])]
    {
        hours_pass(&env.cli, hours).await?;
        let (status, run) = env.cli.sync_with(arguments).await?;
        assert_eq!(
            (status, &run["state"], &counts(&run)[..3]),
            (0, &json!("held"), &[0; 3][..]),
            "{case} {arguments:?}: {run}"
        );
        assert_eq!(cli_checks::skipped(&run, "suppressed").len(), 0, "{case}: {run}");
        held = run["held"].clone();
        assert_eq!(
            (&held["kind"], &held["deletions"]),
            (&json!("emptied"), &json!(COPIES)),
            "{case}: {run}"
        );
    }
    let status = status_of(&env.cli, pair).await?;
    assert_eq!((&status["state"], &status["held"]), (&json!("held"), &held), "{case}");
    let words = env.cli.run(&["status"]).await?.stdout;
    assert!(
        ["--make-again", "--leave-out"].iter().all(|answer| words.contains(answer)),
        "both answers: {words}"
    );
    assert_eq!(env.people[0].len(), COPIES, "{case}: no original is deleted");
    Ok(held)
}

#[tokio::test]
async fn all_copies_are_made_again() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE] {
        for how in How::ALL {
            let case = format!("{terms:?}, {how:?}");
            let (env, pair) = copied(COPIES, terms).await?;
            let [anna, ben] = &env.people;
            how.happens(ben);
            let held = holds(&env, &pair, &case).await?;
            let confirm: Vec<&str> = held["confirm"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(confirm, ["sync", "--pair", &pair, "--make-again"], "{case}");
            let (status, run) = env.cli.sync_with(&confirm[1..]).await?;
            assert_eq!(
                (status, &run["state"], counts(&run)),
                (0, &json!("ok"), [COPIES as u64, 0, 0, 0]),
                "{case}: {run}"
            );
            assert_eq!(ben.len(), COPIES, "{case}");
            let status = status_of(&env.cli, &pair).await?;
            assert_eq!(
                (&status["held"], &status["copies"]),
                (&Value::Null, &json!(COPIES)),
                "{case}"
            );
            if terms != PRIVATE {
                assert_eq!(
                    (titles(anna), titles(ben)),
                    (all_but(COPIES, &[]), all_but(COPIES, &[])),
                    "{case}"
                );
            }
            // They are copies as before.
            rename(anna, "Event 1", "One")?;
            delete(anna, "Event 2")?;
            assert_eq!(
                counts(&env.cli.sync().await?),
                [0, u64::from(terms != PRIVATE), 1, 0],
                "{case}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_copies_are_left_out() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for how in How::ALL {
            let case = format!("{terms:?}, {how:?}");
            let (env, pair) = copied(COPIES, terms).await?;
            let [anna, ben] = &env.people;
            how.happens(ben);
            holds(&env, &pair, &case).await?;
            let (status, run) = env.cli.sync_with(&["--pair", &pair, "--leave-out"]).await?;
            assert_eq!(
                (status, &run["state"], &counts(&run)[..3]),
                (0, &json!("ok"), &[0; 3][..]),
                "{case}: {run}"
            );
            for arguments in [&[][..], &["--full"]] {
                let (_, run) = env.cli.sync_with(arguments).await?;
                assert_eq!(
                    (&run["state"], &counts(&run)[..3]),
                    (&json!("ok"), &[0; 3][..]),
                    "{case}: {run}"
                );
            }
            assert_eq!((anna.len(), ben.len()), (COPIES, 0), "{case}");
            assert_eq!(env.cli.explain(&pair, "e3.ics").await?["reason"], "suppressed", "{case}");
            // A title that changes brings that one back, and a new event is copied.
            rename(anna, "Event 1", "One")?;
            anna.put("new.ics", &hour("new", 3, 20, "New"));
            assert_eq!(counts(&env.cli.sync().await?), [2, 0, 0, 0], "{case}");
            assert_eq!(titles(ben), ["New", "One"], "{case}");
            hours_pass(&env.cli, 24).await?;
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// What happens meanwhile goes on: new events are copied, and the question stays.
#[tokio::test]
async fn a_new_event_is_copied_while_the_pair_asks() -> anyhow::Result<()> {
    let (env, pair) = copied(COPIES, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    ben.replace();
    env.cli.sync_with(&[]).await?;
    anna.put("new.ics", &hour("new", 3, 20, "New"));
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (&run["state"], &run["created"], titles(ben)),
        (&json!("held"), &json!(1), vec!["New".to_owned()]),
        "{run}"
    );
    let (_, run) = env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
    assert_eq!((&run["created"], ben.len()), (&json!(COPIES), COPIES + 1), "{run}");
    check_at_rest(&env).await
}

/// All events come back (from a backup or a trash): the wait has lost nothing, and the question is
/// withdrawn.
#[tokio::test]
async fn a_calendar_that_comes_back_is_as_it_was() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(COPIES, terms).await?;
        let [anna, ben] = &env.people;
        let before = ben.objects();
        ben.replace();
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!(run["state"], "held", "{run}");
        before.iter().for_each(|(name, body)| _ = ben.plant(name, body));
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run)[..3], [0; 3], "{run}");
        assert_eq!(status_of(&env.cli, &pair).await?["held"], Value::Null);
        assert_eq!((titles(anna), titles(ben)), (all_but(COPIES, &[]), all_but(COPIES, &[])));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A few copies that a person deletes are that person's wish; most of them at once are asked about.
#[tokio::test]
async fn a_few_deleted_copies_are_no_emptied_calendar() -> anyhow::Result<()> {
    let (env, _) = copied(COPIES, ONE_WAY).await?;
    for n in 0..3 {
        delete(&env.people[1], &format!("Event {n}"))?;
    }
    let run = env.cli.sync().await?;
    assert_eq!(
        (&run["state"], cli_checks::skipped(&run, "suppressed").len()),
        (&json!("ok"), 3),
        "{run}"
    );
    check_at_rest(&env).await?;

    let (env, _) = copied(COPIES, ONE_WAY).await?;
    for n in 0..15 {
        delete(&env.people[1], &format!("Event {n}"))?;
    }
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], cli_checks::skipped(&run, "suppressed").len()),
        (0, &json!("held"), 0),
        "{run}"
    );
    check_at_rest(&env).await
}

/// An answer to the one question is none to the other.
#[tokio::test]
async fn an_answer_fits_its_question() -> anyhow::Result<()> {
    let (env, pair) = copied(COPIES, TWO_WAY).await?;
    env.people[1].replace();
    env.cli.sync_with(&[]).await?;
    let (_, run) = env.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
    assert_eq!((&run["deleted"], env.people[0].len()), (&json!(0), COPIES), "{run}");
    for wrong in [
        &["sync", "--make-again"][..],
        &["sync", "--leave-out"],
        &["sync", "--pair", &pair, "--make-again", "--leave-out"],
    ] {
        assert_eq!(env.cli.run(wrong).await?.status, 2, "{wrong:?}");
    }

    // Deletions that are held are not answered by what an emptied calendar is answered with.
    let (env, pair) = copied(COPIES, ONE_WAY).await?;
    env.people[0].clear();
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (&run["state"], &run["held"]["kind"]),
        (&json!("held"), &json!("deletions")),
        "{run}"
    );
    for answer in ["--make-again", "--leave-out"] {
        env.cli.run(&["sync", "--pair", &pair, answer, "--json"]).await?;
        assert_eq!(env.people[1].len(), COPIES, "{answer}");
    }
    let (_, run) = env.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
    assert_eq!((&run["deleted"], env.people[1].len()), (&json!(COPIES), 0), "{run}");
    check_at_rest(&env).await
}

/// What is left out is the event as it is then: a title that had changed before the answer is no
/// reason to make it again.
#[tokio::test]
async fn what_is_left_out_stays_away_after_a_full_pass() -> anyhow::Result<()> {
    let (env, pair) = copied(COPIES, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    ben.replace();
    rename(anna, "Event 1", "One")?;
    env.cli.sync_with(&[]).await?;
    env.cli.sync_with(&["--pair", &pair, "--leave-out"]).await?;
    for arguments in [&[][..], &["--full"]] {
        let (_, run) = env.cli.sync_with(arguments).await?;
        assert_eq!(
            (&run["state"], &run["created"], ben.len()),
            (&json!("ok"), &json!(0), 0),
            "{run}"
        );
    }
    check_at_rest(&env).await
}

/// On a server that reports no deletion, one deleted event among few is an unusual share. A second
/// look releases it, one way and two way.
#[tokio::test]
async fn a_deletion_among_few_events_waits_for_a_second_look_only() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = filled(Manners { sync: false, ..Manners::generic() }, 7, terms).await?;
        let [anna, ben] = &env.people;
        env.cli.sync().await?;
        delete(anna, "Event 1")?;
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!(
            (&run["state"], &run["held"]["kind"]),
            (&json!("held"), &json!("deletions")),
            "{terms:?}: {run}"
        );
        hours_pass(&env.cli, 1).await?;
        let (_, run) = env.cli.sync_with(&[]).await?;
        assert_eq!((&run["state"], &run["deleted"]), (&json!("ok"), &json!(1)), "{terms:?}: {run}");
        assert_eq!(titles(ben), all_but(7, &[1]), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Half of the copies in each calendar: all of them, and their originals would be gone as well.
#[tokio::test]
async fn all_copies_in_both_calendars_wait_for_a_word() -> anyhow::Result<()> {
    let (env, _) = copied(3, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for n in 0..3 {
        ben.put(&format!("own{n}.ics"), &hour(&format!("own{n}"), 3 + n, 20, &format!("Own {n}")));
    }
    env.cli.sync().await?;
    for calendar in [anna, ben] {
        for name in calendar.names().iter().filter(|name| name.starts_with("calrelay-")) {
            calendar.delete(name);
        }
    }
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (&run["state"], counts(&run)[2], anna.len(), ben.len()),
        (&json!("held"), 0, 3, 3),
        "{run}"
    );
    Ok(())
}

/// Of one of them the server does not say whether it is gone: the answer is not given for that one,
/// and it is no deleted copy either.
#[tokio::test]
async fn what_is_not_known_to_be_gone_is_asked_about_again() -> anyhow::Result<()> {
    for (how, answer) in How::ALL
        .into_iter()
        .flat_map(|how| ["--make-again", "--leave-out"].map(|answer| (how, answer)))
    {
        let (env, pair) = copied(COPIES, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        let name = cli_checks::named(ben, "Event 1")?;
        how.happens(ben);
        env.cli.sync_with(&[]).await?;
        env.servers[1].faults().always(On::kind(Kind::Get).at(&name), Fault::Status(403));
        let (_, run) = env.cli.sync_with(&["--pair", &pair, answer]).await?;
        let made = if answer == "--make-again" { COPIES - 1 } else { 0 };
        assert_eq!(
            (&run["state"], &run["held"]["deletions"], ben.len()),
            (&json!("held"), &json!(1), made),
            "{how:?} {answer}: {run}"
        );
        env.servers[1].faults().clear();
        hours_pass(&env.cli, 1).await?;
        env.cli.sync_with(&[]).await?;
        assert_eq!(anna.len(), COPIES, "{how:?} {answer}: no original goes with it");
        env.cli.sync_with(&["--pair", &pair, answer]).await?;
        assert_eq!(
            (anna.len(), ben.len()),
            (COPIES, if made > 0 { COPIES } else { 0 }),
            "{how:?} {answer}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// It is an emptied calendar also where the server does not say of one copy whether it is gone: no
/// second look takes the others for deleted.
#[tokio::test]
async fn one_copy_of_which_nothing_is_said_hides_no_emptied_calendar() -> anyhow::Result<()> {
    for how in How::ALL {
        let (env, pair) = copied(COPIES, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        env.servers[1].faults().always(
            On::kind(Kind::Get).at(&cli_checks::named(ben, "Event 1")?),
            Fault::Status(403),
        );
        how.happens(ben);
        for _ in 0..3 {
            let (_, run) = env.cli.sync_with(&[]).await?;
            assert_eq!(
                (&run["held"]["kind"], anna.len()),
                (&json!("emptied"), COPIES),
                "{how:?}: {run}"
            );
            hours_pass(&env.cli, 1).await?;
        }
        env.servers[1].faults().clear();
        env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
        assert_eq!(
            (titles(anna), titles(ben)),
            (all_but(COPIES, &[]), all_but(COPIES, &[])),
            "{how:?}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A server that takes an old token for the new calendar names nothing as missing until all of it
/// is listed; by then a person may have deleted what came later, which hides no emptied calendar
/// either.
#[tokio::test]
async fn the_deletion_of_what_came_later_hides_no_emptied_calendar() -> anyhow::Result<()> {
    let manners = Manners { lost_token: LostToken::Everything, ..Manners::generic() };
    let (env, pair) = filled(manners, 3, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.sync().await?;
    hours_pass(&env.cli, 24).await?;
    assert_eq!(counts(&env.cli.sync().await?), [0; 4]);
    ben.replace();
    for (name, after) in [("later", 20), ("stays", 21)] {
        anna.put(&format!("{name}.ics"), &hour(name, after, 9, name));
    }
    assert_eq!(counts(&env.cli.sync().await?)[..3], [2, 0, 0]);
    delete(ben, "later")?;
    hours_pass(&env.cli, 24).await?;
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!((&run["held"]["kind"], anna.len()), (&json!("emptied"), 5), "{run}");
    env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
    assert!(
        all_but(3, &[])
            .iter()
            .all(|title| titles(anna).contains(title) && titles(ben).contains(title)),
        "{:?}",
        titles(ben)
    );
    check_at_rest(&env).await
}
