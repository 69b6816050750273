//! One-way pairs with edited copies: each copy stays as it was edited until its origin changes or a
//! full pass is made.

use engine::pair::Side;
use jobs::SyncOptions;
use serde_json::{Value, json};
use simulators::person::Person;

use super::series::Scratch;
use crate::support::env_checks::{FULL, did};
use crate::support::events::{BERLIN, calendar, vevent};
use crate::support::google_env::{ENDS, GoogleEnv};
use crate::support::installation::ONE_WAY;

type Change = fn(&str) -> String;

/// What becomes of each origin; an ordinary event among them, and one to which nothing happens.
const EVENTS: [(&str, Change); 6] = [
    ("Title", |ics| ics.replace("SUMMARY:Title", "SUMMARY:Title anew")),
    ("Time", |ics| ics.replace("T090000", "T093000")),
    ("Rule", |ics| ics.replace("COUNT=9", "UNTIL=20260420T070000Z")),
    ("Gap", |ics| {
        ics.replacen("END:VEVENT", "EXDATE;TZID=Europe/Berlin:20260406T090000\nEND:VEVENT", 1)
    }),
    ("Once", |ics| ics.replace("LOCATION:Room 5", "LOCATION:Room 6")),
    ("Nothing", str::to_owned),
];

fn object(title: &str) -> String {
    let time = |name: &str, hour: u8| format!("{name};TZID=Europe/Berlin:20260302T{hour:02}0000");
    let rule = if title == "Once" { "" } else { "RRULE:FREQ=WEEKLY;COUNT=9\n" };
    let lines = format!(
        "{}\n{}\n{rule}SUMMARY:{title}\nLOCATION:Room 5",
        time("DTSTART", 9),
        time("DTEND", 10)
    );
    calendar(&format!("{BERLIN}{}", vevent(title, &lines)))
}

/// The copy gets a place of its own; of a series one occurrence is cancelled, and one is moved.
async fn edit(env: &GoogleEnv, title: &str) -> anyhow::Result<()> {
    let name = env.shown(Side::To, title).await?.name;
    if title == "Once" {
        env.people[1].edit(&name, |ics| ics.replace("LOCATION:Room", "LOCATION:Mine")).await?;
    } else if let Person::Google(calendar) = &env.people[1] {
        let is_it = |item: &Value| item["summary"] == title && item["recurrence"].is_array();
        let id =
            calendar.items().into_iter().find(is_it).unwrap()["id"].as_str().unwrap().to_owned();
        assert!(
            calendar.remove(&format!("{id}_20260316T080000Z")),
            "{title} {id} {:#?}",
            calendar.items()
        );
        assert!(calendar.patch(&format!("{id}_20260323T080000Z"), json!({ "summary": "Mine" })));
        assert!(calendar.patch(&id, json!({ "location": "Mine" })));
    } else {
        let other = "RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260323T110000\nDTEND;TZID=Europe/Berlin:20260323T120000\nSUMMARY:Mine";
        let edited = |ics: &str| {
            let gap = ics.replacen(
                "END:VEVENT",
                "EXDATE;TZID=Europe/Berlin:20260316T090000\nEND:VEVENT",
                1,
            );
            let uid = gap
                .lines()
                .find_map(|line| line.strip_prefix("UID:"))
                .unwrap_or_default()
                .trim()
                .to_owned();
            gap.replace("LOCATION:Room 5", "LOCATION:Mine").replacen(
                "END:VCALENDAR",
                &format!("{}END:VCALENDAR", vevent(&uid, other)),
                1,
            )
        };
        assert!(env.people[1].edit(&name, edited).await?);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_done_to_a_copy_is_undone_when_its_origin_changes_or_everything_is_looked_at()
-> anyhow::Result<()> {
    for ends in ENDS {
        let env = GoogleEnv::new(ends, ONE_WAY).await?;
        let scratch = Scratch::of(&env);
        for (title, _) in EVENTS {
            env.people[0].put(&format!("{}.ics", title.to_lowercase()), &object(title)).await?;
        }
        env.sync_ok().await?;
        scratch.same(&env, "as they are made").await?;
        for (title, _) in EVENTS {
            edit(&env, title).await?;
        }
        let edited = scratch.agenda(&env, 1).await?;
        let run = env.sync().await;
        assert_eq!((did(&run), run.skipped), ([0, 0, 0], 6), "{ends:?}: {run:?}");
        env.check_at_rest().await?;
        assert_eq!(scratch.agenda(&env, 1).await?, edited, "{ends:?}: no full pass was asked for");

        for (title, change) in EVENTS.into_iter().filter(|(title, _)| *title != "Nothing") {
            assert!(env.people[0].edit(&format!("{}.ics", title.to_lowercase()), change).await?);
        }
        let preview = env.sync_with(SyncOptions { dry_run: true, ..SyncOptions::default() }).await;
        let run = env.sync().await;
        assert_eq!((did(&run), run.skipped), ([0, 5, 0], 0), "{ends:?}: {run:?}");
        assert_eq!(did(&preview), did(&run), "{ends:?}: {preview:?}");
        env.check_at_rest().await?;
        let run = env.sync_with(SyncOptions { dry_run: true, ..FULL }).await;
        assert_eq!(did(&run), [0, 1, 0], "{ends:?}: {run:?}");
        assert_eq!(did(&env.sync_with(FULL).await), [0, 1, 0], "{ends:?}");
        scratch.same(&env, "after all that").await?;
        env.check_at_rest().await?;

        // A full pass is made before any pass has seen the edits.
        for title in ["Title anew", "Once", "Nothing"] {
            edit(&env, title).await?;
        }
        assert_eq!(did(&env.sync_with(FULL).await), [0, 3, 0], "{ends:?}");
        scratch.same(&env, "looked at").await?;
        env.check_at_rest().await?;
    }
    Ok(())
}
