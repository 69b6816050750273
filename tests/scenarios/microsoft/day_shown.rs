//! `explain --on` where one of the two calendars is at Microsoft or Google: single events, series,
//! and series that have a copy for each occurrence.

use serde_json::{Value, json};

use super::{Kind, Office, object};
use crate::support::cli::ONE_WAY;
use crate::support::events::{at, day};

/// The events of one calendar: whether each is copied, and why not.
fn of<'a>(answer: &'a Value, calendar: &str) -> Vec<(&'a str, bool, &'a Value)> {
    let all = answer["events"].as_array().unwrap().iter();
    all.filter(|event| event["calendar"] == calendar)
        .map(|event| (event["event"].as_str().unwrap(), event["copied"] == true, &event["reason"]))
        .collect()
}

async fn check(kind: Kind) -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::CalDav, "anna").await?;
    let (_, to) = office.end(kind, "ben").await?;
    let super::End::CalDav(anna) = anna else { panic!("it is at a CalDAV server") };
    let series =
        |more: String| format!("DTSTART:{}\nDTEND:{}\n{more}\nSUMMARY:Choir", at(3, 18), at(3, 19));
    anna.put("choir.ics", &object("choir", &series("RRULE:FREQ=WEEKLY;COUNT=5".into())));
    let dates = format!("RDATE:{},{}", at(5, 18), at(10, 18));
    anna.put("irregular.ics", &object("irregular", &series(dates)));
    anna.put("away.ics", &object("away", &format!("DTSTART;VALUE=DATE:{}\nSUMMARY:Away", day(10))));
    let pair = office.cli.pair_add(&from, &to, ONE_WAY).await?;
    office.sync().await?;
    let on = |after| {
        let day = day(after);
        format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])
    };
    for (after, events) in [(3, 2), (4, 0), (5, 1), (10, 3), (11, 0), (17, 1)] {
        let arguments =
            ["explain", "--pair", &pair, "--on", &on(after), "--zone", "UTC"].map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = office.cli.json(&arguments).await?;
        let (here, there) = (of(&answer, &from), of(&answer, &to));
        assert_eq!((here.len(), there.len()), (events, events), "{kind:?} {after}: {answer}");
        assert!(here.iter().all(|(_, is_copied, _)| *is_copied), "{kind:?} {after}: {answer}");
        let own = json!("own_copy");
        assert!(there.iter().all(|(_, _, reason)| **reason == own), "{kind:?}: {answer}");
    }
    office.is_clean();
    Ok(())
}

#[tokio::test]
async fn a_day_at_microsoft_is_explained() -> anyhow::Result<()> {
    check(Kind::Microsoft).await
}

#[tokio::test]
async fn a_day_at_google_is_explained() -> anyhow::Result<()> {
    check(Kind::Google).await
}
