//! What goes wrong at Microsoft, one by one: nothing is lost, doubled or mailed.

use anyhow::ensure;
use futures::future::try_join_all;
use serde_json::{Value, json};
use simulators::graph::Mailbox;
use simulators::traffic::Kind as Asked;

use super::story::Story;
use super::{End, Kind, Office, object, outlook, text};
use crate::support::cli::TWO_WAY;

/// Anna's calendar at Microsoft with one event, in a two-way pair with Ben's on a CalDAV server.
struct Pair {
    office: Office,
    anna: End,
    ben: End,
    id: String,
}

impl Pair {
    async fn with(event: Value) -> anyhow::Result<Self> {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        anna.microsoft().add(outlook("2026-12-03", "Walk", json!({})));
        let id = anna.microsoft().add(event);
        office.cli.pair_add(&from, &to, TWO_WAY).await?;
        office.sync().await?;
        Ok(Self { office, anna, ben, id })
    }

    /// A pass in which the owner confirms a deletion that is held among so few events.
    async fn confirmed(&self) -> anyhow::Result<()> {
        let (_, run) = self.office.cli.sync_with(&[]).await?;
        if let Some(pair) = run["id"].as_str().filter(|_| run["state"] == "held") {
            self.office.cli.sync_with(&["--pair", pair, "--confirm-deletions"]).await?;
        }
        Ok(())
    }

    fn copies(&self) -> Vec<(String, String)> {
        let End::CalDav(there) = &self.ben else { panic!("a CalDAV calendar") };
        there.objects()
    }

    /// Ben changes the copy that has this in it.
    fn changes(&self, what: &str, new: &str) {
        let End::CalDav(there) = &self.ben else { panic!("a CalDAV calendar") };
        let all = there.objects();
        let (name, ics) = all.iter().find(|(_, ics)| ics.contains(what)).expect("the copy");
        there.put(name, &ics.replace(what, new));
    }
}

fn lunch() -> Value {
    outlook("2026-12-02", "Lunch", json!({}))
}

#[tokio::test]
async fn an_event_is_deleted_restored_and_deleted_for_good() -> anyhow::Result<()> {
    for answers in [true, false] {
        let pair = Pair::with(lunch()).await?;
        pair.office.graph.manners(|manners| {
            (manners.deleted_answers, manners.deleted_answers_everywhere) = (answers, answers);
        });
        let here = pair.anna.microsoft();
        here.remove(&pair.id);
        pair.confirmed().await?;
        ensure!(pair.copies().len() == 1, "{answers}: {:?}", pair.copies());
        here.restore(&pair.id);
        pair.confirmed().await?;
        ensure!((pair.copies().len(), here.len()) == (2, 2), "{answers}: {:?}", pair.copies());
        assert_eq!(pair.anna.shown(), pair.ben.shown(), "{answers}");
        here.remove(&pair.id);
        here.purge(&pair.id);
        pair.confirmed().await?;
        ensure!((pair.copies().len(), here.len()) == (1, 1), "{answers}: {:?}", pair.copies());
        pair.office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_is_deleted_takes_nothing_along() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let account = office.graph.account("anna@example.org");
    let work = account.calendar("Work");
    work.add(lunch());
    let (_, _) = office.end(Kind::Microsoft, "anna").await?;
    let added = office.cli.microsoft_add(&account.refresh_token()).await?.done()?;
    let from = office.cli.calendar(&crate::support::cli::id(&added)?, "Work").await?;
    let (ben, to) = office.end(Kind::CalDav, "ben").await?;
    office.cli.pair_add(&from, &to, TWO_WAY).await?;
    office.sync().await?;
    let before = ben.shown();
    ensure!(before.len() == 1);
    account.deletes(&work);
    for full in [false, true] {
        let options: &[&str] = if full { &["--full"] } else { &[] };
        let (_, run) = office.cli.sync_with(options).await?;
        ensure!(run["deleted"] == 0 && run["created"] == 0 && run["state"] != "ok", "{run}");
        ensure!(ben.shown() == before, "{run}");
    }
    ensure!(account.primary().is_empty(), "nothing is written to another calendar");
    office.is_clean();
    Ok(())
}

#[tokio::test]
async fn a_mailbox_without_exchange_deletes_nothing() -> anyhow::Result<()> {
    for status in [404, 403, 401] {
        let pair = Pair::with(lunch()).await?;
        let before = pair.ben.shown();
        let account = pair.office.graph.account("anna@example.org");
        account.set_mailbox(Mailbox::None(status));
        for options in [&[][..], &["--full"]] {
            let (_, run) = pair.office.cli.sync_with(options).await?;
            ensure!(run["deleted"] == 0 && run["state"] != "ok", "{status}: {run}");
            ensure!(pair.ben.shown() == before, "{status}: {run}");
        }
        account.set_mailbox(Mailbox::Here);
        if status == 401 {
            // The account has to be connected again.
            pair.office.cli.microsoft_add(&account.refresh_token()).await?.done()?;
        }
        pair.office.rest().await?;
        assert_eq!(pair.anna.shown(), before, "{status}");
    }
    Ok(())
}

#[tokio::test]
async fn another_client_edits_between_a_read_and_its_write() -> anyhow::Result<()> {
    for stale_is_412 in [true, false] {
        let pair = Pair::with(lunch()).await?;
        pair.office.graph.manners(|manners| manners.stale_is_412 = stale_is_412);
        let (here, id) = (pair.anna.microsoft().clone(), pair.id.clone());
        pair.changes("SUMMARY:Lunch", "SUMMARY:Late lunch");
        pair.office.graph.before(Asked::Patch, move || {
            here.patch(&id, json!({"location": {"displayName": "Room 6"}}));
        });
        for _ in 0..3 {
            pair.office.cli.sync_with(&[]).await?;
        }
        ensure!(!pair.office.graph.waits(), "the edit came between");
        let found = pair.anna.microsoft().get(&pair.id).unwrap_or_default();
        let both = (&found["subject"], &found["location"]["displayName"]);
        ensure!(both == (&json!("Late lunch"), &json!("Room 6")), "{stale_is_412}: {found}");
        ensure!(pair.copies().iter().any(|(_, ics)| ics.contains("LOCATION:Room 6")));
        pair.office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_outlook_saves_again_is_no_edit() -> anyhow::Result<()> {
    let story = Story::begin(|office| office.graph.manners(|m| m.saves_again = true)).await?;
    story.office.sync().await?;
    story.is_edited();
    story.settle().await?;
    for _ in 0..2 {
        story.there().touch_all();
        story.office.graph.reset_counts();
        let done = story.office.sync().await?;
        ensure!(done[..3] == [0; 3] && story.office.graph.counts().writes() == 0, "{done:?}");
    }
    story.is_in_step("saved again").await
}

#[tokio::test]
async fn an_invited_meeting_is_cancelled_or_declined() -> anyhow::Result<()> {
    for declined in [false, true] {
        let pair = Pair::with(lunch()).await?;
        let here = pair.anna.microsoft();
        let meeting = outlook("2026-12-04", "Meeting", json!({}));
        let guests = ["anna@example.org", "carl@example.org"];
        let id = here.add_invited(meeting, "carl@example.org", &guests);
        pair.office.sync().await?;
        ensure!(pair.copies().len() == 3, "{declined}: {:?}", pair.copies());
        if declined {
            here.responds(&id, "declined")
        } else {
            here.is_cancelled(&id)
        };
        let left = here.len();
        pair.office.sync().await?;
        ensure!((pair.copies().len(), here.len()) == (2, left), "{declined}: {:?}", pair.copies());
        pair.office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_meeting_of_500_people_is_never_written_to() -> anyhow::Result<()> {
    let guest = |n: usize| {
        json!({"type": "required", "emailAddress": {"name": format!("Guest {n}"),
        "address": format!("guest{n}@example.org")}})
    };
    let guests: Vec<Value> = (0..500).map(guest).collect();
    let pair = Pair::with(outlook("2026-12-02", "Lunch", json!({ "attendees": guests }))).await?;
    let here = pair.anna.microsoft();
    let before = here.get(&pair.id);
    pair.changes("SUMMARY:Lunch", "SUMMARY:Late lunch");
    pair.office.graph.reset_counts();
    for options in [&[][..], &["--full"]] {
        pair.office.cli.sync_with(options).await?;
    }
    let End::CalDav(there) = &pair.ben else { panic!("a CalDAV calendar") };
    let copy =
        there.objects().into_iter().find(|(_, ics)| ics.contains("lunch") || ics.contains("Lunch"));
    there.delete(&copy.expect("the copy").0);
    for options in [&[][..], &["--full"]] {
        pair.office.cli.sync_with(options).await?;
    }
    ensure!(here.get(&pair.id) == before, "the meeting is as it was");
    ensure!(pair.office.graph.counts().writes() == 0, "{}", pair.office.graph.counts());
    pair.office.is_clean();
    Ok(())
}

#[tokio::test]
async fn a_title_of_300_letters_is_cut_in_the_copy_alone() -> anyhow::Result<()> {
    for cuts in [false, true] {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.cuts_subjects = cuts);
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        let title = "ü".repeat(300);
        let lines = format!("DTSTART:20261202T100000Z\nDURATION:PT1H\nSUMMARY:{title}");
        here.put("long.ics", &object("long", &lines));
        office.cli.pair_add(&from, &to, TWO_WAY).await?;
        ensure!(office.sync().await?[..3] == [1, 0, 0]);
        let copy = &ben.microsoft().items()[0];
        ensure!(text(&copy["subject"]).chars().count() == 255, "{cuts}: {copy}");
        office.rest().await?;
        ben.microsoft().patch(&text(&copy["id"]), json!({"showAs": "free"}));
        for options in [&[][..], &["--full"]] {
            office.cli.sync_with(options).await?;
        }
        office.rest().await?;
        let (_, ics) = &here.objects()[0];
        let whole = ics.replace("\r\n ", "");
        ensure!(whole.contains(&title), "{cuts}: {ics}");
    }
    Ok(())
}

#[tokio::test]
async fn a_large_body_with_a_join_link_is_not_written_over() -> anyhow::Result<()> {
    let rule = "_".repeat(80);
    let words = "<p>Agenda &amp; notes</p>".repeat(45_000);
    let block = format!(
        "<div>{rule}<br>Microsoft Teams meeting<br><a href=\"https://teams.microsoft.com/l/meetup-join/1\">Join the meeting now</a><br>{rule}</div>"
    );
    let html = format!("<html><body>{words}{block}</body></html>");
    let body = json!({"body": {"contentType": "html", "content": html}});
    let pair = Pair::with(outlook("2026-12-02", "Lunch", body)).await?;
    let stored = |pair: &Pair| {
        serde_json::to_value(pair.anna.microsoft().saved())
            .map(|saved| saved.to_string().matches("meetup-join").count())
    };
    let links = stored(&pair)?;
    ensure!(links > 0);
    ensure!(
        pair.copies().iter().all(|(_, ics)| !ics.contains("teams.microsoft.com")),
        "no link goes along"
    );
    pair.changes("SUMMARY:Lunch", "SUMMARY:Late lunch");
    ensure!(pair.office.sync().await?[..3] == [0, 1, 0]);
    let found = pair.anna.microsoft().get(&pair.id).unwrap_or_default();
    ensure!(found["subject"] == "Late lunch" && stored(&pair)? == links, "the block is there");
    pair.office.rest().await
}

#[tokio::test]
async fn processes_that_refresh_one_token_at_once_go_on() -> anyhow::Result<()> {
    let pair = Pair::with(lunch()).await?;
    let account = pair.office.graph.account("anna@example.org");
    pair.office.graph.manners(|manners| {
        manners.old_refresh_tokens_work = true;
        manners.latency = std::time::Duration::from_millis(20);
    });
    for _ in 0..3 {
        account.expire_access_tokens();
        let cli = &pair.office.cli;
        let runs = (0..3).map(|_| async move { cli.sync_with(&[]).await });
        try_join_all(runs).await?;
    }
    let status = pair.office.cli.status().await?;
    ensure!(!status.to_string().contains("needs_reconnect"), "{status}");
    pair.anna.microsoft().patch(&pair.id, json!({"subject": "Late lunch"}));
    ensure!(pair.office.sync().await?[..3] == [0, 1, 0]);
    pair.office.rest().await
}

#[tokio::test]
async fn a_round_that_is_forgotten_between_two_pages_is_read_again() -> anyhow::Result<()> {
    let story = Story::begin(|office| office.graph.manners(|m| m.delta_page = 1)).await?;
    story.office.sync().await?;
    story.is_edited();
    for n in 0..3 {
        let graph = story.there().clone();
        story.office.graph.before(Asked::Delta, move || {
            if n > 0 {
                graph.forget_states();
            }
        });
    }
    story.settle().await?;
    story.is_in_step("forgotten").await
}
