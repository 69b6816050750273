//! One event that the server does not give.

use serde_json::json;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use super::{explained, statuses};
use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, delete, named, problems, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};
use crate::support::rows::hours_pass;

async fn with_one_bad(fault: Fault, terms: &[&str]) -> anyhow::Result<(CliEnv, String)> {
    let env = Builder::caldav(Manners { multiget_withholds: Some("bad"), ..Manners::generic() })
        .build_cli()
        .await?;
    for (name, object) in many(6) {
        env.people[0].put(&name, &object);
    }
    env.people[0].put("a-bad.ics", &hour("bad", 3, 9, "Bad"));
    env.servers[0].faults().always(On::kind(Kind::Get).at("a-bad.ics"), fault);
    let pair = env.pair(terms).await?;
    Ok((env, pair))
}

#[tokio::test]
async fn one_read_that_is_refused_keeps_no_other_event_from_being_copied() -> anyhow::Result<()> {
    for status in statuses().into_iter().filter(|status| !matches!(status, 404 | 410)) {
        let (env, pair) = with_one_bad(Fault::Status(status), ONE_WAY).await?;
        let [anna, ben] = &env.people;
        let run = env.cli.sync().await?;
        assert_eq!(
            (counts(&run), &run["state"], ben.len()),
            ([6, 0, 0, 1], &json!("ok"), 6),
            "{status}: {run}"
        );
        assert_eq!(
            run["actions"]
                .as_array()
                .unwrap()
                .iter()
                .find(|action| action["action"] == "skip")
                .unwrap()["reason"],
            "refused_by_server"
        );
        assert_eq!(problems(&env).await?, ["a-bad.ics"], "{status}");
        let (reason, words) = explained(&env.cli, &pair, "a-bad.ics").await?;
        assert_eq!(reason, "refused_by_server");
        let says = if status == 401 {
            "refused the sign-in".to_owned()
        } else if status == 413 {
            "larger".into()
        } else if status == 415 {
            "kind of data".into()
        } else if status == 507 {
            "no room".into()
        } else {
            status.to_string()
        };
        assert!(words.contains(&says) && words.contains("tried once"), "{status}: {words}");

        env.reset_counts();
        assert_eq!(counts(&env.cli.sync().await?), [0, 0, 0, 0], "{status}: it waits");
        assert_eq!(env.servers[0].counts().of(Kind::Get), 0, "the cursor moved past it: {status}");
        rename(anna, "Event 1", "Newer")?;
        anna.delete("e2.ics");
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 1], "{status}");

        env.servers[0].faults().clear();
        assert_eq!(
            counts(&env.cli.sync_with(&["--full"]).await?.1)[..3],
            [1, 0, 0],
            "{status}: a requested pass tries it at once"
        );
        assert_eq!(titles(anna), titles(ben));
        assert!(problems(&env).await?.is_empty());
        check_at_rest(&env).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_known_event_that_is_not_given_keeps_its_copy_and_its_news() -> anyhow::Result<()> {
    for (terms, sides) in [(ONE_WAY, vec![0]), (TWO_WAY, vec![0, 1])] {
        for side in sides {
            let env = Builder::caldav(Manners::generic()).build_cli().await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(6) {
                anna.put(&name, &object);
            }
            env.pair(terms).await?;
            env.cli.sync().await?;
            let name = named(&env.people[side], "Event 3")?;
            env.servers[side].manners(|manners| manners.multiget_withholds = Some("e"));
            env.servers[side].faults().always(On::kind(Kind::Get).at(&name), Fault::Status(500));
            rename(&env.people[side], "Event 3", "Edited")?;
            rename(&env.people[side], "Event 4", "Another")?;
            let run = env.cli.sync().await?;
            assert_eq!(
                (counts(&run)[..3].to_vec(), &run["state"]),
                (vec![0, 1, 0], &json!("ok")),
                "{terms:?} {side}: {run}"
            );
            assert_eq!(problems(&env).await?, ["e3.ics"]);
            env.servers[side].faults().clear();
            let (_, run) = env.cli.sync_with(&["--full"]).await?;
            assert_eq!(
                (counts(&run)[..3].to_vec(), titles(anna)),
                (vec![0, 1, 0], titles(ben)),
                "{terms:?} {side}: {run}"
            );
            assert!(named(ben, "Edited").is_ok() && problems(&env).await?.is_empty());
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// Listed before it can be read: some servers take a while.
#[tokio::test]
async fn what_is_listed_before_it_can_be_read_is_asked_for_again() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
        let [anna, ben] = &env.people;
        anna.put("one.ics", &hour("one", 2, 9, "One"));
        env.cli.sync().await?;
        anna.put("new.ics", &hour("new", 3, 9, "New"));
        anna.put("two.ics", &hour("two", 4, 9, "Two"));
        env.servers[0].manners(|manners| manners.multiget_withholds = Some("new"));
        env.servers[0].faults().always(On::kind(Kind::Get).at("new.ics"), Fault::Status(404));
        let run = env.cli.sync().await?;
        assert_eq!((counts(&run), &run["state"]), ([1, 0, 0, 1], &json!("ok")), "{run}");
        assert_eq!(problems(&env).await?, ["new.ics"]);
        assert!(
            explained(&env.cli, &pair, "new.ics").await?.1.contains("answers that it is not there")
        );
        env.cli.sync().await?;
        env.servers[0].faults().clear();
        let run = env.cli.sync().await?;
        assert_eq!((counts(&run), titles(anna)), ([1, 0, 0, 0], titles(ben)), "{run}");
        assert!(problems(&env).await?.is_empty());
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// An original is listed as ever, and a read of it answers that it is not there: it is not gone.
/// What a person does with its copy meanwhile is done when it can be read.
#[tokio::test]
async fn what_is_listed_and_said_to_be_missing_is_not_gone() -> anyhow::Result<()> {
    for status in [404, 410] {
        for deleted in [false, true] {
            let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(4) {
                anna.put(&name, &object);
            }
            env.cli.sync().await?;
            env.servers[0].manners(|manners| manners.multiget_withholds = Some("e1"));
            env.servers[0].faults().always(On::kind(Kind::Get).at("e1.ics"), Fault::Status(status));
            if deleted {
                delete(ben, "Event 1")?
            } else {
                rename(ben, "Event 1", "Edited")?
            }
            for _ in 0..2 {
                let run = env.cli.sync().await?;
                assert_eq!(
                    (counts(&run)[..3].to_vec(), anna.len()),
                    (vec![0; 3], 4),
                    "{status} {deleted}: {run}"
                );
            }
            assert_eq!(problems(&env).await?, ["e1.ics"], "{status} {deleted}");
            env.servers[0].faults().clear();
            hours_pass(&env.cli, 1).await?;
            env.cli.sync().await?;
            let expected = if deleted {
                vec!["Event 0", "Event 2", "Event 3"]
            } else {
                vec!["Edited", "Event 0", "Event 2", "Event 3"]
            };
            assert_eq!(
                (titles(anna), titles(ben)),
                (titles(ben), expected.iter().map(|title| (*title).to_owned()).collect()),
                "{status}"
            );
            assert!(problems(&env).await?.is_empty(), "{status} {deleted}");
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// An event that is deleted before it could be read is no problem any more.
#[tokio::test]
async fn what_is_gone_before_it_could_be_read_is_forgotten() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, _] = &env.people;
    anna.put("one.ics", &hour("one", 2, 9, "One"));
    env.cli.sync().await?;
    anna.put("new.ics", &hour("new", 3, 9, "New"));
    env.servers[0].faults().always(On::kind(Kind::Get).at("new.ics"), Fault::Status(404));
    env.servers[0].manners(|manners| manners.multiget_withholds = Some("new"));
    env.cli.sync().await?;
    assert_eq!(problems(&env).await?, ["new.ics"]);
    anna.delete("new.ics");
    env.cli.sync().await?;
    assert!(problems(&env).await?.is_empty());
    check_at_rest(&env).await
}

/// A calendar that gives no event at all is the calendar's failure, or the account's.
#[tokio::test]
async fn what_concerns_more_than_one_event_is_not_blamed_on_events() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    for (name, object) in many(6) {
        env.people[0].put(&name, &object);
    }
    env.pair(ONE_WAY).await?;
    for (status, code) in [(401, "unauthorized"), (500, "unreachable"), (403, "forbidden")] {
        let faults = env.servers[0].faults();
        faults.after(1, usize::MAX, On::kind(Kind::Propfind), Fault::Status(status));
        faults.always(On::kinds(&[Kind::Get, Kind::Multiget]), Fault::Status(status));
        let (_, run) = env.cli.sync_with(&["--full"]).await?;
        assert_eq!(
            (&run["error"]["code"], env.people[1].len()),
            (&json!(code), 0),
            "{status}: {run}"
        );
        assert!(problems(&env).await?.is_empty(), "{status}");
        faults.clear();
    }
    Ok(())
}
