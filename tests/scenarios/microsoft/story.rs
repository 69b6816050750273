//! One run of a two-way pair between a CalDAV server and Microsoft 365, under different
//! behaviours of Microsoft's.

use anyhow::{bail, ensure};
use serde_json::json;
use simulators::caldav::Calendar;
use simulators::graph;

use super::{End, Kind, Office, Shown, object, outlook, weekly};
use crate::support::cli::TWO_WAY;

/// A pair with single events and series of both ends.
pub(super) struct Story {
    pub(super) office: Office,
    pub(super) anna: End,
    pub(super) ben: End,
}

/// Anna's series: its time, its exception dates, and further lines.
pub(super) fn team(time: &str, more: &str) -> String {
    object(
        "team",
        &format!(
            "DTSTART;TZID=Europe/Berlin:20261202T{time}\nDURATION:PT1H\nSUMMARY:Team\n\
            RRULE:FREQ=WEEKLY;COUNT=10{more}"
        ),
    )
}

/// The occurrence of `day` moved two hours later and renamed.
pub(super) fn team_moved(time: &str, day: &str, more: &str) -> String {
    let changed = format!(
        "END:VEVENT\nBEGIN:VEVENT\nUID:team\nDTSTAMP:20261101T000000Z\n\
        RECURRENCE-ID;TZID=Europe/Berlin:{day}T{time}\nDTSTART;TZID=Europe/Berlin:{day}T180000\n\
        DURATION:PT1H\nSUMMARY:Team late\nEND:VEVENT\nEND:VCALENDAR"
    );
    team(time, more).replacen("END:VEVENT\nEND:VCALENDAR", &changed, 1)
}

impl Story {
    pub(super) async fn begin(prepare: impl FnOnce(&Office)) -> anyhow::Result<Self> {
        let office = Office::new().await?;
        prepare(&office);
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let story = Self { office, anna, ben };
        let lunch = "DTSTART;TZID=Europe/Berlin:20261203T110000\nDURATION:PT1H\nSUMMARY:Lunch";
        story.here().put("lunch.ics", &object("lunch", lunch));
        let day = "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261226\nSUMMARY:Off";
        story.here().put("off.ics", &object("off", day));
        let without = "\nEXDATE;TZID=Europe/Berlin:20261216T120000";
        story.here().put("team.ics", &team_moved("120000", "20261209", without));
        story.there().add(outlook("2026-12-04", "Walk", json!({})));
        let walks = weekly("2026-12-07", "monday", 6);
        story.there().add(outlook("2026-12-07", "Swim", walks));
        story.office.cli.pair_add(&from, &to, TWO_WAY).await?;
        Ok(story)
    }

    pub(super) fn here(&self) -> &Calendar {
        let End::CalDav(calendar) = &self.anna else { panic!("a CalDAV calendar") };
        calendar
    }

    pub(super) fn there(&self) -> &graph::Calendar {
        self.ben.microsoft()
    }

    /// The id of an event or series of this title at Microsoft.
    pub(super) fn id(&self, title: &str) -> String {
        let found = self.there().find(title).unwrap_or_else(|| panic!("no {title}"));
        found["id"].as_str().unwrap_or_default().to_owned()
    }

    /// People edit both calendars.
    pub(super) fn is_edited(&self) {
        // Anna moves her series and cancels one occurrence more.
        let without = "\nEXDATE;TZID=Europe/Berlin:20261216T140000,20261230T140000";
        self.here().put("team.ics", &team_moved("140000", "20261209", without));
        self.there().patch(&self.id("Lunch"), json!({"subject": "Late lunch"}));
        let swim = self.id("Swim");
        let third = self.there().occurrence(&swim, "2026-12-21");
        self.there().patch(&third, json!({"subject": "Swim far"}));
        self.there().remove(&self.there().occurrence(&swim, "2026-12-28"));
        self.there().remove(&self.id("Walk"));
    }

    /// Passes that list everything. The guard holds deletions that a whole listing shows among so
    /// few events, and Anna confirms them.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..3 {
            let (_, run) = self.office.cli.sync_with(&["--full"]).await?;
            if let Some(pair) = run["id"].as_str().filter(|_| run["state"] == "held") {
                let confirm = ["--pair", pair, "--confirm-deletions"];
                self.office.cli.sync_with(&confirm).await?;
            }
            if run["state"] == "error" {
                let said = self.office.cli.run(&["-vv", "sync", "--full"]).await?;
                bail!("{run}: {} {:?}", said.stderr, self.office.graph.violations());
            }
        }
        Ok(())
    }

    /// Both ends show the same, and nothing is written any more.
    pub(super) async fn is_in_step(&self, when: &str) -> anyhow::Result<()> {
        let (ours, theirs) = (self.anna.shown(), self.ben.shown());
        let only = |one: &Shown, other: &Shown| {
            let differ = one.iter().filter(|(shown, count)| other.get(*shown) != Some(*count));
            differ
                .map(|(shown, count)| format!("{} {} {count}", shown.0, shown.1))
                .collect::<Vec<_>>()
        };
        if ours != theirs {
            let status = self.office.cli.status().await?;
            bail!(
                "{when}: only Anna: {:?}; only Ben: {:?}; {}",
                only(&ours, &theirs),
                only(&theirs, &ours),
                status["pairs"]
            );
        }
        self.office.rest().await
    }

    /// The whole story. `full`: deletions are found by a whole listing only.
    pub(super) async fn run(self, full: bool) -> anyhow::Result<()> {
        let first = self.office.sync().await?;
        let status = self.office.cli.status().await?;
        ensure!(first == [10, 0, 0, 0], "3 of Anna's, Walk, and 6 of Swim: {first:?}, {status}");
        self.is_in_step("first").await?;
        self.is_edited();
        self.office.cli.sync_with(&[]).await?;
        if full {
            self.settle().await?;
        }
        self.is_in_step("edited").await?;
        let shown = self.anna.shown();
        let titles = |title: &str| shown.keys().filter(|(_, shown)| shown == title).count();
        let counts = ["Team", "Team late", "Late lunch", "Off", "Swim", "Swim far", "Walk"];
        ensure!(counts.map(titles) == [7, 1, 1, 1, 4, 1, 0], "{shown:#?}");
        // Ben moves an occurrence of Anna's series, and Anna one of Ben's.
        let day = self.there().occurrence(&self.id("Team"), "2027-01-06");
        let time =
            |hour: &str| json!({"dateTime": format!("2027-01-07T{hour}:00:00"), "timeZone": "UTC"});
        self.there().patch(&day, json!({"start": time("08"), "end": time("09")}));
        self.office.sync().await?;
        self.is_in_step("an occurrence moved by Ben").await?;
        self.there().clear();
        Ok(())
    }
}
