//! Texts, days, times and zones at the edge of what calendars have: carried over, or left out by
//! name, and never in the way of the others.

use anyhow::Context as _;
use engine::pair::Side;
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::google::Calendar;

use super::series::Scratch;
use crate::support::env_checks::reasons;
use crate::support::events::{BERLIN, calendar, object, vevent};
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::TWO_WAY;
use crate::support::servers::Provider;

/// The texts of title, description and location.
fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("emoji", "👩‍👩‍👧 🇪🇪 🎂 Käsekuchen".into()),
        ("right to left", "פגישה عيد \u{202e}abc\u{202c}".into()),
        ("composed otherwise", "Jo\u{308}geva e\u{301}".into()),
        ("nothing", String::new()),
        ("blanks", "   \t ".into()),
        ("padded", "  two  blanks  ".into()),
        ("signs of iCalendar", "a;b,c\\d:e\"f\\n=g^n'h".into()),
        ("signs of HTML", "<b>1 < 2</b> && &amp; &#128512; <x@example.org>".into()),
        ("control characters", "bell\u{7} null\u{0} escape\u{1b}[31m \u{9c}end\u{7f}".into()),
        ("no characters", "\u{fffe}\u{ffff}\u{feff}".into()),
        ("long", "Žluťoučký kůň 🐎 ".repeat(1_500)),
        ("one long word", "ü".repeat(9_000)),
    ]
}

#[tokio::test]
async fn texts_of_every_kind_are_carried_over_and_come_to_rest() -> anyhow::Result<()> {
    for (ends, trims) in [(ENDS[0], true), (ENDS[1], false), (ENDS[2], true)] {
        let env = GoogleEnv::with(ends, TWO_WAY, |server| {
            server.manners(|manners| manners.trims_texts = trims)
        })
        .await?;
        for (n, (_, text)) in texts().iter().enumerate() {
            let day = format!("2026-04-{:02}", 1 + n);
            if ends[0] == Provider::Google {
                env.google(0).put(
                    &format!("event{n}"),
                    hour(&day, text, json!({"description": format!("{text}<br><i>{text}</i>"), "location": text})),
                );
            } else {
                let day = day.replace('-', "");
                // An object has no control characters, and no long lines.
                let text: String =
                    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
                let text: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
                let text: Vec<String> = text.chunks(14).map(|part| part.iter().collect()).collect();
                let text = text.join("\n ");
                let lines = format!(
                    "DTSTART:{day}T090000Z\nDTEND:{day}T100000Z\nSUMMARY:{text}\nDESCRIPTION:{text}\\n{text}\nLOCATION:{text}"
                );
                env.people[0]
                    .put(&format!("e{n}.ics"), &object(&format!("uid-{n}"), &lines))
                    .await?;
            }
        }
        assert_eq!(env.sync_ok().await?[0], texts().len() as u64, "{ends:?}");
        env.check_at_rest().await?;
        let before = env.people[0].objects().await?;
        // Each copy moves to another hour, and nothing else of its event changes.
        for (name, _) in env.people[1].objects().await? {
            env.people[1]
                .edit(&name, |ics| {
                    ics.replace("T120000", "T121500").replace("T090000Z", "T091500Z")
                })
                .await?;
        }
        assert_eq!(env.sync_ok().await?, [0, texts().len() as u64, 0], "{ends:?}");
        let kept = |ics: &str| -> Vec<String> {
            let texts = ["SUMMARY", "DESCRIPTION", "LOCATION"];
            let unfolded = ics.replace("\r\n ", "");
            let lines = unfolded
                .split("\r\n")
                .filter(|line| texts.iter().any(|name| line.starts_with(name)));
            // Google may take blanks away at either end.
            let lines = lines.map(|line| {
                line.split_once(':')
                    .map_or(line.to_owned(), |(name, text)| format!("{name}:{}", text.trim()))
            });
            lines.filter(|line| !line.ends_with(':')).collect()
        };
        for ((name, old), (_, new)) in before.iter().zip(env.people[0].objects().await?) {
            assert_eq!(kept(old), kept(&new), "{ends:?}, trims {trims}: {name}");
            assert_ne!(*old, new, "{name} has moved");
        }
        env.check_at_rest().await?;
        let text = env.text(1).await?;
        let strange = |c: char| {
            (c.is_control() && !matches!(c, '\r' | '\n' | '\t'))
                || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        assert!(!text.contains(strange), "{ends:?}: no write has a value that no calendar has");
        assert_eq!(
            ["👩‍👩‍👧 🇪🇪 🎂 Käsekuchen", "פגישה عيد"]
                .map(|words| text.contains(&format!("SUMMARY:{words}"))),
            [true; 2],
            "{ends:?}"
        );
    }
    Ok(())
}

/// What a calendar at Google shows, every occurrence by itself: `start/end`, in UTC or as days.
fn shown(calendar: &Calendar, title: &str) -> anyhow::Result<Vec<String>> {
    let window: [Timestamp; 2] = ["2025-12-10T00:00:00Z".parse()?, "2027-03-10T00:00:00Z".parse()?];
    let time = |event: &Value, name: &str| match event[name]["dateTime"]
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok())
    {
        Some(instant) => instant.to_string(),
        None => event[name]["date"].as_str().unwrap_or_default().to_owned(),
    };
    let all = calendar.occurrences(window[0], window[1]);
    Ok(all
        .iter()
        .filter(|event| event["summary"] == title)
        .map(|event| format!("{}/{}", time(event, "start"), time(event, "end")))
        .collect())
}

/// Times as programs write them, and the first occurrences that the copy at Google has (of all).
fn times() -> Vec<(&'static str, String, &'static str, usize)> {
    let moscow = "BEGIN:VTIMEZONE\nTZID:Nowhere\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n";
    let with = |zones: &str, title: &str, lines: &str| {
        calendar(&format!("{zones}{}", vevent(title, &format!("{lines}\nSUMMARY:{title}"))))
    };
    let one = |title: &'static str, lines: &str, wanted| (title, with("", title, lines), wanted, 1);
    vec![
        one("no end", "DTSTART:20260401T090000Z", "2026-04-01T09:00:00Z/2026-04-01T09:01:00Z"),
        one("no end, a day", "DTSTART;VALUE=DATE:20260402", "2026-04-02/2026-04-03"),
        one(
            "no length",
            "DTSTART:20260403T090000Z\nDTEND:20260403T090000Z",
            "2026-04-03T09:00:00Z/2026-04-03T09:01:00Z",
        ),
        one(
            "ends before it begins",
            "DTSTART:20260404T090000Z\nDTEND:20260404T080000Z",
            "2026-04-04T09:00:00Z/2026-04-04T09:01:00Z",
        ),
        one(
            "a day that ends on itself",
            "DTSTART;VALUE=DATE:20260405\nDTEND;VALUE=DATE:20260405",
            "2026-04-05/2026-04-06",
        ),
        one(
            "a length",
            "DTSTART:20260406T090000Z\nDURATION:P1DT2H30M",
            "2026-04-06T09:00:00Z/2026-04-07T11:30:00Z",
        ),
        one("weeks", "DTSTART;VALUE=DATE:20260407\nDURATION:P2W", "2026-04-07/2026-04-21"),
        one(
            "over everything",
            "DTSTART;VALUE=DATE:19000101\nDTEND;VALUE=DATE:22000101",
            "1900-01-01/2200-01-01",
        ),
        one(
            "seconds",
            "DTSTART:20260408T235959Z\nDTEND:20260409T000001Z",
            "2026-04-08T23:59:59Z/2026-04-09T00:00:01Z",
        ),
        // In the zone of the calendar that it comes to, which has one.
        one(
            "floating",
            "DTSTART:20260409T090000\nDTEND:20260409T100000",
            "2026-04-09T07:00:00Z/2026-04-09T08:00:00Z",
        ),
        one(
            "Windows",
            "DTSTART;TZID=Eastern Standard Time:20260410T090000\nDURATION:PT1H",
            "2026-04-10T13:00:00Z/2026-04-10T14:00:00Z",
        ),
        one(
            "unknown zone",
            "DTSTART;TZID=Mars/Olympus:20260411T090000\nDURATION:PT1H",
            "2026-04-11T07:00:00Z/2026-04-11T08:00:00Z",
        ),
        one(
            "a flight",
            "DTSTART;TZID=Europe/Tallinn:20260412T220000\nDTEND;TZID=Asia/Tokyo:20260413T130000",
            "2026-04-12T19:00:00Z/2026-04-13T04:00:00Z",
        ),
        (
            "own zone",
            with(moscow, "own zone", "DTSTART;TZID=Nowhere:20260414T090000\nDURATION:PT1H"),
            "2026-04-14T06:00:00Z/2026-04-14T07:00:00Z",
            1,
        ),
        (
            "Berlin",
            with(
                BERLIN,
                "Berlin",
                "DTSTART;TZID=Europe/Berlin:20261025T013000\nDTEND;TZID=Europe/Berlin:20261025T033000",
            ),
            "2026-10-24T23:30:00Z/2026-10-25T02:30:00Z",
            1,
        ),
        (
            "leap days",
            with("", "leap days", "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1"),
            "2025-12-31/2026-01-01",
            15,
        ),
        (
            "since 1899",
            with(
                "",
                "since 1899",
                "DTSTART;TZID=Europe/Tallinn:18990302T100000\nDURATION:PT1H\nRRULE:FREQ=YEARLY",
            ),
            "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z",
            2,
        ),
    ]
}

#[tokio::test]
async fn times_of_every_kind_stand_at_google_as_they_are_meant() -> anyhow::Result<()> {
    for first in [Provider::CalDav, Provider::Icloud] {
        let env = GoogleEnv::with([first, Provider::Google], TWO_WAY, |server| {
            server.account("ben@example.org").primary().set_zone("Europe/Berlin")
        })
        .await?;
        let origins = env.caldav(0).clone();
        for (n, (_, ics, ..)) in times().iter().enumerate() {
            origins.plant(&format!("e{n}.ics"), &simulators::caldav::crlf(ics));
        }
        assert_eq!(env.sync_ok().await?[0], times().len() as u64);
        for (title, _, wanted, count) in times() {
            let all = shown(env.google(1), title)?;
            assert_eq!(
                (all.first().map(String::as_str), all.len()),
                (Some(wanted), count),
                "{title}"
            );
        }
        env.check_at_rest().await?;
        if first == Provider::Icloud {
            continue;
        }
        // An edit of something else leaves the times as they were written.
        let before = origins.objects();
        for item in env.google(1).items() {
            env.google(1)
                .patch(item["id"].as_str().unwrap_or_default(), json!({"location": "Harbour"}));
        }
        // Some of them no server would take back as they are; those stay as they are.
        let run = env.sync().await;
        let refused =
            reasons(&run).iter().filter(|reason| *reason == "refused_by_server").count() as u64;
        assert_eq!(
            (run.error.is_none(), run.changed),
            (true, times().len() as u64 - refused),
            "{run:?}"
        );
        let lines = |ics: &str| -> Vec<String> {
            let times = ["DTSTART", "DTEND", "DURATION", "RRULE", "TZ"];
            ics.lines()
                .filter(|line| times.iter().any(|name| line.starts_with(name)))
                .map(str::to_owned)
                .collect()
        };
        for ((name, old), (_, new)) in before.iter().zip(origins.objects()) {
            assert_eq!(lines(old), lines(&new), "{name}");
        }
        let written =
            origins.objects().iter().filter(|(_, ics)| ics.contains("LOCATION:Harbour")).count()
                as u64;
        assert!(written == run.changed && refused < 7, "{refused} refused: {run:?}");
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn times_of_every_kind_at_google_are_the_same_elsewhere() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[3]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        let timed = |from: &str, to: &str, zones: [&str; 2]| json!({"start": {"dateTime": from, "timeZone": zones[0]}, "end": {"dateTime": to, "timeZone": zones[1]}});
        let days = |from: &str, to: &str| json!({"start": {"date": from}, "end": {"date": to}});
        let repeating = |mut event: Value, rule: &str| {
            event["recurrence"] = json!([rule]);
            event
        };
        let tallinn = ["Europe/Tallinn"; 2];
        for (n, (title, mut event)) in [
            ("a minute", timed("2026-04-01T09:00:00Z", "2026-04-01T09:01:00Z", ["UTC"; 2])),
            ("over everything", days("1900-01-01", "2200-01-01")),
            (
                "a flight",
                timed(
                    "2026-04-12T22:00:00+03:00",
                    "2026-04-13T13:00:00+09:00",
                    ["Europe/Tallinn", "Asia/Tokyo"],
                ),
            ),
            (
                "half an hour off",
                timed(
                    "2026-04-14T09:00:00+05:45",
                    "2026-04-14T09:30:00+05:45",
                    ["Asia/Kathmandu"; 2],
                ),
            ),
            (
                "an old name",
                timed(
                    "2026-04-15T09:00:00+05:30",
                    "2026-04-15T10:00:00+05:30",
                    ["Asia/Calcutta"; 2],
                ),
            ),
            (
                "an offset",
                timed("2026-04-16T09:00:00-03:00", "2026-04-16T10:00:00-03:00", ["Etc/GMT+3"; 2]),
            ),
            (
                "last days",
                repeating(
                    days("2024-02-29", "2024-03-01"),
                    "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
                ),
            ),
            (
                "leap days",
                repeating(days("2024-02-29", "2024-03-02"), "RRULE:FREQ=MONTHLY;BYMONTHDAY=29"),
            ),
            (
                "since 1899",
                repeating(
                    timed("1899-03-02T10:00:00+01:39", "1899-03-02T11:00:00+01:39", tallinn),
                    "RRULE:FREQ=YEARLY",
                ),
            ),
            (
                "every night",
                repeating(
                    timed("2026-03-20T23:30:00+02:00", "2026-03-21T04:30:00+02:00", tallinn),
                    "RRULE:FREQ=DAILY;COUNT=20",
                ),
            ),
        ]
        .into_iter()
        .enumerate()
        {
            event["summary"] = json!(title);
            google.put(&format!("event{n}"), event);
        }
        assert_eq!(env.sync_ok().await?[0], 10, "{ends:?}");
        let scratch = Scratch::of(&env);
        assert_eq!(scratch.agenda(&env, 0).await?, scratch.agenda(&env, 1).await?, "{ends:?}");
        env.check_at_rest().await?;
        let before = google.items();
        for (name, _) in env.people[1].objects().await? {
            env.people[1]
                .edit(&name, |ics| ics.replace("END:VEVENT", "LOCATION:Harbour\r\nEND:VEVENT"))
                .await?;
        }
        assert_eq!(env.sync_ok().await?[1], 10, "{ends:?}");
        for (old, new) in before.iter().zip(google.items()) {
            for name in ["start", "end", "recurrence", "summary"] {
                assert_eq!(old[name], new[name], "{ends:?}: {name} of {}", old["summary"]);
            }
            assert_eq!(new["location"], "Harbour");
        }
        env.check_at_rest().await?;
    }
    Ok(())
}

/// One event that cannot be read, or that the other server refuses, is named; all others are
/// copied.
#[tokio::test]
async fn what_cannot_be_copied_is_named_and_stops_nobody() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[2], TWO_WAY).await?;
    let origins = env.caldav(0).clone();
    for (n, lines) in [
        "SUMMARY:No start",
        "DTSTART:20260230T090000Z\nSUMMARY:No such day",
        "DTSTART:20260401T090000Z\nRRULE:FREQ=SOMETIMES\nSUMMARY:No rule",
    ]
    .into_iter()
    .enumerate()
    {
        origins.plant(
            &format!("bad{n}.ics"),
            &simulators::caldav::crlf(&object(&format!("bad-{n}"), lines)),
        );
    }
    origins.put(
        "good.ics",
        &object("good", "DTSTART:20260401T090000Z\nDTEND:20260401T100000Z\nSUMMARY:Good"),
    );
    let run = env.sync().await;
    assert!(run.error.is_none() && run.created >= 1, "{run:?}");
    env.shown(Side::To, "Good").await?;
    let status = jobs::status(&env.scope, 60).await?;
    let problems: Vec<&str> = status
        .pairs
        .first()
        .context("a pair")?
        .problem_events
        .iter()
        .map(|problem| problem.event.as_str())
        .collect();
    assert!(
        ["bad0.ics", "bad1.ics"]
            .iter()
            .all(|name| problems.iter().any(|event| event.ends_with(name))),
        "{problems:?}"
    );
    env.check_at_rest().await
}
