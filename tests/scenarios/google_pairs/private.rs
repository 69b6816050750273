//! Private pairs over series, and what was deleted on one side and edited on the other (L9, and the
//! table of deletions).

use anyhow::Context as _;
use engine::pair::Side;
use serde_json::{Value, json};

use super::series::Scratch;
use crate::support::env_checks::reasons;
use crate::support::events::object;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};

/// Anna's visits at a clinic, one of them elsewhere.
fn visits() -> Value {
    let more = json!({
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"], "description": "Dr. Who", "location": "Ward 7",
        "visibility": "confidential", "colorId": "3",
    });
    hour("2026-04-07", "Clinic", more)
}

#[tokio::test]
async fn a_private_series_says_when_and_takes_back_nothing_but_times() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, Terms { private: true, ..TWO_WAY }).await?;
        let (google, scratch) = (env.google(0).clone(), Scratch::of(&env));
        google.put("visit1", visits());
        google.patch(
            "visit1_20260414T090000Z",
            json!({"summary": "Other clinic", "location": "Harbour", "attendees": null}),
        );
        assert_eq!(env.sync_ok().await?, [1, 0, 0]);
        let details = ["Clinic", "Other clinic", "Dr. Who", "Ward 7", "Harbour"];
        let silent = async || -> anyhow::Result<bool> {
            let text = env.text(1).await?;
            Ok(!details.iter().any(|word| text.contains(word)) && text.contains("Busy"))
        };
        assert!(silent().await?, "{ends:?}");
        let starts = async |side: usize| -> anyhow::Result<Vec<String>> {
            let lines = scratch.agenda(&env, side).await?;
            Ok(lines
                .into_iter()
                .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join("/"))
                .collect())
        };
        assert_eq!(starts(0).await?, starts(1).await?);
        env.check_at_rest().await?;

        // What is written on the whole series stays there; it says "Busy" again when its origin
        // changes.
        let (before, name) = (google.items(), env.shown(Side::To, "Busy").await?.name);
        env.people[1]
            .edit(&name, |ics| {
                ics.replacen("SUMMARY:Busy", "SUMMARY:Ben knows\r\nLOCATION:Here", 1)
            })
            .await?;
        env.sync_ok().await?;
        assert_eq!(google.items(), before, "{ends:?}");
        // One occurrence moves on the copy: the origin's moves, and keeps what it says.
        let moved = "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260421T090000Z\r\nDTSTART:20260422T120000Z\r\n\
            DTEND:20260422T130000Z\r\nSUMMARY:Ben's guess\r\nEND:VEVENT\r\nEND:VCALENDAR";
        env.people[1]
            .edit(&name, |ics| {
                let uid =
                    ics.lines().find_map(|line| line.strip_prefix("UID:")).unwrap_or_default();
                ics.replace("END:VCALENDAR", &moved.replace("UID:x", &format!("UID:{uid}")))
            })
            .await?;
        env.sync_ok().await?;
        env.sync_ok().await?;
        let occurrence = google.get("visit1_20260421T090000Z").context("there")?;
        assert_eq!(
            (&occurrence["summary"], &occurrence["location"]),
            (&json!("Clinic"), &json!("Ward 7")),
            "{ends:?}"
        );
        assert_eq!(starts(0).await?, starts(1).await?, "{ends:?}");
        assert!(starts(0).await?.iter().any(|times| times.starts_with("2026-04-22T12:00:00Z")));
        google.patch("visit1", json!({"description": "Dr. No"}));
        google.patch("visit1_20260428T090000Z", json!({"summary": "Other clinic \
        again", "start": {"dateTime": "2026-04-28T15:00:00+03:00"}, "end": {"dateTime": "2026-04-28T16:00:00+03:00"}}));
        env.sync_ok().await?;
        assert!(silent().await?, "{ends:?}");
        let text = env.text(1).await?;
        assert!(!text.contains("Ben knows") && !text.contains("Dr. No"), "{ends:?}: {text}");
        assert_eq!(starts(0).await?, starts(1).await?, "{ends:?}");
        env.sync_ok().await?;
        env.check_at_rest().await?;
    }
    Ok(())
}

/// Attendees and conferences of a private pair's events are not copied either.
#[tokio::test]
async fn a_private_copy_names_no_guest() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, Terms { private: true, ..ONE_WAY }).await?;
        let more = json!({
            "attendees": [{"email": "anna@example.org"}, {"email": "zoe@example.net"}], "transparency": "transparent",
            "description": "https://meet.google.com/abc-defg-hij", "hangoutLink": "https://meet.google.com/abc-defg-hij",
        });
        env.google(0).put("talk1", hour("2026-04-07", "Talk", more));
        env.sync_ok().await?;
        let busy = env.shown(Side::To, "Busy").await?;
        assert_eq!(
            (busy.words[0].as_str(), busy.words[1].as_str(), busy.description.as_str()),
            ("PRIVATE", "TRANSPARENT", "")
        );
        let text = env.text(1).await?;
        assert!(
            !["zoe", "anna@", "meet.google", "Talk"].iter().any(|word| text.contains(word)),
            "{text}"
        );
        // Only a change of what a private copy shows rewrites the copy.
        env.google(0).patch(
            "talk1",
            json!({"summary": "Speech", "attendees": null, "visibility": "public"}),
        );
        assert_eq!(env.sync_ok().await?, [0; 3], "{ends:?}");
        env.google(0).patch("talk1", json!({"transparency": "opaque"}));
        assert_eq!(env.sync_ok().await?, [0, 1, 0], "{ends:?}");
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn edited_here_and_deleted_there() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        for terms in [TWO_WAY, ONE_WAY] {
            let env = GoogleEnv::new(ends, terms).await?;
            let people = &env.people;
            for (n, title) in
                ["Copy edited", "Origin edited", "Both gone", "Origin renamed", "Copy gone"]
                    .into_iter()
                    .enumerate()
            {
                let time =
                    format!("DTSTART:2026040{n}T090000Z\nDTEND:2026040{n}T100000Z", n = n + 1);
                people[0]
                    .put(
                        &format!("e{n}.ics"),
                        &object(&format!("uid-{n}"), &format!("{time}\nSUMMARY:{title}")),
                    )
                    .await?;
            }
            env.sync_ok().await?;
            let mut copies = Vec::new();
            for title in
                ["Copy edited", "Origin edited", "Both gone", "Origin renamed", "Copy gone"]
            {
                copies.push(env.shown(Side::To, title).await?.name);
            }
            let place = |ics: &str| ics.replace("END:VEVENT", "LOCATION:Harbour\r\nEND:VEVENT");
            people[1].edit(&copies[0], place).await?;
            people[0].edit("e1.ics", place).await?;
            people[0].edit("e3.ics", |ics| ics.replace("Origin renamed", "Origin anew")).await?;
            for name in ["e0.ics", "e2.ics"] {
                people[0].delete(name).await?;
            }
            for name in &copies[1..] {
                people[1].delete(name).await?;
            }
            let run = env.sync().await;
            assert!(run.error.is_none() && run.held.is_none(), "{run:?}");
            let mut titles = [Vec::new(), Vec::new()];
            for (side, titles) in titles.iter_mut().enumerate() {
                let mut all: Vec<String> = people[side]
                    .agenda()
                    .await?
                    .iter()
                    .map(simulators::agenda::Entry::summary)
                    .collect();
                all.sort();
                *titles = all;
            }
            let lines =
                |titles: &[&str]| titles.iter().map(ToString::to_string).collect::<Vec<_>>();
            if terms.two_way {
                // The edit is kept, on either side.
                let both = lines(&["Copy edited", "Origin anew", "Origin edited"]);
                assert_eq!(titles, [both.clone(), both], "{ends:?} {:?}", reasons(&run));
            } else {
                // The origin decides; a copy that its owner deleted comes back when its time or
                // title changes.
                assert_eq!(
                    titles,
                    [
                        lines(&["Copy gone", "Origin anew", "Origin edited"]),
                        lines(&["Origin anew"])
                    ],
                    "{ends:?}"
                );
            }
            env.sync_ok().await?;
            env.check_at_rest().await?;
        }
    }
    Ok(())
}
