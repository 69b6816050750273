//! What goes wrong on the way to Microsoft, and a program that is killed at work.

use std::time::Duration;

use anyhow::ensure;
use futures::future::try_join_all;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind as Asked;

use super::story::{Story, team, team_moved};
use super::{End, Kind, Office, object};
use crate::support::cli::TWO_WAY;

/// Changes of the series and of its occurrence, ten copies, and the deletion of the series.
const CROSSING_WRITES: usize = 13;

#[tokio::test]
async fn a_response_that_is_lost_after_a_write_is_no_harm() -> anyhow::Result<()> {
    let mut cases = Vec::new();
    for kind in [Asked::Insert, Asked::Patch, Asked::Delete] {
        for fault in [Fault::DropAfter, Fault::StatusAfter(504), Fault::Truncated] {
            cases.push((kind, fault));
        }
    }
    let all = cases.into_iter().map(|(kind, fault)| async move {
        let story = Story::begin(|_| ()).await?;
        story.office.sync().await?;
        story.is_edited();
        story.office.graph.faults().times(2, On::kind(kind), fault);
        story.settle().await?;
        story.is_in_step(&format!("{kind:?} {fault:?}")).await
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn a_reshaped_series_is_finished_by_the_next_program() -> anyhow::Result<()> {
    let all = (0..8).map(|number| async move {
        let story = Story::begin(|_| ()).await?;
        story.office.sync().await?;
        story.is_edited();
        let faults = story.office.graph.faults();
        let any = On::kinds(&[Asked::Patch, Asked::Delete, Asked::Instances, Asked::Insert]);
        faults.after(number, 1, any, Fault::Delay(Duration::from_secs(600)));
        let mut child = story.office.cli.start(&["sync", "--json"], "").await?;
        while faults.waiting() && child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        child.kill().await?;
        faults.clear();
        story.settle().await?;
        story.is_in_step(&format!("killed at request {number}")).await
    });
    try_join_all(all).await.map(drop)
}

/// The change of the occurrence is refused, and the occurrences are copied one by one.
#[tokio::test]
async fn an_occurrence_that_passes_its_neighbour_is_finished_by_the_next_program()
-> anyhow::Result<()> {
    let all = (0..=CROSSING_WRITES).map(|number| async move {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        here.put("team.ics", &team("120000", ""));
        let lunch = "DTSTART:20261203T100000Z\nDURATION:PT1H\nSUMMARY:Lunch";
        here.put("lunch.ics", &object("lunch", lunch));
        let pair = office.cli.pair_add(&from, &to, TWO_WAY).await?;
        office.sync().await?;
        office.graph.reset_counts();
        let far = team_moved("120000", "20261209", "")
            .replace("DTSTART;TZID=Europe/Berlin:20261209", "DTSTART;TZID=Europe/Berlin:20261218");
        here.put("team.ics", &far);
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
        for _ in 0..2 {
            let run = office.cli.sync_with(&["--pair", &pair]).await?.1;
            ensure!(run["error"].is_null() && run["held"].is_null(), "{number}: {run}");
        }
        ensure!(anna.shown() == ben.shown(), "{number}: {:?} {:?}", anna.shown(), ben.shown());
        ensure!((here.names().len(), ben.microsoft().len()) == (2, 11), "{number}");
        office.rest().await
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn passing_faults_of_every_kind_are_survived() -> anyhow::Result<()> {
    let all = (0..4).map(|seed| async move {
        let story = Story::begin(|_| ()).await?;
        for edited in [false, true] {
            if edited {
                story.is_edited();
            }
            story.office.graph.faults().randomly(seed, 0.15, On::any(), Fault::PASSING);
            for _ in 0..3 {
                story.office.cli.run(&["sync", "--json", "--full"]).await?;
            }
            story.office.graph.faults().clear();
            story.settle().await?;
        }
        story.is_in_step(&format!("seed {seed}")).await
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn an_empty_view_deletes_nothing() -> anyhow::Result<()> {
    let story = Story::begin(|_| ()).await?;
    story.office.sync().await?;
    let before = story.anna.shown();
    story.there().forget_states();
    story.office.graph.faults().times(4, On::kind(Asked::View), Fault::EmptyListing);
    let (_, run) = story.office.cli.sync_with(&[]).await?;
    ensure!(run["deleted"] == 0 && story.anna.shown() == before, "{run}");
    story.office.graph.faults().clear();
    story.office.cli.sync_with(&["--full"]).await?;
    ensure!(story.anna.shown() == before, "nothing was deleted");
    story.is_in_step("after an empty view").await
}
