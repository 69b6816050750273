//! Pairs with Google at one end or both, by the program as its user runs it.

use simulators::caldav::CalDav;
use simulators::traffic::Counts;

use super::*;
use crate::support::cli::{self, Cli, ONE_WAY, TWO_WAY};

/// A program that knows Google, and Anna there.
pub(super) struct GoogleProgram {
    pub(super) google: Server,
    pub(super) anna: Calendar,
    pub(super) cli: Cli,
}

impl GoogleProgram {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let cli = Cli::for_google(&google)?;
        let anna = google.account("anna@example.org").primary();
        Ok(Self { google, anna, cli })
    }

    /// Connects a person's account at Google; the id of their own calendar.
    pub(super) async fn google(&self, who: &str) -> anyhow::Result<String> {
        let account = self.cli.connect_google(&self.google.account(who).refresh_token()).await?;
        let listed = self.cli.json(&["calendars", "--account", &account]).await?;
        cli::id(&listed["calendars"][0])
    }

    /// A pass; created, changed, deleted, skipped, and what Google was asked for it.
    async fn sync(&self) -> anyhow::Result<([u64; 4], Counts)> {
        self.google.reset_counts();
        let run = self.cli.sync().await?;
        Ok((cli::counts(&run), self.google.counts()))
    }

    fn clean(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!((self.google.mails(), self.google.propagated()), (0, 0), "guests");
    }
}

/// An hour of a day within every window.
fn on(day: &str, title: &str) -> Value {
    let time = |hour| json!({ "dateTime": format!("{day}T{hour}:00:00+02:00"), "timeZone": "Europe/Tallinn" });
    json!({ "summary": title, "description": "<b>Bring</b> \
    pens", "location": "Room 5", "start": time(12), "end": time(13) })
}

fn repeating(title: &str) -> Value {
    let mut event = on("2026-12-01", title);
    event["recurrence"] =
        json!(["RRULE:FREQ=WEEKLY;COUNT=20", "EXDATE;TZID=Europe/Tallinn:20261208T120000"]);
    event
}

/// What a person sees, without what only Google knows: title, start and end of everything that is
/// listed.
fn shown(calendar: &Calendar) -> Vec<String> {
    let mut all: Vec<String> = calendar
        .items()
        .iter()
        .map(|item| {
            let of = if item["originalStartTime"].is_null() {
                &Value::Null
            } else {
                &item["originalStartTime"]["dateTime"]
            };
            format!(
                "{} {} {} {} {of}",
                item["summary"], item["start"]["dateTime"], item["end"]["dateTime"], item["status"]
            )
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn two_calendars_at_google_are_kept_in_step_both_ways() -> anyhow::Result<()> {
    let env = GoogleProgram::new().await?;
    let (anna, ben) = (&env.anna, env.google.account("ben@example.org").primary());
    anna.put("lunch1", on("2026-12-02", "Lunch"));
    anna.put("team1", repeating("Team"));
    anna.patch("team1_20261215T100000Z", json!({ "summary": "Team, moved", "start": { "dateTime": "2026-12-16T15:00:00+02:00" }, "end": { "dateTime": "2026-12-16T16:00:00+02:00" } }));
    ben.put("own1", on("2026-12-03", "Ben's own"));
    let ends = [env.google("anna@example.org").await?, env.google("ben@example.org").await?];
    env.cli.pair_add(&ends[0], &ends[1], TWO_WAY).await?;
    let (first, _) = env.sync().await?;
    assert_eq!(first, [3, 0, 0, 0]);
    assert_eq!(shown(anna), shown(&ben));
    let (_, echo) = env.sync().await?;
    assert_eq!(echo.writes(), 0, "{echo}");
    let revisions = [anna.revision(), ben.revision()];
    let (again, quiet) = env.sync().await?;
    assert_eq!(
        (again, quiet.of(Kind::List), quiet.total() - quiet.of(Kind::Token)),
        ([0; 4], 2, 2),
        "{quiet}"
    );

    anna.patch("lunch1", json!({ "summary": "Late lunch" }));
    let (changed, asked) = env.sync().await?;
    assert_eq!(changed, [0, 1, 0, 0]);
    assert_eq!(
        (asked.of(Kind::List), asked.of(Kind::Update), asked.total() - asked.of(Kind::Token)),
        (2, 1, 3),
        "{asked}"
    );

    let copy = ben.find("Team").unwrap()["id"].as_str().unwrap().to_owned();
    ben.patch(&format!("{copy}_20261222T100000Z"), json!({ "summary": "Team, by Ben" }));
    ben.remove(&format!("{copy}_20261229T100000Z"));
    env.sync().await?;
    assert_eq!(anna.get("team1_20261222T100000Z").unwrap()["summary"], "Team, by Ben");
    assert_eq!(anna.get("team1_20261229T100000Z").unwrap()["status"], "cancelled", "by Ben");

    ben.remove(ben.find("Late lunch").unwrap()["id"].as_str().unwrap());
    env.sync().await?;
    assert!(anna.get("lunch1").unwrap()["status"] == "cancelled");
    for _ in 0..2 {
        env.sync().await?;
    }
    let revisions_then = [anna.revision(), ben.revision()];
    env.sync().await?;
    assert_eq!([anna.revision(), ben.revision()], revisions_then, "at rest");
    assert_ne!(revisions, revisions_then);
    env.clean();
    Ok(())
}

#[tokio::test]
async fn google_and_another_server_are_kept_in_step_both_ways() -> anyhow::Result<()> {
    let env = GoogleProgram::new().await?;
    let server = CalDav::start(simulators::caldav::Manners::generic()).await?;
    let carl = server.account("carl", "carl-secret-9753").calendar("carl", "desk");
    env.anna.put("lunch1", on("2026-12-02", "Lunch"));
    env.anna.put("team1", repeating("Team"));
    env.anna.patch("team1_20261215T100000Z", json!({ "summary": "Team, moved" }));
    let from = env.google("anna@example.org").await?;
    let account = env.cli.connect(server.url().as_str(), "carl", "carl-secret-9753").await?;
    let to = env.cli.calendar(&account, "desk").await?;
    env.cli.pair_add(&from, &to, TWO_WAY).await?;
    assert_eq!(env.sync().await?.0, [2, 0, 0, 0]);
    carl.put(
        "own.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x\r\nBEGIN:VEVENT\r\nUID:own\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261204T090000\r\nDTEND:20261204T100000\r\nSUMMARY:Walk\r\nSTATUS:TENTATIVE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    assert_eq!(env.sync().await?.0, [1, 0, 0, 0]);
    let walk = env.anna.find("Walk").unwrap();
    assert!(
        walk["visibility"].is_null() || walk["visibility"] == "default",
        "PUBLIC is what CalDAV says of everything"
    );
    for _ in 0..2 {
        env.sync().await?;
    }
    let revision = env.anna.revision();
    assert_eq!(env.sync().await?.0, [0; 4]);
    assert_eq!(env.anna.revision(), revision, "at rest");
    env.clean();
    Ok(())
}

#[tokio::test]
async fn a_one_way_pair_never_writes_to_where_it_reads() -> anyhow::Result<()> {
    let env = GoogleProgram::new().await?;
    let ben = env.google.account("ben@example.org").primary();
    let mut meeting = on("2026-12-02", "Meeting");
    meeting["attendees"] =
        json!([{ "email": "anna@example.org" }, { "email": "carl@example.org" }]);
    env.anna.put("meeting1", meeting);
    let ends = [env.google("anna@example.org").await?, env.google("ben@example.org").await?];
    env.cli.pair_add(&ends[0], &ends[1], ONE_WAY).await?;
    let revision = env.anna.revision();
    env.sync().await?;
    let copy = ben.find("Meeting").unwrap();
    assert!(
        copy["attendees"].is_null()
            && copy["description"].as_str().unwrap().contains("carl@example.org")
    );
    ben.patch(copy["id"].as_str().unwrap(), json!({ "summary": "By Ben" }));
    env.sync().await?;
    assert_eq!(env.anna.revision(), revision);
    env.clean();
    Ok(())
}
