//! Objects that cannot be read, or that were made to do harm: they are named to their owner, and
//! all other events still sync (L5, L6, I3).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, actions, counts};
use crate::support::events::{at, calendar, hour, object, vevent};

fn nested(depth: usize) -> String {
    calendar(&format!("{}{}", "BEGIN:VEVENT\n".repeat(depth), "END:VEVENT\n".repeat(depth)))
}

/// Names and objects that cannot be read as an event.
fn unreadable() -> Vec<(&'static str, String)> {
    let huge = "x".repeat(1024 * 1024 + 10);
    vec![
        (
            "cut-off.ics",
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:cut\r\nDTSTART:2026".into(),
        ),
        ("nonsense.ics", "This is a letter, and no calendar.\r\n".into()),
        ("deep.ics", nested(20_000)),
        (
            "huge.ics",
            object("huge", &format!("DTSTART:{}\nSUMMARY:Huge\nDESCRIPTION:{huge}", at(2, 9))),
        ),
        ("nul.ics", object("nul", &format!("DTSTART:{}\nSUMMARY:N\u{0}UL\u{1}\u{b}", "later"))),
        ("no-start.ics", object("no-start", "SUMMARY:When?")),
        ("no-date.ics", object("no-date", "DTSTART:20261332T250000Z\nSUMMARY:Never")),
        (
            "two uids, 100% odd é.ics",
            calendar(&format!(
                "{}{}",
                vevent("one", &format!("DTSTART:{}", at(2, 9))),
                vevent("two", "DTSTART:x")
            )),
        ),
    ]
}

fn problems(status: &Value) -> Vec<String> {
    let named = status["pairs"][0]["problem_events"].as_array().into_iter().flatten();
    named.map(|problem| problem["event"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_copied() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    // Text that is not iCalendar matches no time-range; a change listing still names it.
    anna.put("first.ics", &hour("first", 1, 8, "First"));
    env.cli.sync().await?;
    for n in 0..5 {
        anna.put(&format!("good-{n}.ics"), &hour(&format!("good-{n}"), n + 1, 9, "Good"));
    }
    for (name, object) in unreadable() {
        anna.plant(name, &object);
    }
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run), [5, 0, 0, unreadable().len() as u64], "{run}");
    assert_eq!(ben.len(), 6);
    let status = env.cli.status().await?;
    let named = problems(&status);
    for (name, _) in unreadable() {
        let skipped = run["actions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|action| action["event"].as_str().is_some_and(|event| event.ends_with(name)));
        let skipped = skipped.unwrap_or_else(|| panic!("{name} is not in the report: {run}"));
        assert_eq!(
            (&skipped["action"], &skipped["reason"]),
            (&json!("skip"), &json!("unreadable")),
            "{name}"
        );
        assert!(
            named.iter().any(|event| event.ends_with(name)),
            "{name} is not in the status: {named:?}"
        );
        let report = env.cli.explain(&pair, skipped["event"].as_str().unwrap()).await?;
        assert_eq!(
            (&report["copied"], &report["reason"], &report["copy"]),
            (&json!(false), &json!("unreadable"), &Value::Null),
            "{report}"
        );
        assert_eq!(
            env.cli.explain(&pair, name).await?["reason"],
            "unreadable",
            "the name of the file alone is enough"
        );
    }
    env.reset_counts();
    let run = env.cli.sync().await?;
    assert!(actions(&run).is_empty() && env.writes() == [0, 0], "reported once: {run}");
    assert_eq!(
        env.servers[0].counts().total(),
        1,
        "and not read again until it changes: {}",
        env.servers[0].counts()
    );

    anna.put("nonsense.ics", &hour("sense", 3, 14, "Sense"));
    assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
    assert!(
        !problems(&env.cli.status().await?).iter().any(|event| event.ends_with("nonsense.ics")),
        "mended, and no problem any more"
    );
    env.check_at_rest().await?;
    Ok(())
}

/// A copy that was made from a good object stays when the object can no longer be read.
#[tokio::test]
async fn an_origin_that_becomes_unreadable_keeps_its_copy() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    anna.put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    env.cli.sync().await?;
    let before = ben.objects();
    anna.plant("lunch.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEV");
    for _ in 0..2 {
        let run = env.cli.sync().await?;
        assert_eq!(run["deleted"], 0, "{run}");
    }
    let (_, run) = env.cli.sync_with(&["--full"]).await?;
    assert_eq!((&run["deleted"], ben.objects()), (&json!(0), before), "{run}");
    anna.put("lunch.ics", &hour("lunch", 2, 13, "Lunch"));
    assert_eq!(counts(&env.cli.sync().await?), [0, 1, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn hostile_rules_end_within_bounds() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, _] = &env.people;
    let rules = [
        "FREQ=SECONDLY;COUNT=2147483647",
        "FREQ=SECONDLY;INTERVAL=1;BYSECOND=59;BYMINUTE=59;BYHOUR=23;BYMONTHDAY=31;BYMONTH=12",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;INTERVAL=9999",
        "FREQ=MINUTELY;UNTIL=99991231T235959Z;BYSETPOS=-1;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=4294967295",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=HOURLY;BYYEARDAY=366;BYWEEKNO=53",
        "FREQ=DAILY;COUNT=0",
        "FREQ=NEVER",
        "COUNT=1",
        "FREQ=DAILY;BYHOUR=99",
    ];
    for (n, rule) in rules.iter().enumerate() {
        let lines = format!(
            "DTSTART:20000101T000000Z\nDTEND:20000101T000001Z\nRRULE:{rule}\nSUMMARY:Rule {n}"
        );
        anna.plant(
            &format!("rule-{n}.ics"),
            &simulators::caldav::crlf(&object(&format!("rule-{n}"), &lines)),
        );
    }
    let dates: String =
        (0..20_000).map(|n| format!("EXDATE:{}\n", at(n % 300, (n % 24) as u8))).collect();
    let exceptions = format!("DTSTART:{}\nRRULE:FREQ=DAILY\n{dates}SUMMARY:Holes", at(1, 1));
    anna.put("holes.ics", &object("holes", &exceptions));
    anna.put("good.ics", &hour("good", 2, 9, "Good"));
    let begun = Instant::now();
    let run = env.cli.sync().await?;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(run["created"].as_u64() >= Some(1), "{run}");
    let report = env.cli.explain(&pair, "good.ics").await?;
    assert_eq!(report["copied"], true, "{report}");
    for name in (0..rules.len()).map(|n| format!("rule-{n}.ics")).chain(["holes.ics".into()]) {
        let report = env.cli.explain(&pair, &name).await?;
        assert!(
            report["copied"] == true || !report["reason"].is_null(),
            "copied, or there is a reason: {report}"
        );
    }
    let run = env.cli.sync().await?;
    assert!(actions(&run).is_empty(), "and then there is peace: {run}");
    env.check_at_rest().await?;
    Ok(())
}
