//! Cleaning up: the copies that a pair wrote are deleted, after they were listed; those that a user
//! has edited are kept unless that is asked for.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::faults::{Fault, On};
use simulators::person::Person;
use simulators::traffic::Kind;

use crate::support::cli::{Cli, ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{
    self, all_but, check_at_rest, check_unchanged, copied, named, rename, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;

/// The one run of a command that answers as `sync` does.
async fn run(cli: &Cli, arguments: &[&str]) -> anyhow::Result<Value> {
    let report = cli.json(arguments).await?;
    let runs = report["pairs"].as_array().cloned().unwrap_or_default();
    anyhow::ensure!(runs.len() == 1, "{report}");
    Ok(runs[0].clone())
}

/// Six copies, of which one was edited by hand; and an event of Ben's own, without and with a copy
/// of it at Anna's.
async fn furnished(terms: &[&str]) -> anyhow::Result<(CliEnv, String)> {
    let (env, pair) = copied(6, terms).await?;
    env.people[1].put("own.ics", &hour("own", 3, 20, "Own"));
    env.cli.sync().await?;
    if terms == ONE_WAY {
        rename(&env.people[1], "Event 1", "By hand")?;
        env.cli.sync().await?;
    }
    Ok((env, pair))
}

#[tokio::test]
async fn a_pair_is_cleaned_up() -> anyhow::Result<()> {
    for include_edited in [false, true] {
        let (env, pair) = furnished(ONE_WAY).await?;
        let [anna, ben] = &env.people;
        let arguments = if include_edited {
            &["pair", "clean-up", &pair, "--include-edited"][..]
        } else {
            &["pair", "clean-up", &pair]
        };
        let before = ben.ctag();
        let preview = run(&env.cli, &[arguments, &["--dry-run"]].concat()).await?;
        assert_eq!(ben.ctag(), before, "a dry run deletes nothing");
        let deleted = if include_edited { 6 } else { 5 };
        assert_eq!(
            (counts(&preview), &preview["id"]),
            ([0, 0, deleted, 6 - deleted], &json!(pair)),
            "{preview}"
        );
        let kept = if include_edited { vec!["Own"] } else { vec!["By hand", "Own"] };
        let done = run(&env.cli, arguments).await?;
        assert_eq!(crate::support::cli::actions(&preview), crate::support::cli::actions(&done));
        assert_eq!(
            (titles(anna), titles(ben)),
            (all_but(6, &[]), kept.iter().map(ToString::to_string).collect())
        );
        let actions = done["actions"].as_array().cloned().unwrap_or_default();
        assert!(
            actions.iter().all(|action| action["start"].is_string()),
            "each is listed with its time: {done}"
        );
        // Again: nothing is left to do.
        assert_eq!(run(&env.cli, arguments).await?["deleted"], 0);
    }
    Ok(())
}

/// After a clean-up no copy is created again without its owner, in any state of the pair.
#[tokio::test]
async fn what_was_cleaned_up_stays_away() -> anyhow::Result<()> {
    let (env, pair) = furnished(ONE_WAY).await?;
    run(&env.cli, &["pair", "clean-up", &pair, "--include-edited"]).await?;
    let listed = env.cli.json(&["pair", "list"]).await?;
    let runs = env.cli.sync_all(&[]).await?;
    for run in &runs {
        assert_eq!(counts(run)[..3], [0; 3], "{listed}: {run}");
    }
    env.cli.sync_all(&["--full"]).await?;
    assert_eq!(
        (titles(&env.people[0]), titles(&env.people[1])),
        (all_but(6, &[]), vec!["Own".to_owned()])
    );
    check_at_rest(&env).await
}

/// Two-way it is what the pair wrote in either calendar, and no original.
#[tokio::test]
async fn two_way_the_copies_in_both_calendars_go() -> anyhow::Result<()> {
    let (env, pair) = furnished(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    assert_eq!((anna.len(), ben.len()), (7, 7));
    let done = run(&env.cli, &["pair", "clean-up", &pair]).await?;
    assert_eq!(counts(&done)[..3], [0, 0, 7], "{done}");
    assert_eq!((titles(anna), titles(ben)), (all_but(6, &[]), vec!["Own".to_owned()]));
    for run in env.cli.sync_all(&[]).await? {
        assert_eq!(
            (&counts(&run)[..3], anna.len(), ben.len()),
            (&[0; 3][..], 6, 1),
            "no original goes with its copy: {run}"
        );
    }
    check_at_rest(&env).await
}

/// Copies that ended pairs have left behind: found by their marks, confirmed by `--yes`. What a
/// living pair claims is not among them.
#[tokio::test]
async fn copies_of_ended_pairs_are_cleaned_up() -> anyhow::Result<()> {
    let (env, pair) = furnished(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    let third = env.servers[0].calendar("anna", "third");
    third.put("living.ics", &hour("living", 5, 20, "Living"));
    let from = env.cli.calendar(&env.accounts[0], "third").await?;
    let active = env.cli.pair_add(&from, &env.calendars[1], ONE_WAY).await?;
    env.cli.sync_with(&["--pair", &active]).await?;
    // A mark of another key is not ours to delete.
    let foreign = named(ben, "Event 2")?;
    ben.edit(&foreign, |ics| {
        ics.replace("\r\n ", "").replace("X-CALRELAY-ORIGIN:h", "X-CALRELAY-ORIGIN:hx")
    });
    env.cli.json(&["pair", "remove", &pair]).await?;

    let calendar = env.calendars[1].as_str();
    let before = ben.ctag();
    let preview = run(&env.cli, &["clean-up", "--calendar", calendar, "--dry-run"]).await?;
    assert_eq!(
        (&preview["id"], &preview["deleted"], ben.ctag()),
        (&Value::Null, &json!(5), before.clone()),
        "{preview}"
    );
    let unasked = env.cli.run(&["clean-up", "--calendar", calendar, "--json"]).await?;
    assert!(
        unasked.status != 0 && ben.ctag() == before,
        "nothing is deleted without a word: {unasked:?}"
    );
    let done = run(&env.cli, &["clean-up", "--calendar", calendar, "--yes"]).await?;
    assert_eq!((&done["id"], &done["deleted"]), (&Value::Null, &json!(5)), "{done}");
    let actions = done["actions"].as_array().cloned().unwrap_or_default();
    assert!(
        actions.iter().all(|action| action["start"].is_string()),
        "each is listed with its time: {done}"
    );
    assert_eq!(
        (titles(anna), titles(ben)),
        (all_but(6, &[]), vec!["Event 2".to_owned(), "Living".into(), "Own".into()])
    );
    assert_eq!(run(&env.cli, &["clean-up", "--calendar", calendar, "--yes"]).await?["deleted"], 0);
    check_unchanged(&[&env.cli], &[anna, ben, &third]).await
}

/// In a calendar without any, and in one that does not exist.
#[tokio::test]
async fn there_may_be_nothing_to_clean_up() -> anyhow::Result<()> {
    let (env, pair) = furnished(ONE_WAY).await?;
    for calendar in &env.calendars {
        assert_eq!(
            run(&env.cli, &["clean-up", "--calendar", calendar, "--yes"]).await?["deleted"],
            0
        );
    }
    for wrong in [
        &["clean-up", "--calendar", "cnothing", "--yes", "--json"][..],
        &["pair", "clean-up", "pnothing", "--json"],
    ] {
        assert_eq!(env.cli.run(wrong).await?.failure().0, "not_found", "{wrong:?}");
    }
    assert_eq!(env.people[1].len(), 7, "{pair}");
    check_at_rest(&env).await
}

/// What an earlier pair has left may be the original of a later one, and the only one there is.
#[tokio::test]
async fn what_a_pair_keeps_in_step_is_no_copy_that_was_left() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(4, ONE_WAY).await?;
        let [anna, ben] = &env.people;
        env.cli.json(&["pair", "remove", &pair]).await?;
        anna.clear();
        // The other way round.
        env.cli.pair_add(&env.calendars[1], &env.calendars[0], terms).await?;
        assert_eq!(env.cli.sync().await?["created"], 4, "{terms:?}");
        let run = run(&env.cli, &["clean-up", "--calendar", &env.calendars[1], "--yes"]).await?;
        assert_eq!((counts(&run), ben.len()), ([0; 4], 4), "{terms:?}: {run}");
        check_at_rest(&env).await?;
        assert_eq!((anna.len(), ben.len()), (4, 4), "{terms:?}");
    }
    Ok(())
}

/// A clean-up that is cut off, and a pair that goes on afterwards: all of its copies are made
/// again, as it says.
#[tokio::test]
async fn a_pair_that_goes_on_makes_its_copies_again() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(6, terms).await?;
        let [anna, ben] = &env.people;
        let faults = env.servers[1].faults();
        faults.after(2, 1, On::writes(), Fault::Delay(Duration::from_secs(600)));
        let mut child = env.cli.start(&["pair", "clean-up", &pair, "--json"], "").await?;
        while faults.waiting() {
            assert!(child.try_wait()?.is_none(), "it ended before it was killed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        child.kill().await?;
        faults.clear();
        assert!(ben.len() < 6);
        env.cli.json(&["pair", "resume", &pair]).await?;
        env.cli.sync().await?;
        assert_eq!((titles(anna), titles(ben)), (all_but(6, &[]), all_but(6, &[])), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// What a client made out of a copy is its owner's, also where it bears the mark still.
#[tokio::test]
async fn a_duplicate_of_a_copy_is_no_copy_that_was_left() -> anyhow::Result<()> {
    let (env, pair) = copied(2, ONE_WAY).await?;
    let ben = &env.people[1];
    assert!(
        Person::from(ben.clone())
            .duplicate(&named(ben, "Event 1")?, "second.ics", "second")
            .await?
    );
    env.cli.sync().await?;
    env.cli.json(&["pair", "remove", &pair]).await?;
    let run = run(&env.cli, &["clean-up", "--calendar", &env.calendars[1], "--yes"]).await?;
    assert_eq!((&run["deleted"], ben.names()), (&json!(2), vec!["second.ics".to_owned()]), "{run}");
    Ok(())
}

/// The answer to a deletion is lost, or the connection breaks before it: all others are deleted,
/// and a pair that goes on makes its copies again, repeated or not.
#[tokio::test]
async fn a_clean_up_with_a_lost_answer_hides_no_event() -> anyhow::Result<()> {
    for (terms, repeated, fault, kept) in [
        (ONE_WAY, false, Fault::DropAfter, 0),
        (TWO_WAY, true, Fault::DropAfter, 0),
        (TWO_WAY, false, Fault::DropAfter, 0),
        (TWO_WAY, false, Fault::DropBefore, 1),
        (TWO_WAY, true, Fault::DropBefore, 1),
    ] {
        let (env, pair) = copied(4, terms).await?;
        let [anna, ben] = &env.people;
        env.servers[1].faults().after(1, 1, On::kind(Kind::Delete), fault);
        let done = run(&env.cli, &["pair", "clean-up", &pair]).await?;
        assert_eq!(
            (counts(&done), ben.len() as u64),
            ([0, 0, 4 - kept, kept], kept),
            "{terms:?} {repeated}: {done}"
        );
        if repeated {
            assert_eq!(run(&env.cli, &["pair", "clean-up", &pair]).await?["deleted"], kept);
            assert_eq!(ben.len(), 0);
        }
        env.cli.json(&["pair", "resume", &pair]).await?;
        env.cli.sync().await?;
        env.cli.sync().await?;
        assert_eq!(
            (titles(anna), titles(ben)),
            (all_but(4, &[]), all_but(4, &[])),
            "{terms:?} {repeated}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// One copy that the server does not delete: it is named, the others go, and the command says what
/// is left and tries it again.
#[tokio::test]
async fn a_copy_that_is_not_deleted_keeps_no_other() -> anyhow::Result<()> {
    for status in [403, 405, 409, 423, 500, 504] {
        for ended in [false, true] {
            let (env, pair) = copied(6, TWO_WAY).await?;
            let [anna, ben] = &env.people;
            let bad = named(ben, "Event 2")?;
            if ended {
                env.cli.json(&["pair", "remove", &pair]).await?;
            }
            let arguments = if ended {
                vec!["clean-up", "--calendar", env.calendars[1].as_str(), "--yes", "--json"]
            } else {
                vec!["pair", "clean-up", &pair, "--json"]
            };
            env.servers[1].faults().always(On::kind(Kind::Delete).at(&bad), Fault::Status(status));
            for deleted in [5, 0] {
                let answer = env.cli.run(&arguments).await?;
                let done = answer.document()?["pairs"][0].clone();
                assert_eq!(
                    (answer.status, counts(&done)),
                    (0, [0, 0, deleted, 1]),
                    "{status} {ended}: {answer:?}"
                );
                assert_eq!(done["error"], Value::Null);
                let skip = done["actions"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|action| action["action"] == "skip")
                    .cloned();
                assert_eq!(
                    skip.map(|skip| skip["reason"].clone()),
                    Some(json!("refused_by_server")),
                    "{status} {ended}"
                );
                assert!(answer.stderr.contains("1 copy was kept"), "{status} {ended}: {answer:?}");
            }
            assert_eq!(
                (titles(ben), anna.len()),
                (vec!["Event 2".to_owned()], 6),
                "{status} {ended}"
            );
            env.servers[1].faults().clear();
            assert_eq!(
                run(&env.cli, &arguments[..arguments.len() - 1]).await?["deleted"],
                1,
                "{status} {ended}"
            );
            if !ended {
                env.cli.json(&["pair", "resume", &pair]).await?;
                env.cli.sync().await?;
                assert_eq!(
                    (titles(anna), titles(ben)),
                    (all_but(6, &[]), all_but(6, &[])),
                    "{status}"
                );
            }
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// The server goes away in the middle: what was deleted before is reported, and nothing is said
/// that is not so.
#[tokio::test]
async fn a_clean_up_that_fails_reports_what_it_did() -> anyhow::Result<()> {
    for ended in [false, true] {
        let (env, pair) = copied(6, ONE_WAY).await?;
        let ben = &env.people[1];
        if ended {
            env.cli.json(&["pair", "remove", &pair]).await?;
        }
        let arguments = if ended {
            vec!["clean-up", "--calendar", env.calendars[1].as_str(), "--yes", "--json"]
        } else {
            vec!["pair", "clean-up", &pair, "--json"]
        };
        let faults = env.servers[1].faults();
        faults.after(2, 1000, On::kind(Kind::Delete), Fault::DropBefore);
        // Nor does the calendar answer by itself.
        faults.always(On::kind(Kind::Propfind).saying("privilege-set"), Fault::Status(503));
        let answer = env.cli.run(&arguments).await?;
        let done = answer.document()?["pairs"][0].clone();
        assert!(
            answer.status == 1 && done["deleted"] == 2 && ben.len() == 4,
            "{ended}: {answer:?}"
        );
        let words = done["error"]["message"].as_str().unwrap_or_default();
        assert!(
            words.contains("listed as deleted are gone") && !words.contains("stay as they were"),
            "{words}"
        );
        faults.clear();
        assert_eq!(
            run(&env.cli, &arguments[..arguments.len() - 1]).await?["deleted"],
            4,
            "{ended}"
        );
    }
    Ok(())
}

/// Another event is under a copy's name: no option treats it as a copy.
#[tokio::test]
async fn what_is_under_the_name_of_a_copy_and_is_none_stays() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(4, terms).await?;
        let ben = &env.people[1];
        let name = named(ben, "Event 1")?;
        ben.put(&name, &hour("mine", 22, 19, "Dinner"));
        let done = run(&env.cli, &["pair", "clean-up", &pair, "--include-edited"]).await?;
        assert_eq!((counts(&done)[2], titles(ben)), (3, vec!["Dinner".to_owned()]), "{done}");
    }
    Ok(())
}

/// A copy to which a person has invited others is theirs and stays, with every option of a
/// clean-up.
#[tokio::test]
async fn a_copy_with_guests_stays() -> anyhow::Result<()> {
    const GUESTS: &str =
        "ORGANIZER:mailto:ben@calendars.example\r\nATTENDEE:mailto:zoe@example.net\r\nSUMMARY";
    for ended in [false, true] {
        let (env, pair) = copied(3, ONE_WAY).await?;
        let ben = &env.people[1];
        assert!(ben.edit(&named(ben, "Event 1")?, |ics| ics.replace("SUMMARY", GUESTS)));
        let done = if ended {
            env.cli.json(&["pair", "remove", &pair]).await?;
            run(&env.cli, &["clean-up", "--calendar", &env.calendars[1], "--yes"]).await?
        } else {
            run(&env.cli, &["pair", "clean-up", &pair, "--include-edited"]).await?
        };
        assert_eq!(
            (&counts(&done)[2..], cli_checks::skipped(&done, "has_guests").len()),
            (&[2, 1][..], 1),
            "{ended}: {done}"
        );
        assert_eq!(
            (titles(ben), env.servers[1].mails_sent()),
            (vec!["Event 1".to_owned()], 0),
            "{ended}"
        );
    }
    Ok(())
}
