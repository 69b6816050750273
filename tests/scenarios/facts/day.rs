//! `explain --on`: what both calendars hold on one day.

use serde_json::{Value, json};
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};

use crate::support::builder::Builder;
use crate::support::cli::ONE_WAY;
use crate::support::cli_checks::copied;
use crate::support::events::{day, hour, object};

/// The day so many days from today, as `2026-12-03`.
fn dashed(after: i64) -> String {
    let day = day(after);
    format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])
}

fn lines(answer: &Value) -> Vec<(String, bool, Value)> {
    let line = |event: &Value| {
        let name = event["event"].as_str().unwrap_or_default().to_owned();
        (name, event["copied"] == true, event["reason"].clone())
    };
    answer["events"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn a_day_is_explained_event_by_event() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let anna = &env.people[0];
    anna.put("lunch.ics", &hour("lunch", 3, 12, "Lunch with Zoe"));
    let weekly = format!(
        "DTSTART:{}\nDTEND:{}\nRRULE:FREQ=WEEKLY;COUNT=5\nSUMMARY:Choir",
        crate::support::events::at(3, 18),
        crate::support::events::at(3, 19)
    );
    anna.put("choir.ics", &object("choir", &weekly));
    env.cli.sync().await?;
    anna.put("late.ics", &hour("late", 3, 20, "Late"));
    env.reset_counts();
    let arguments = ["explain", "--pair", &pair, "--zone", "UTC", "--on"];
    let on =
        async |after| env.cli.json(&[&arguments[..], &[dashed(after).as_str()]].concat()).await;
    let answer = on(3).await?;
    assert_eq!((&answer["pair"], &answer["unread"]), (&json!(pair), &json!([])));
    let of_anna = |answer: &Value| -> Vec<_> {
        lines(answer).into_iter().filter(|(name, ..)| name.contains(".ics")).collect()
    };
    let found = of_anna(&answer);
    for (name, is_copied, reason) in [
        ("lunch.ics", true, Value::Null),
        ("choir.ics", true, Value::Null),
        ("late.ics", false, Value::Null),
    ] {
        assert!(found.contains(&(name.into(), is_copied, reason)), "{name}: {answer}");
    }
    let own: Vec<_> = lines(&answer).into_iter().filter(|line| line.2 == "own_copy").collect();
    assert_eq!(own.len(), 2, "{answer}");
    assert!(!answer.to_string().contains("Zoe"), "no title");
    let text = env.cli.run(&[&arguments[..], &[dashed(3).as_str(), "--titles"]].concat()).await?;
    assert!(!text.stdout.contains("Zoe") && text.stderr.contains("terminal"), "{text:?}");
    // The series is there by its occurrence of that day.
    let answer = on(10).await?;
    let choir = answer["events"].as_array().unwrap();
    let begins = format!("{}T18:00:00Z", dashed(10));
    assert!(choir.len() == 2 && choir.iter().all(|it| it["start"] == begins), "{answer}");
    assert_eq!(on(4).await?["events"], json!([]));
    assert_eq!(env.writes(), [0, 0]);
    Ok(())
}

#[tokio::test]
async fn days_and_zones_that_do_not_exist() -> anyhow::Result<()> {
    let (env, pair) = copied(1, ONE_WAY).await?;
    let run = async |on: &str, zone: &str| {
        env.cli.run(&["explain", "--pair", &pair, "--on", on, "--zone", zone, "--json"]).await
    };
    for day in ["2026-02-30", "tomorrow", "2026-1-1", ""] {
        assert_eq!(run(day, "UTC").await?.status, 2, "{day}");
    }
    for zone in ["Europe/Atlantis", "../etc/passwd", ""] {
        let answer = run("2026-03-10", zone).await?;
        assert_eq!((answer.status, answer.failure().0.as_str()), (1, "not_found"), "{zone}");
    }
    let answer = run("2011-12-30", "Pacific/Apia").await?.done()?;
    assert_eq!((&answer["exists"], &answer["events"]), (&json!(false), &json!([])));
    assert_eq!(run("2011-12-29", "Pacific/Apia").await?.done()?["exists"], true);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_does_not_hide_the_other_calendar() -> anyhow::Result<()> {
    let (env, pair) = copied(1, ONE_WAY).await?;
    let on = dashed(1);
    let arguments = ["explain", "--pair", &pair, "--on", &on, "--zone", "UTC", "--json"];
    env.servers[1].faults().always(On::any(), Fault::Status(503));
    let answer = env.cli.run(&arguments).await?;
    let document = answer.document()?;
    assert_eq!((answer.status, lines(&document).len()), (1, 1), "{document}");
    assert_eq!(document["unread"][0]["error"]["code"], "unreachable", "{document}");
    assert_eq!(document["unread"][0]["calendar"], json!(env.calendars[1]));
    env.servers[0].faults().always(On::any(), Fault::Status(503));
    assert_eq!(env.cli.run(&arguments).await?.failure().0, "unreachable");
    Ok(())
}
