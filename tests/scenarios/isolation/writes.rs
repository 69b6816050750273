//! One event that the server does not take.

use std::collections::BTreeSet;

use serde_json::json;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use super::{explained, statuses};
use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, named, problems, rename, titles};
use crate::support::events::{hour, many};

#[tokio::test]
async fn one_copy_that_is_refused_keeps_nothing_else_from_being_done() -> anyhow::Result<()> {
    for status in statuses() {
        // What is refused for good was not done.
        for after in if status >= 500 { vec![false, true] } else { vec![false] } {
            let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(5) {
                anna.put(&name, &object);
            }
            env.cli.sync().await?;
            anna.put("bad.ics", &hour("bad", 3, 9, "Rotten"));
            anna.put("good.ics", &hour("good", 3, 10, "Good"));
            anna.delete("e2.ics");
            let fault = if after { Fault::StatusAfter(status) } else { Fault::Status(status) };
            env.servers[1].faults().always(On::kind(Kind::Put).saying("Rotten"), fault);
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["state"], counts(&run)),
                (&json!("ok"), [1, 0, 1, 1]),
                "{status} {after}: {run}"
            );
            assert_eq!(problems(&env).await?, ["bad.ics"], "{status} {after}");
            let (reason, words) = explained(&env.cli, &pair, "bad.ics").await?;
            assert!(
                reason == "refused_by_server" && words.contains("tried once"),
                "{status} {after}: {words}"
            );
            // The answer was lost, and the copy is there: it is shown, and no event of its own.
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["state"], run["created"].as_u64(), run["deleted"].as_u64()),
                (&json!("ok"), Some(0), Some(0)),
                "{status} {after}: {run}"
            );
            assert_eq!(anna.len(), 6, "{status} {after}: {:?}", titles(anna));
            env.servers[1].faults().clear();
            env.cli.sync_with(&["--full"]).await?;
            assert_eq!((titles(anna), ben.len()), (titles(ben), 6), "{status} {after}");
            assert!(problems(&env).await?.is_empty(), "{status} {after}");
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_change_that_is_refused_is_made_later_and_is_no_edit() -> anyhow::Result<()> {
    for status in [400, 403, 423, 500] {
        for side in [0, 1] {
            for after in if status >= 500 { vec![false, true] } else { vec![false] } {
                let (env, _) =
                    Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
                let [anna, ben] = &env.people;
                for (name, object) in many(5) {
                    anna.put(&name, &object);
                }
                env.cli.sync().await?;
                let fault = if after { Fault::StatusAfter(status) } else { Fault::Status(status) };
                env.servers[1 - side].faults().always(On::kind(Kind::Put).saying("Rotten"), fault);
                rename(&env.people[side], "Event 1", "Rotten")?;
                rename(&env.people[side], "Event 2", "Fresh")?;
                let run = env.cli.sync().await?;
                assert_eq!(
                    (&run["state"], run["changed"].as_u64()),
                    (&json!("ok"), Some(1)),
                    "{status} {side} {after}: {run}"
                );
                assert_eq!(problems(&env).await?, ["e1.ics"], "{status} {side} {after}");
                env.cli.sync().await?;
                assert!(
                    named(&env.people[side], "Rotten").is_ok(),
                    "{status} {side} {after}: the edit stays: {run}"
                );
                env.servers[1 - side].faults().clear();
                env.cli.sync_with(&["--full"]).await?;
                assert_eq!(titles(anna), titles(ben), "{status} {side} {after}");
                assert!(named(anna, "Rotten").is_ok(), "{status} {side} {after}");
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

/// What its owner writes on a copy does not reach an original that its server keeps closed; what
/// the original says reaches the copy. Its copy has another version before the change is tried
/// again, and shows what it did.
#[tokio::test]
async fn a_refused_change_is_made_with_the_next_news_of_its_copy() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
        let [anna, ben] = &env.people;
        anna.put("one.ics", &hour("one", 3, 9, "One"));
        env.cli.sync().await?;
        rename(anna, "One", "Edited")?;
        env.servers[1].faults().next(On::kind(Kind::Put), Fault::Status(403));
        env.cli.sync().await?;
        assert_eq!(problems(&env).await?, ["one.ics"], "{terms:?}");
        ben.touch_all();
        let run = env.cli.sync().await?;
        assert_eq!(
            (counts(&run), titles(ben)),
            ([0, 1, 0, 0], vec!["Edited".to_owned()]),
            "{terms:?}: {run}"
        );
        assert!(problems(&env).await?.is_empty(), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_original_still_shows_on_its_copy() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    env.cli.sync().await?;
    env.servers[0].faults().always(On::kind(Kind::Put), Fault::Status(409));
    rename(ben, "One", "Mine")?;
    let put = |place: &str| {
        anna.put(
            "one.ics",
            &hour("one", 3, 9, "One").replace("SUMMARY", &format!("LOCATION:{place}\r\nSUMMARY")),
        )
    };
    put("Harbour");
    let run = env.cli.sync().await?;
    assert_eq!(run["state"], "ok", "{run}");
    assert!(ben.objects()[0].1.contains("LOCATION:Harbour"), "{run}: {:?}", ben.objects());
    put("Hall");
    env.cli.sync().await?;
    assert!(ben.objects()[0].1.contains("LOCATION:Hall"));
    Ok(())
}

/// A calendar that is closed to us is named as that, once.
#[tokio::test]
async fn a_calendar_that_takes_nothing_is_not_blamed_on_events() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(5) {
        anna.put(&name, &object);
    }
    ben.set_writable(false);
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(run["error"]["code"], "forbidden", "{run}");
    assert!(problems(&env).await?.is_empty());
    Ok(())
}

/// A password that is refused in the middle of a pass is the account's matter; what was done before
/// is reported.
#[tokio::test]
async fn a_pass_that_fails_reports_what_it_did_and_the_account_says_why() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(60) {
        anna.put(&name, &object);
    }
    env.pair(ONE_WAY).await?;
    let faults = env.servers[1].faults();
    faults.after(40, usize::MAX, On::kind(Kind::Put), Fault::Status(401));
    faults.always(On::kind(Kind::Propfind).saying("privilege-set"), Fault::Status(401));
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&json!("needs_reconnect"), &json!("unauthorized")),
        "{run}"
    );
    assert_eq!(run["created"], ben.len(), "{run}");
    assert!(ben.len() >= 40);
    let accounts = env.cli.status().await?["accounts"].clone();
    let state = |id: &str| {
        accounts
            .as_array()
            .unwrap()
            .iter()
            .find(|account| account["id"] == id)
            .map(|account| account["state"].clone())
    };
    assert_eq!(
        (state(&env.accounts[0]), state(&env.accounts[1])),
        (Some(json!("ok")), Some(json!("needs_reconnect")))
    );
    Ok(())
}

/// Where its calendar answers, a server that asks to wait whenever it is asked for one event means
/// this event.
#[tokio::test]
async fn one_event_that_is_throttled_keeps_nothing_else_from_being_done() -> anyhow::Result<()> {
    for status in [429, 503] {
        let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(12) {
            anna.put(&name, &object);
        }
        env.cli.sync().await?;
        let fault = Fault::Throttled { status, retry_after: 600 };
        let rotten = ben
            .objects()
            .into_iter()
            .find(|(_, object)| object.contains("SUMMARY:Event 2"))
            .map(|(name, _)| name);
        anna.put("bad.ics", &hour("bad", 3, 9, "Rotten"));
        anna.put("good.ics", &hour("good", 3, 10, "Good"));
        rename(anna, "Event 1", "Fresh")?;
        anna.delete("e2.ics");
        anna.delete("e3.ics");
        env.servers[1].faults().always(On::kind(Kind::Put).saying("Rotten"), fault);
        env.servers[1]
            .faults()
            .always(On::kind(Kind::Delete).at(&rotten.expect("its copy")), fault);
        let run = env.cli.sync().await?;
        assert_eq!((&run["state"], counts(&run)), (&json!("ok"), [1, 1, 1, 2]), "{status}: {run}");
        let refused: BTreeSet<String> = problems(&env).await?.into_iter().collect();
        assert_eq!(refused, ["bad.ics", "e2.ics"].map(String::from).into(), "{status}");
        let (reason, words) = explained(&env.cli, &pair, "bad.ics").await?;
        assert!(
            reason == "refused_by_server" && words.contains("asks to wait"),
            "{status}: {words}"
        );
        env.servers[1].faults().clear();
        env.cli.sync_with(&["--full"]).await?;
        assert_eq!(titles(anna), titles(ben), "{status}");
        assert!(problems(&env).await?.is_empty(), "{status}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Where the calendar asks to wait as well, nothing is held against the events.
#[tokio::test]
async fn a_server_that_throttles_everything_ends_the_pass_and_no_event_is_blamed()
-> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(5) {
        anna.put(&name, &object);
    }
    env.cli.sync().await?;
    for (name, object) in many(30) {
        anna.put(&name, &object);
    }
    let fault = Fault::Throttled { status: 429, retry_after: 600 };
    for kind in [Kind::Put, Kind::Propfind] {
        env.servers[1].faults().always(On::kind(kind), fault);
    }
    let (code, run) = env.cli.sync_with(&[]).await?;
    assert_eq!((code, &run["error"]["code"]), (1, &json!("throttled")), "{run}");
    assert!(problems(&env).await?.is_empty(), "{run}");
    env.servers[1].faults().clear();
    env.cli.sync().await?;
    assert_eq!((titles(anna), ben.len()), (titles(ben), 30));
    check_at_rest(&env).await
}
