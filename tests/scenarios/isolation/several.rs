//! Several events of one calendar that the server refuses, or gives no answer for: each waits by
//! itself.

use serde_json::json;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use super::explained;
use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, named, problems, rename, titles};
use crate::support::events::{hour, many};

const BAD: usize = 6;

fn bad(n: usize) -> (String, String) {
    (format!("bad{n}.ics"), hour(&format!("bad{n}"), 3, 9, "Rotten"))
}

#[tokio::test]
async fn reads_without_an_answer_keep_no_other_event_waiting() -> anyhow::Result<()> {
    for fault in [Fault::Status(504), Fault::DropBefore] {
        let env =
            Builder::caldav(Manners { multiget_withholds: Some("bad"), ..Manners::generic() })
                .build_cli()
                .await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(8).into_iter().chain((0..BAD).map(bad)) {
            anna.put(&name, &object);
        }
        env.servers[0].faults().always(On::kind(Kind::Get).at("/bad"), fault);
        env.pair(ONE_WAY).await?;
        let run = env.cli.sync().await?;
        assert_eq!(
            (counts(&run), &run["state"], ben.len()),
            ([8, 0, 0, BAD as u64], &json!("ok"), 8),
            "{fault:?}: {run}"
        );
        assert_eq!(problems(&env).await?.len(), BAD);
        rename(anna, "Event 1", "Newer")?;
        anna.delete("e2.ics");
        let run = env.cli.sync().await?;
        assert_eq!(
            (&counts(&run)[..3], &run["state"]),
            (&[0, 1, 1][..], &json!("ok")),
            "{fault:?}: {run}"
        );
        env.servers[0].faults().clear();
        env.cli.sync_with(&["--full"]).await?;
        assert_eq!(titles(anna), titles(ben), "{fault:?}");
        assert!(problems(&env).await?.is_empty());
        check_at_rest(&env).await?;
    }
    Ok(())
}

#[tokio::test]
async fn writes_without_an_answer_keep_no_other_event_waiting() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(8) {
        anna.put(&name, &object);
    }
    env.cli.sync().await?;
    for n in 0..BAD {
        let (name, object) = bad(n);
        anna.put(&name, &object);
    }
    anna.put("good.ics", &hour("good", 3, 10, "Good"));
    anna.delete("e2.ics");
    env.servers[1].faults().always(On::kind(Kind::Put).saying("Rotten"), Fault::Status(504));
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run), &run["state"]), ([1, 0, 1, BAD as u64], &json!("ok")), "{run}");
    assert_eq!(problems(&env).await?.len(), BAD);
    for _ in 0..3 {
        env.cli.sync().await?;
    }
    env.reset_counts();
    assert_eq!(counts(&env.cli.sync().await?), [0; 4]);
    assert_eq!(env.servers[1].counts().of(Kind::Put), 0, "they wait");
    env.servers[1].faults().clear();
    env.cli.sync_with(&["--full"]).await?;
    assert_eq!(titles(anna), titles(ben));
    assert!(problems(&env).await?.is_empty());
    check_at_rest(&env).await
}

/// A server that says that every name is in use, and has nothing under any of them.
#[tokio::test]
async fn a_copy_whose_every_name_is_said_to_be_in_use_waits_by_itself() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(4).into_iter().chain([bad(0)]) {
        anna.put(&name, &object);
    }
    env.servers[1].faults().always(On::kind(Kind::Put).saying("Rotten"), Fault::Status(412));
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run), &run["state"]), ([4, 0, 0, 1], &json!("ok")), "{run}");
    assert_eq!(problems(&env).await?, ["bad0.ics"]);
    let (reason, words) = explained(&env.cli, &pair, "bad0.ics").await?;
    assert!(reason == "refused_by_server" && words.contains("in use"), "{words}");
    assert!(env.servers[1].counts().of(Kind::Put) <= 4 + 3);
    env.reset_counts();
    env.cli.sync().await?;
    assert_eq!(env.servers[1].counts().of(Kind::Put), 0, "it waits");
    env.servers[1].faults().clear();
    env.cli.sync_with(&["--full"]).await?;
    assert_eq!(titles(anna), titles(ben));
    check_at_rest(&env).await
}

/// What its owner writes on a copy, and the original's server refuses, stays on the copy and is
/// tried again; what the original's owner writes meanwhile reaches the copy.
#[tokio::test]
async fn an_edit_that_is_refused_is_kept_and_hides_no_news() -> anyhow::Result<()> {
    for status in [400, 403, 405, 413, 423, 500, 507] {
        let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
        let [anna, ben] = &env.people;
        anna.put("one.ics", &hour("one", 3, 9, "One"));
        env.cli.sync().await?;
        env.servers[0].faults().always(On::kind(Kind::Put), Fault::Status(status));
        rename(ben, "One", "Mine")?;
        let run = env.cli.sync().await?;
        assert_eq!((counts(&run), &run["state"]), ([0, 0, 0, 1], &json!("ok")), "{status}: {run}");
        // Another day, and another place.
        anna.put(
            "one.ics",
            &hour("one", 4, 9, "One").replace("SUMMARY", "LOCATION:Harbour\r\nSUMMARY"),
        );
        let run = env.cli.sync().await?;
        assert_eq!(
            (run["changed"].as_u64(), &run["state"]),
            (Some(1), &json!("ok")),
            "{status}: {run}"
        );
        let (copy, original) = (&ben.agenda()[0], &anna.agenda()[0]);
        assert_eq!(
            (copy.value("DTSTART"), copy.text("LOCATION")),
            (original.value("DTSTART"), "Harbour".into()),
            "{status}"
        );
        assert_eq!(
            (copy.summary(), original.summary()),
            ("Mine".into(), "One".into()),
            "{status}: neither loses its word"
        );
        assert_eq!(problems(&env).await?, ["one.ics"], "{status}");
        env.servers[0].faults().clear();
        env.cli.sync_with(&["--full"]).await?;
        assert_eq!(
            (titles(anna), titles(ben)),
            (vec!["Mine".to_owned()], vec!["Mine".to_owned()]),
            "{status}"
        );
        assert_eq!(anna.agenda()[0].text("LOCATION"), "Harbour", "{status}");
        assert!(problems(&env).await?.is_empty(), "{status}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// The owner has what was in an emptied calendar made again, and the server refuses one of it.
#[tokio::test]
async fn one_original_that_cannot_be_made_again_keeps_no_other_from_it() -> anyhow::Result<()> {
    for status in [403, 500, 507] {
        let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(7).into_iter().chain([bad(0)]) {
            anna.put(&name, &object);
        }
        for n in 0..4 {
            ben.put(
                &format!("own{n}.ics"),
                &hour(&format!("own{n}"), 9 + n, 12, &format!("Own {n}")),
            );
        }
        env.cli.sync().await?;
        anna.clear();
        assert_eq!(env.cli.sync_with(&[]).await?.1["state"], "held");
        env.servers[0].faults().always(On::kind(Kind::Put).saying("Rotten"), Fault::Status(status));
        let (code, run) = env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
        assert_eq!((code, run["created"].as_u64()), (0, Some(11)), "{status}: {run}");
        // An event that may have been written is asked for again; an event that was refused for
        // good is an event of its own from now on.
        let may_be_made = status == 500;
        let (_, next) = env.cli.sync_with(&[]).await?;
        assert_eq!(
            (next["state"] == "held", next["held"]["deletions"] == json!(1)),
            (may_be_made, may_be_made),
            "{status}: {next}"
        );
        assert_eq!((anna.len(), ben.len()), (11, 12), "{status}: no copy is deleted for it");
        assert_eq!(problems(&env).await?.len(), 1, "{status}");
        env.servers[0].faults().clear();
        let again: [&[&str]; 2] = [&["--full"], &["--pair", &pair, "--make-again"]];
        env.cli.sync_with(again[usize::from(may_be_made)]).await?;
        assert_eq!(titles(anna), titles(ben), "{status}");
        assert!(problems(&env).await?.is_empty(), "{status}: {:?}", problems(&env).await?);
        assert!(named(anna, "Rotten").is_ok());
        check_at_rest(&env).await?;
    }
    Ok(())
}
