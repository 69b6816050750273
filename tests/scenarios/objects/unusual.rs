//! Times, rules and exceptions that few programs write.

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, counts};
use crate::support::events::{at, calendar, object, vevent};
use crate::support::google_env::GoogleEnv;
use crate::support::installation;
use crate::support::servers::Provider;

/// A name, the lines of the master, those of changed occurrences, and the starts and ends of what
/// is to be seen.
type Case =
    (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CASES: [Case; 7] = [
    (
        "no-length",
        "DTSTART:20260402T090000Z",
        &[],
        &[("2026-04-02T09:00:00Z", "2026-04-02T09:01:00Z")],
    ),
    (
        "hourly",
        "DTSTART:20260402T090000Z\nDTEND:20260402T093000Z\nRRULE:FREQ=HOURLY;INTERVAL=4;COUNT=3",
        &[],
        &[
            ("2026-04-02T09:00:00Z", "2026-04-02T09:30:00Z"),
            ("2026-04-02T13:00:00Z", "2026-04-02T13:30:00Z"),
            ("2026-04-02T17:00:00Z", "2026-04-02T17:30:00Z"),
        ],
    ),
    (
        "two-ends",
        "DTSTART:20260402T090000Z\nDTEND:20260402T100000Z\nRRULE:FREQ=DAILY;UNTIL=20260403T090000Z;COUNT=9;X-MAKER=1",
        &[],
        &[
            ("2026-04-02T09:00:00Z", "2026-04-02T10:00:00Z"),
            ("2026-04-03T09:00:00Z", "2026-04-03T10:00:00Z"),
        ],
    ),
    (
        "stray",
        "DTSTART:20260402T090000Z\nDTEND:20260402T100000Z\nRRULE:FREQ=DAILY;COUNT=2",
        &["RECURRENCE-ID:20260410T090000Z\nDTSTART:20260411T090000Z\nDTEND:20260411T100000Z"],
        &[
            ("2026-04-02T09:00:00Z", "2026-04-02T10:00:00Z"),
            ("2026-04-03T09:00:00Z", "2026-04-03T10:00:00Z"),
            ("2026-04-11T09:00:00Z", "2026-04-11T10:00:00Z"),
        ],
    ),
    (
        "periods",
        "DTSTART:20260402T090000Z\nDTEND:20260402T100000Z\nRDATE;VALUE=PERIOD:20260404T090000Z/PT3H,20260405T090000Z/20260405T091500Z",
        &[],
        &[
            ("2026-04-02T09:00:00Z", "2026-04-02T10:00:00Z"),
            ("2026-04-04T09:00:00Z", "2026-04-04T12:00:00Z"),
            ("2026-04-05T09:00:00Z", "2026-04-05T09:15:00Z"),
        ],
    ),
    (
        "following",
        "DTSTART:20260402T090000Z\nDTEND:20260402T100000Z\nRRULE:FREQ=DAILY;COUNT=3",
        &[
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20260403T090000Z\nDTSTART:20260403T120000Z\nDTEND:20260403T140000Z",
        ],
        &[
            ("2026-04-02T09:00:00Z", "2026-04-02T10:00:00Z"),
            ("2026-04-03T12:00:00Z", "2026-04-03T14:00:00Z"),
            ("2026-04-04T12:00:00Z", "2026-04-04T14:00:00Z"),
        ],
    ),
    (
        "outlook-day",
        "DTSTART:20260402T000000\nDTEND:20260404T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        &[],
        &[("2026-04-02", "2026-04-04")],
    ),
];

fn written((name, master, changes, _): &Case) -> String {
    let event = |lines: &str| vevent(name, &format!("{lines}\nSUMMARY:{name}"));
    let changes = changes.iter().map(|lines| event(lines));
    calendar(&std::iter::once(event(master)).chain(changes).collect::<String>())
}

#[tokio::test]
async fn google_shows_what_an_unusual_object_means() -> anyhow::Result<()> {
    let env = GoogleEnv::new([Provider::CalDav, Provider::Google], installation::ONE_WAY).await?;
    for case in &CASES {
        env.caldav(0).plant(&format!("{}.ics", case.0), &simulators::caldav::crlf(&written(case)));
    }
    assert_eq!(env.sync_ok().await?, [CASES.len() as u64, 0, 0]);
    let window: [Timestamp; 2] = ["2026-03-01T00:00:00Z".parse()?, "2026-06-01T00:00:00Z".parse()?];
    let shown = env.google(1).occurrences(window[0], window[1]);
    for (name, _, _, expected) in &CASES {
        let text = |time: &Value| match time["dateTime"].as_str() {
            Some(time) => {
                time.parse::<Timestamp>().map(|instant| instant.to_string()).unwrap_or_default()
            }
            None => time["date"].as_str().unwrap_or_default().to_owned(),
        };
        let of_case = shown.iter().filter(|event| event["summary"] == *name);
        let mut found: Vec<(String, String)> =
            of_case.map(|event| (text(&event["start"]), text(&event["end"]))).collect();
        found.sort();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(start, end)| (start.as_str(), end.as_str())).collect();
        assert_eq!(found, *expected, "{name}");
    }
    env.check_at_rest().await
}

/// An endless rule of hours has more dates than an event may have: it is reported, and everything
/// else is copied.
#[tokio::test]
async fn google_is_not_asked_for_what_it_cannot_show() -> anyhow::Result<()> {
    let env = GoogleEnv::new([Provider::CalDav, Provider::Google], installation::ONE_WAY).await?;
    env.caldav(0).put(
        "e.ics",
        &object(
            "e",
            "DTSTART:20260402T090000Z\nDTEND:20260402T093000Z\nRRULE:FREQ=HOURLY\nSUMMARY:Bell",
        ),
    );
    env.caldav(0).put(
        "l.ics",
        &object("l", "DTSTART:20260402T120000Z\nDTEND:20260402T130000Z\nSUMMARY:Lunch"),
    );
    let run = env.sync().await;
    assert_eq!((run.created, run.skipped, run.error), (1, 1, None));
    env.check_at_rest().await
}

#[tokio::test]
async fn a_guessed_zone_is_told_until_it_is_set_right() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    let odd = |tzid: &str, title: &str| {
        let [start, end] = [9, 10].map(|hour| at(2, hour).replace('Z', ""));
        let lines =
            format!("DTSTART;TZID={tzid}:{start}\nDTEND;TZID={tzid}:{end}\nSUMMARY:{title}");
        simulators::caldav::crlf(&object("odd", &lines))
    };
    anna.plant("odd.ics", &odd("Nowhere in Particular", "Odd"));
    assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
    for _ in 0..2 {
        let status = env.cli.status().await?;
        assert_eq!(
            (&status["pairs"][0]["problems"], &status["pairs"][0]["state"]),
            (&json!(1), &json!("ok")),
            "{status}"
        );
        assert_eq!(status["pairs"][0]["problem_events"][0]["reason"], "zone_unknown");
        let report = env.cli.explain(&pair, "odd.ics").await?;
        assert_eq!(
            (&report["copied"], &report["reason"]),
            (&json!(true), &json!("zone_unknown")),
            "{report}"
        );
        assert_eq!(counts(&env.cli.sync().await?), [0; 4], "and that is no work");
    }
    anna.plant("odd.ics", &odd("Nowhere in Particular", "Still odd"));
    assert_eq!(counts(&env.cli.sync().await?), [0, 1, 0, 0]);
    assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 1);
    anna.plant("odd.ics", &odd("Europe/Berlin", "Right"));
    assert_eq!((counts(&env.cli.sync().await?), ben.len()), ([0, 1, 0, 0], 1));
    assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 0);
    assert_eq!(env.cli.explain(&pair, "odd.ics").await?["reason"], Value::Null);
    Ok(())
}

/// Two megabytes in the line of an attachment: read without it, in a listing of many and by itself.
#[tokio::test]
async fn an_event_is_copied_without_what_hangs_on_it() -> anyhow::Result<()> {
    let (env, _) =
        Builder::caldav(Manners::generic()).build_cli_paired(crate::support::cli::TWO_WAY).await?;
    let [anna, ben] = &env.people;
    let data = "QUJD".repeat(1 << 19);
    let attached = |n: u8| {
        let lines = format!(
            "DTSTART:{}\nDTEND:{}\nATTACH;ENCODING=BASE64;VALUE=BINARY:{data}\nSUMMARY:Plan {n}",
            at(n.into(), 9),
            at(n.into(), 10)
        );
        simulators::caldav::crlf(&object(&format!("a{n}"), &lines))
    };
    anna.plant("a1.ics", &attached(1));
    assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0], "by itself");
    anna.plant("a2.ics", &attached(2));
    anna.plant("a3.ics", &attached(3));
    assert_eq!((counts(&env.cli.sync().await?), ben.len()), ([2, 0, 0, 0], 3), "among many");
    let before = anna.objects();
    let name = ben
        .objects()
        .into_iter()
        .find(|(_, ics)| ics.contains("SUMMARY:Plan 1"))
        .map(|(name, _)| name)
        .unwrap();
    let copy =
        ben.objects().into_iter().find(|(found, _)| *found == name).map(|(_, ics)| ics).unwrap();
    ben.put(&name, &copy.replace("SUMMARY:Plan 1", "SUMMARY:Edited"));
    let run = env.cli.sync().await?;
    assert_eq!(run["actions"][0]["reason"], "refused_by_server", "{run}");
    assert!(anna.objects() == before, "an edit that would lose the attachment is not made");
    Ok(())
}
