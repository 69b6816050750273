//! An occurrence that passes its neighbour: Microsoft refuses the change of the occurrence, and the
//! occurrences are copied one by one.

use std::time::Duration;

use anyhow::ensure;
use futures::future::try_join_all;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind as Asked;

use super::story::{team, team_moved};
use super::{End, Kind, Office, object};
use crate::support::cli::TWO_WAY;

/// Changes of the series and of its occurrence, ten copies, and the deletion of the series.
const CROSSING_WRITES: usize = 13;

/// A CalDAV calendar with a series and an event, paired two-way with a mailbox. One occurrence has
/// just passed its neighbour.
struct Crossing {
    office: Office,
    anna: End,
    ben: End,
    pair: String,
}

impl Crossing {
    async fn begin() -> anyhow::Result<Self> {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        here.put("team.ics", &team("120000", ""));
        let lunch = "DTSTART:20261203T100000Z\nDURATION:PT1H\nSUMMARY:Lunch";
        here.put("lunch.ics", &object("lunch", lunch));
        let pair = office.cli.pair_add(&from, &to, TWO_WAY).await?;
        assert_eq!(office.sync().await?, [2, 0, 0, 0]);
        office.graph.reset_counts();
        let far = team_moved("120000", "20261209", "")
            .replace("DTSTART;TZID=Europe/Berlin:20261209", "DTSTART;TZID=Europe/Berlin:20261218");
        here.put("team.ics", &far);
        Ok(Self { office, anna, ben, pair })
    }

    /// Another pass ends well, both ends show each occurrence once, and nothing is left to write.
    async fn is_followed(&self, case: &str) -> anyhow::Result<()> {
        let Self { office, anna, ben, pair } = self;
        let run = office.cli.sync_with(&["--pair", pair]).await?.1;
        ensure!(run["error"].is_null() && run["held"].is_null(), "{case}: {run}");
        ensure!(anna.shown() == ben.shown(), "{case}: {:?} {:?}", anna.shown(), ben.shown());
        let End::CalDav(here) = anna else { panic!("a CalDAV calendar") };
        ensure!((here.names().len(), ben.microsoft().len()) == (2, 11), "{case}");
        office.rest().await
    }
}

#[tokio::test]
async fn an_occurrence_that_passes_its_neighbour_is_finished_by_the_next_program()
-> anyhow::Result<()> {
    let all = (0..=CROSSING_WRITES).map(|number| async move {
        let crossing = Crossing::begin().await?;
        let Crossing { office, pair, .. } = &crossing;
        let faults = office.graph.faults();
        let any = On::kinds(&[Asked::Patch, Asked::Delete, Asked::Insert]);
        faults.after(number, 1, any, Fault::Delay(Duration::from_secs(600)));
        let mut child = office.cli.start(&["sync", "--json"], "").await?;
        while faults.waiting() && child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let was_killed = child.try_wait()?.is_none();
        child.kill().await?;
        ensure!(was_killed == (number < CROSSING_WRITES), "{number}: {}", office.graph.counts());
        faults.clear();
        let run = office.cli.sync_with(&["--pair", pair]).await?.1;
        ensure!(run["error"].is_null() && run["held"].is_null(), "{number}: {run}");
        crossing.is_followed(&format!("killed at write {number}")).await
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn an_occurrence_that_passes_its_neighbour_doubles_nothing() -> anyhow::Result<()> {
    let cases = [None, Some(Asked::Patch), Some(Asked::Insert), Some(Asked::Delete)];
    let all = cases.into_iter().map(|lost| async move {
        let crossing = Crossing::begin().await?;
        if let Some(kind) = lost {
            crossing.office.graph.faults().times(2, On::kind(kind), Fault::DropAfter);
        }
        for _ in 0..3 {
            crossing.office.cli.run(&["sync", "--full"]).await?;
        }
        crossing.is_followed(&format!("lost {lost:?}")).await
    });
    try_join_all(all).await.map(drop)
}
