//! Series with everything that happens to them: both sides expanded and compared, moment by moment,
//! across the changes of the clocks.

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::google::Calendar;
use simulators::person::Person;

use crate::support::events::{BERLIN, calendar, vevent};
use crate::support::google_env::{ENDS, GoogleEnv};
use crate::support::installation::TWO_WAY;
use crate::support::servers::Provider;

/// A calendar outside all pairs, into which the events of both sides are written in one way for
/// comparison.
pub struct Scratch(Calendar);

impl Scratch {
    pub fn of(env: &GoogleEnv) -> Self {
        Self(env.server().account("nobody@example.org").primary())
    }

    /// What the user sees within the window of the scenario, occurrence by occurrence.
    pub async fn agenda(&self, env: &GoogleEnv, side: usize) -> anyhow::Result<Vec<String>> {
        let window: [Timestamp; 2] =
            ["2025-12-10T00:00:00Z".parse()?, "2027-03-10T00:00:00Z".parse()?];
        let shown = |calendar: &Calendar| {
            let mut lines: Vec<String> = calendar
                .occurrences(window[0], window[1])
                .iter()
                .map(|event| {
                    let time = |name: &str| match event[name]["dateTime"]
                        .as_str()
                        .and_then(|time| time.parse::<Timestamp>().ok())
                    {
                        Some(instant) => instant.to_string(),
                        None => event[name]["date"].to_string(),
                    };
                    format!(
                        "{} {} {} {}",
                        time("start"),
                        time("end"),
                        event["summary"],
                        event["location"]
                    )
                })
                .collect();
            lines.sort();
            lines
        };
        match &env.people[side] {
            Person::Google(calendar) => Ok(shown(calendar)),
            person => {
                self.0.clear();
                for (n, (_, ics)) in person.objects().await?.into_iter().enumerate() {
                    // What was cleared keeps its name: every round has its own.
                    self.0.put_object(&format!("r{}n{n}.ics", self.0.revision()), &ics);
                }
                Ok(shown(&self.0))
            }
        }
    }

    /// Both sides show equal occurrences, and at least one.
    pub async fn same(&self, env: &GoogleEnv, what: &str) -> anyhow::Result<()> {
        let both = [self.agenda(env, 0).await?, self.agenda(env, 1).await?];
        anyhow::ensure!(!both[0].is_empty(), "{what}: nothing is there");
        let lacks = |one: &[String], other: &[String]| {
            one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
        };
        anyhow::ensure!(
            both[0] == both[1],
            "{:?} {what}:\nonly here {:#?}\nonly there {:#?}",
            env.ends,
            lacks(&both[0], &both[1]),
            lacks(&both[1], &both[0])
        );
        Ok(())
    }
}

fn weekly(title: &str, from: &str, zone: &str, rule: &str) -> Value {
    let time = |hour| json!({"dateTime": format!("{from}T{hour}:30:00"), "timeZone": zone});
    json!({"summary": title, "location": "Room 5", "start": time("09"), "end": time("10"), "recurrence": [format!("RRULE:{rule}")]})
}

fn moved(day: &str, zone: &str) -> Value {
    let time = |hour| json!({"dateTime": format!("{day}T{hour}:00:00"), "timeZone": zone});
    json!({"start": time("15"), "end": time("17")})
}

#[tokio::test]
async fn series_of_google_are_the_same_everywhere_whatever_happens_to_them() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[3]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let (google, scratch) = (env.google(0).clone(), Scratch::of(&env));
        let tallinn = "Europe/Tallinn";
        google.put("week1", weekly("Team", "2026-03-03", tallinn, "FREQ=WEEKLY;BYDAY=TU"));
        google.put(
            "york1",
            weekly("York", "2026-03-02", "America/New_York", "FREQ=DAILY;INTERVAL=3;COUNT=120"),
        );
        google.put(
            "month1",
            weekly("Payday", "2026-01-30", "Europe/Berlin", "FREQ=MONTHLY;BYDAY=-1FR"),
        );
        google.put(
            "last1",
            weekly(
                "Day 31",
                "2026-01-31",
                tallinn,
                "FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20261231T235959Z",
            ),
        );
        let mut days = json!({"summary": "Bins", "start": {"date": "2026-03-05"}, "end": {"date": "2026-03-06"}});
        days["recurrence"] = json!([
            "RRULE:FREQ=WEEKLY;INTERVAL=2",
            "EXDATE;VALUE=DATE:20260402",
            "RDATE;VALUE=DATE:20260407"
        ]);
        google.put("days1", days);
        env.sync_ok().await?;
        scratch.same(&env, "as they are made").await?;
        env.check_at_rest().await?;

        google.patch("week1_20260324T073000Z", moved("2026-03-29", tallinn));
        google.patch("week1_20260331T063000Z", json!({"summary": "Team, in April"}));
        google.remove("week1_20260407T063000Z");
        google.patch(
            "days1_20260319",
            json!({"start": {"date": "2026-03-20"}, "end": {"date": "2026-03-22"}}),
        );
        google.remove("days1_20260416");
        google.patch("york1_20260308T133000Z", json!({"location": "Elsewhere"}));
        env.sync_ok().await?;
        scratch.same(&env, "with exceptions").await?;
        env.check_at_rest().await?;

        let rest = google.split(
            "week1",
            "week1_20260505T063000Z",
            json!({"summary": "Team, smaller", "location": "Room 6"}),
        );
        google.split("days1", "days1_20260528", json!({"summary": "Bins, new"}));
        env.sync_ok().await?;
        scratch.same(&env, "cut in two").await?;
        env.check_at_rest().await?;

        google.patch(&rest, json!({"start": {"dateTime": "2026-05-05T11:00:00+03:00"}, "end": {"dateTime": "2026-05-05T12:00:00+03:00"}}));
        google.patch("month1", json!({"recurrence": ["RRULE:FREQ=MONTHLY;BYDAY=-1TH"], "start": {"dateTime": "2026-01-29T09:30:00+01:00"}, "end": {"dateTime": "2026-01-29T10:30:00+01:00"}}));
        env.sync_ok().await?;
        scratch.same(&env, "moved as a whole").await?;
        env.check_at_rest().await?;

        google.patch("week1_20260310T073000Z", json!({"location": "Room 9"}));
        google.patch("week1_20260324T073000Z", moved("2026-03-25", tallinn));
        google.patch("last1", json!({"recurrence": null}));
        google.remove("york1");
        env.sync_ok().await?;
        scratch.same(&env, "after all that").await?;
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn series_from_caldav_are_the_same_at_google() -> anyhow::Result<()> {
    for ends in [ENDS[2], [Provider::Icloud, Provider::Google]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let scratch = Scratch::of(&env);
        let time = |name: &str, at: &str| format!("{name};TZID=Europe/Berlin:{at}");
        let master = |rule: &str, more: &str| {
            let (start, end) =
                (time("DTSTART", "20260302T090000"), time("DTEND", "20260302T100000"));
            vevent(
                "series",
                &format!("{start}\n{end}\nRRULE:{rule}\n{more}SUMMARY:Team\nLOCATION:Room 5"),
            )
        };
        let instead = |of: &str, from: &str, to: &str, title: &str| {
            let lines = [
                time("RECURRENCE-ID", of),
                time("DTSTART", from),
                time("DTEND", to),
                format!("SUMMARY:{title}"),
            ];
            vevent("series", &lines.join("\n"))
        };
        let gaps = format!(
            "{}\n{}\n",
            time("EXDATE", "20260316T090000"),
            time("RDATE", "20260318T090000")
        );
        let exceptions = [
            instead("20260323T090000", "20260329T013000", "20260329T033000", "Team, at night"),
            instead("20260330T090000", "20260330T090000", "20260330T100000", "Team, alone"),
        ];
        let whole = |master: String| calendar(&format!("{BERLIN}{master}{}", exceptions.concat()));
        env.caldav(0).put("series.ics", &whole(master("FREQ=WEEKLY", &gaps)));
        let day = "DTSTART;VALUE=DATE:20260301\nDTEND;VALUE=DATE:20260303\nRRULE:FREQ=MONTHLY;COUNT=20\nEXDATE;VALUE=DATE:20260501\nSUMMARY:Rent";
        let other = "RECURRENCE-ID;VALUE=DATE:20260601\nDTSTART;VALUE=DATE:20260605\nDTEND;VALUE=DATE:20260606\nSUMMARY:Rent, late";
        env.caldav(0).put(
            "rent.ics",
            &calendar(&format!("{}{}", vevent("rent", day), vevent("rent", other))),
        );
        env.sync_ok().await?;
        scratch.same(&env, "as they are made").await?;
        env.check_at_rest().await?;

        // On the copies: one more occurrence goes, one moves.
        let copy = env.google(1).find("Team").unwrap()["id"].as_str().unwrap().to_owned();
        assert!(env.google(1).remove(&format!("{copy}_20260413T070000Z")));
        assert!(
            env.google(1)
                .patch(&format!("{copy}_20261102T080000Z"), moved("2026-11-03", "Europe/Berlin"))
        );
        env.sync_ok().await?;
        scratch.same(&env, "changed at Google").await?;
        env.check_at_rest().await?;
        // Cut at its origin, as calendar programs do it: the rule ends, the exceptions before stay,
        // and those after it go.
        env.caldav(0).edit("series.ics", |ics| {
            let ics = ics.replace("RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY;UNTIL=20260601T070000Z");
            let is_later =
                |event: &str| event.contains("RECURRENCE-ID") && event.contains("20261102T090000");
            let events: Vec<&str> = ics.split_inclusive("END:VEVENT\r\n").collect();
            assert_eq!(events.iter().filter(|event| is_later(event)).count(), 1);
            events.into_iter().filter(|event| !is_later(event)).collect()
        });
        let rest = [
            "DTSTART;TZID=Europe/Berlin:20260608T110000",
            "DTEND;TZID=Europe/Berlin:20260608T113000",
            "RRULE:FREQ=WEEKLY",
            "SUMMARY:Team, later",
        ];
        env.caldav(0)
            .put("rest.ics", &calendar(&format!("{BERLIN}{}", vevent("rest", &rest.join("\n")))));
        env.sync_ok().await?;
        scratch.same(&env, "cut in two").await?;
        env.check_at_rest().await?;
        env.caldav(0).edit("series.ics", |ics| ics.replace("090000", "093000"));
        env.sync_ok().await?;
        scratch.same(&env, "moved as a whole").await?;
        env.check_at_rest().await?;
    }
    Ok(())
}
