//! Output for programs and people: reports, status, reasons, exit statuses (L6, L7, and the
//! `--json` documents of the contract).

use serde_json::{Value, json};
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::cli::{Cli, ONE_WAY, TWO_WAY};
use crate::support::cli_env::CliEnv;
use crate::support::events::{at, hour, object};

/// That a document has these keys, also where they say nothing.
#[track_caller]
fn assert_keys(document: &Value, keys: &[&str]) {
    for key in keys {
        assert!(document.get(key).is_some(), "no {key} in {document}");
    }
}

const RUN: &[&str] =
    &["id", "state", "created", "changed", "deleted", "skipped", "actions", "held", "error"];
const ACTION: &[&str] = &["action", "calendar", "event", "reason", "start", "end"];
const PAIR: &[&str] = &[
    "id",
    "state",
    "last_sync",
    "next_sync",
    "lag_seconds",
    "copies",
    "held",
    "error",
    "problems",
];

#[tokio::test]
async fn every_key_is_always_there() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
    let cli = &env.cli;
    let status = cli.status().await?;
    assert_keys(&status["pairs"][0], PAIR);
    assert_eq!(
        (&status["pairs"][0]["last_sync"], &status["pairs"][0]["lag_seconds"]),
        (&Value::Null, &Value::Null),
        "never synced"
    );
    env.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    env.people[1].put(
        "away.ics",
        &object(
            "away",
            &format!("DTSTART;VALUE=DATE:{}\nSUMMARY:Away", crate::support::events::day(5)),
        ),
    );
    let run = cli.sync().await?;
    assert_keys(&run, RUN);
    let all = run["actions"].as_array().unwrap();
    all.iter().for_each(|action| assert_keys(action, ACTION));
    let ends = |name: &str| {
        let action = all
            .iter()
            .find(|action| action["event"].as_str().unwrap().ends_with(name))
            .expect("an action");
        (
            action["calendar"].clone(),
            action["start"].as_str().unwrap().len(),
            action["end"].as_str().unwrap().len(),
        )
    };
    assert_eq!(
        ends("lunch.ics"),
        (json!(env.calendars[1]), "2026-03-10T12:00:00Z".len(), 20),
        "the calendar that is written to"
    );
    assert_eq!(
        ends("away.ics"),
        (json!(env.calendars[0]), "2026-03-10".len(), 10),
        "a day is a day"
    );

    let status = cli.status().await?;
    assert_keys(&status["accounts"][0], &["id", "provider", "name", "state", "error"]);
    let row = &status["pairs"][0];
    assert_keys(row, PAIR);
    assert_eq!(
        (&row["id"], &row["state"], &row["copies"], &row["held"], &row["error"]),
        (&json!(pair), &json!("ok"), &json!(2), &Value::Null, &Value::Null)
    );
    assert!(
        row["last_sync"].as_str().is_some_and(|at| at.ends_with('Z'))
            && row["next_sync"].is_string()
            && row["lag_seconds"].is_u64()
    );
    let listed = cli.json(&["pair", "list"]).await?["pairs"][0].clone();
    let [anna, ben] = &env.calendars;
    assert_eq!(
        listed,
        json!({"id": pair, "from": anna, "to": ben, "two_way": true, "private": false, "private_back": false, "window_past": "3mo", "window_future": "12mo", "state": "ok"})
    );
    Ok(())
}

#[tokio::test]
async fn a_paused_pair_is_told_and_left_alone() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    assert_eq!(env.cli.json(&["pair", "pause", &pair]).await?, json!({"id": pair}));
    env.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    env.reset_counts();
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], &run["actions"], &run["error"]),
        (0, &json!("paused"), &json!([]), &Value::Null)
    );
    assert_eq!(env.servers[0].counts().total() + env.servers[1].counts().total(), 0);
    assert_eq!(env.cli.json(&["pair", "list"]).await?["pairs"][0]["state"], "paused");
    assert_eq!(env.cli.json(&["pair", "resume", &pair]).await?, json!({"id": pair}));
    assert_eq!(env.cli.sync().await?["created"], 1);
    Ok(())
}

#[tokio::test]
async fn every_event_can_be_explained() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let (cli, [anna, ben]) = (&env.cli, &env.people);
    let at_two = |uid: &str, lines: &str| {
        object(uid, &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:{uid}\n{lines}", at(2, 9), at(2, 10)))
    };
    let invited = "ORGANIZER:mailto:chief@example.net\nATTENDEE;PARTSTAT=DECLINED:mailto:anna@calendars.example";
    anna.put("good.ics", &at_two("good", ""));
    anna.put("unwanted.ics", &at_two("unwanted", ""));
    anna.put("edited.ics", &at_two("edited", ""));
    anna.put("cancelled.ics", &at_two("cancelled", "STATUS:CANCELLED"));
    anna.put("declined.ics", &at_two("declined", invited));
    anna.put(
        "past.ics",
        &object("past", &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:Past", at(-400, 9), at(-400, 10))),
    );
    anna.plant("broken.ics", &simulators::caldav::crlf(&object("broken", "SUMMARY:No start")));
    cli.sync().await?;
    let copy = |title: &str| {
        ben.find(&format!("SUMMARY:{title}")).unwrap_or_else(|| panic!("{title} was not copied"))
    };
    let good = copy("good");
    ben.delete(&copy("unwanted"));
    ben.edit(&copy("edited"), |ics| ics.replace("SUMMARY:edited", "SUMMARY:by hand"));
    cli.sync().await?;
    for (event, copied, reason) in [
        ("good.ics", true, Value::Null),
        ("unwanted.ics", false, json!("suppressed")),
        ("edited.ics", true, json!("copy_edited")),
        ("cancelled.ics", false, json!("cancelled")),
        ("declined.ics", false, json!("declined")),
        ("past.ics", false, json!("outside_window")),
        ("broken.ics", false, json!("unreadable")),
        (good.as_str(), false, json!("own_copy")),
    ] {
        let report = cli.explain(&pair, event).await?;
        assert_keys(&report, &["pair", "event", "copied", "reason", "message", "copy"]);
        assert_eq!((&report["copied"], &report["reason"]), (&json!(copied), &reason), "{report}");
        assert_eq!(report["copy"].is_string(), copied, "{report}");
        assert!(
            report["message"].as_str().is_some_and(|words| words.ends_with(['.', ')'])),
            "{report}"
        );
    }
    let report = cli.explain(&pair, "good.ics").await?;
    assert!(report["copy"].as_str().is_some_and(|copy| copy.ends_with(&good)));
    let unknown =
        cli.run(&["explain", "--pair", &pair, "--event", "nowhere.ics", "--json"]).await?;
    assert_eq!(unknown.failure().0, "not_found");
    Ok(())
}

/// Both calendars may have an event of the same name. The path decides which one is meant; a path
/// outside both calendars counts as the name alone.
#[tokio::test]
async fn an_event_is_named_by_its_name_or_by_a_path() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let (cli, [anna, ben]) = (&env.cli, &env.people);
    anna.put("lunch é.ics", &hour("lunch", 2, 12, "Lunch"));
    ben.put("lunch é.ics", &hour("other", 2, 13, "Other"));
    ben.put("tea.ics", &hour("tea", 3, 13, "Tea"));
    assert_eq!(cli.sync().await?["created"], 1);
    let path =
        |calendar: &simulators::caldav::Calendar, name: &str| format!("{}{name}", calendar.path());
    for (event, copied) in [
        ("lunch é.ics".to_owned(), true),
        (path(anna, "lunch é.ics"), true),
        ("/an/old/path/lunch é.ics".into(), true),
        ("https://calendars.example/main/lunch é.ics".into(), true),
        (path(ben, "lunch é.ics"), false),
        (path(ben, "tea.ics"), false),
        ("tea.ics".into(), false),
    ] {
        let answer = cli.explain(&pair, &event).await?;
        assert_eq!(
            (&answer["copied"], &answer["event"]),
            (&json!(copied), &json!(event)),
            "{answer}"
        );
    }
    for event in [
        path(anna, "tea.ics"),
        path(anna, ""),
        "/".into(),
        "..".into(),
        "../lunch é.ics/".into(),
        "lunch é.ics/".into(),
    ] {
        let unknown = cli.run(&["explain", "--pair", &pair, "--event", &event, "--json"]).await?;
        assert_eq!(unknown.failure().0, "not_found", "{event}");
    }
    Ok(())
}

/// What a server refuses is named, does not stop the others, and is not tried again until it
/// changes.
#[tokio::test]
async fn what_the_other_server_refuses_is_named() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    env.servers[1].manners(|manners| manners.largest = 2_000);
    let long = "long ".repeat(600);
    env.people[0].put(
        "long.ics",
        &object(
            "long",
            &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:Long\nDESCRIPTION:{long}", at(2, 9), at(2, 10)),
        ),
    );
    env.people[0].put("short.ics", &hour("short", 2, 12, "Short"));
    let run = env.cli.sync().await?;
    assert_eq!((&run["created"], &run["skipped"]), (&json!(1), &json!(1)), "{run}");
    let report = env.cli.explain(&pair, "long.ics").await?;
    assert_eq!(
        (&report["copied"], &report["reason"]),
        (&json!(false), &json!("refused_by_server")),
        "{report}"
    );
    let status = env.cli.status().await?;
    assert!(
        status["pairs"][0]["problem_events"][0]["event"]
            .as_str()
            .is_some_and(|event| event.ends_with("long.ics")),
        "{status}"
    );
    env.people[0].edit("long.ics", |ics| {
        ics.lines().filter(|line| !line.contains("long ")).collect::<Vec<_>>().join("\n")
    });
    env.people[0].put("long.ics", &hour("long", 2, 9, "Long"));
    assert_eq!(env.cli.sync().await?["created"], 1);
    assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 0);
    Ok(())
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_and_says_how_to_mend_it() -> anyhow::Result<()> {
    let fresh = Cli::new()?;
    let well = fresh.json(&["doctor"]).await?;
    assert_eq!(well["ok"], true, "{well}");
    assert!(!fresh.data_dir().exists(), "looking makes nothing");
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let well = env.cli.json(&["doctor"]).await?;
    assert_eq!(well["ok"], true, "{well}");
    well["findings"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|one| assert_keys(one, &["check", "ok", "message", "fix"]));
    let CliEnv { cli, servers, accounts, .. } = env;
    servers[0].account("anna", "another-secret-2");
    let ill = cli.run(&["doctor", "--json"]).await?;
    let document = ill.document()?;
    assert_eq!((ill.status, &document["ok"]), (1, &json!(false)), "{document}");
    let bad: Vec<&Value> =
        document["findings"].as_array().unwrap().iter().filter(|one| one["ok"] == false).collect();
    assert_eq!(bad.len(), 1, "{document}");
    assert!(
        bad[0]["check"].as_str().is_some_and(|check| check.contains(&accounts[0]))
            && bad[0]["fix"].is_string(),
        "{document}"
    );
    drop(servers);
    let (status, listed) = {
        let answer = cli.run(&["calendars", "--json"]).await?;
        (answer.status, answer.document()?)
    };
    assert_eq!(
        (status, &listed["calendars"]),
        (1, &json!([])),
        "an account that does not answer is reported as a failure"
    );
    assert_eq!(
        cli.json(&["account", "list"]).await?["accounts"].as_array().map(Vec::len),
        Some(2),
        "what is stored is there all the same"
    );
    Ok(())
}
