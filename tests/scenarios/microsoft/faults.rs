//! What goes wrong on the way to Microsoft, and a program that is killed at work.

use std::time::Duration;

use anyhow::ensure;
use futures::future::try_join_all;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind as Asked;

use super::story::Story;

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
