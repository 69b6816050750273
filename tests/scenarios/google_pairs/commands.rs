//! Preview, `explain`, `status` and the guard of pairs with Google, by the real program as its user
//! runs it (L6, L7, L8).

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};
use simulators::google::{Calendar, Quotas, Server};
use simulators::person::Person;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, actions, counts};
use crate::support::cli_env::CliEnv;
use crate::support::events::{at, hour, many, object};
use crate::support::servers::{self, Provider};

/// Anna at Google, Ben there or at a CalDAV server, and a pair.
struct PreviewEnv {
    env: CliEnv<servers::Server>,
    google: Arc<Server>,
    anna: Calendar,
    pair: String,
}

impl std::ops::Deref for PreviewEnv {
    type Target = CliEnv<servers::Server>;

    fn deref(&self) -> &CliEnv<servers::Server> {
        &self.env
    }
}

impl PreviewEnv {
    async fn new(ben: Provider, terms: &[&str]) -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let builder = Builder::providers([Provider::Google, ben]).google(google.clone());
        let env = builder.build_cli().await?;
        let pair = env.pair(terms).await?;
        let anna = google.account("anna@example.org").primary();
        Ok(Self { env, google, anna, pair })
    }

    /// The names of Ben's events.
    fn names(&self) -> Vec<String> {
        match &self.people[1] {
            Person::Google(calendar) => calendar
                .items()
                .iter()
                .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
                .collect(),
            Person::Near(calendar) => calendar.names(),
            _ => Vec::new(),
        }
    }

    /// What changes with every write to Ben's calendar.
    fn revision(&self) -> String {
        match &self.people[1] {
            Person::Google(calendar) => calendar.revision().to_string(),
            Person::Near(calendar) => format!("{:?}", calendar.objects()),
            _ => String::new(),
        }
    }

    /// The id of Anna's event of this title.
    fn id(&self, title: &str) -> anyhow::Result<String> {
        Ok(self.anna.find(title).with_context(|| format!("no {title}"))?["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// What changes with every write.
    fn revisions(&self) -> (u64, String, usize) {
        (self.anna.revision(), self.revision(), self.google.channels().len())
    }

    /// A preview that changes nothing, and the pass after it, which does what was shown.
    async fn as_shown(&self, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
        let before = self.revisions();
        let (_, preview) = self.cli.sync_with(&[&["--dry-run"], arguments].concat()).await?;
        assert_eq!(self.revisions(), before, "a preview writes nothing");
        let (status, run) = self.cli.sync_with(arguments).await?;
        assert_eq!(
            (actions(&preview), counts(&preview), &preview["held"]),
            (actions(&run), counts(&run), &run["held"]),
            "{preview} {run}"
        );
        Ok((status, run))
    }
}

#[tokio::test]
async fn a_preview_shows_what_the_pass_does() -> anyhow::Result<()> {
    let env = PreviewEnv::new(Provider::CalDav, TWO_WAY).await?;
    for (name, object) in many(14) {
        env.anna.put_object(&name, &object);
    }
    let series = object(
        "series",
        &format!(
            "DTSTART:{}\nDTEND:{}\nSUMMARY:Tea\nRRULE:FREQ=DAILY;COUNT=9",
            at(3, 9),
            at(3, 10)
        ),
    );
    env.anna.put_object("tea.ics", &series);
    let (_, run) = env.as_shown(&[]).await?;
    assert_eq!(counts(&run), [15, 0, 0, 0], "{run}");
    env.anna.patch(&env.id("Event 3")?, json!({"summary": "Third", "location": "Harbour"}));
    env.anna.remove(&env.id("Event 4")?);
    env.anna.put_object(
        "tea.ics",
        &series
            .replace("COUNT=9", "COUNT=9\nEXDATE:")
            .replace("EXDATE:", &format!("EXDATE:{}", at(5, 9))),
    );
    env.anna.put_object("new.ics", &hour("new", 4, 18, "New"));
    let (_, run) = env.as_shown(&[]).await?;
    assert_eq!(counts(&run), [1, 2, 1, 0], "{run}");
    assert_eq!(counts(&env.as_shown(&["--full"]).await?.1), [0; 4]);
    let own = env.names().pop().context("a copy")?;
    assert_eq!(
        env.cli.explain(&env.pair, &own).await?["reason"],
        "own_copy",
        "the name of the file alone is enough"
    );

    // Most of it is deleted: held, and done when its owner says so.
    for n in (0..14).filter(|n| ![3, 4].contains(n)) {
        env.anna.remove(&env.id(&format!("Event {n}"))?);
    }
    let (status, run) = env.as_shown(&[]).await?;
    assert_eq!((status, &run["state"], counts(&run)), (0, &json!("held"), [0; 4]), "{run}");
    assert_eq!((&run["held"]["deletions"], &run["held"]["of"]), (&json!(12), &json!(15)), "{run}");
    assert_eq!(
        env.names().iter().filter(|name| name.starts_with("cal")).count(),
        15,
        "nothing is gone"
    );
    let report = env.cli.status().await?;
    assert_eq!(
        (&report["pairs"][0]["state"], &report["pairs"][0]["held"]["deletions"]),
        (&json!("held"), &json!(12)),
        "{report}"
    );
    let confirm: Vec<&str> = run["held"]["confirm"]
        .as_array()
        .context("words")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(confirm, ["sync", "--pair", &env.pair, "--confirm-deletions"]);
    let (status, run) = env.as_shown(&["--pair", &env.pair, "--confirm-deletions"]).await?;
    assert_eq!((status, counts(&run)), (0, [0, 0, 12, 0]), "{run}");
    let report = env.cli.status().await?;
    assert_eq!(
        (&report["pairs"][0]["held"], &report["pairs"][0]["copies"]),
        (&Value::Null, &json!(3)),
        "{report}"
    );
    assert!(env.google.violations().is_empty(), "{:?}", env.google.violations());
    Ok(())
}

#[tokio::test]
async fn every_event_can_be_explained() -> anyhow::Result<()> {
    let env = PreviewEnv::new(Provider::Google, ONE_WAY).await?;
    let (anna, cli) = (&env.anna, &env.cli);
    for title in ["good", "unwanted", "edited", "cancelled", "declined"] {
        anna.put_object(&format!("{title}.ics"), &hour(title, 2, 9, title));
    }
    anna.put_object(
        "past.ics",
        &object("past", &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:past", at(-400, 9), at(-400, 10))),
    );
    anna.patch(
        &env.id("declined")?,
        json!({"attendees": [{"email": "anna@example.org", "responseStatus": "declined"}]}),
    );
    cli.sync().await?;
    let report = cli.explain(&env.pair, &env.id("good")?).await?;
    let copy = report["copy"].as_str().context("it has a copy")?.to_owned();
    for title in ["unwanted", "edited"] {
        let report = cli.explain(&env.pair, &env.id(title)?).await?;
        let copy = report["copy"].as_str().context("it has a copy")?;
        let Person::Google(ben) = &env.people[1] else { panic!("Ben is at Google") };
        assert!(if title == "unwanted" {
            ben.remove(copy)
        } else {
            ben.patch(copy, json!({"summary": "by hand"}))
        });
    }
    let cancelled = env.id("cancelled")?;
    anna.remove(&cancelled);
    cli.sync().await?;
    for (event, copied, reason) in [
        (env.id("good")?, true, Value::Null),
        (env.id("unwanted")?, false, json!("suppressed")),
        (env.id("edited")?, true, json!("copy_edited")),
        (env.id("declined")?, false, json!("declined")),
        (env.id("past")?, false, json!("outside_window")),
        (copy, false, json!("own_copy")),
    ] {
        let report = cli.explain(&env.pair, &event).await?;
        assert_eq!(
            (&report["copied"], &report["reason"], report["copy"].is_string()),
            (&json!(copied), &reason, copied),
            "{report}"
        );
        assert!(
            report["message"].as_str().is_some_and(|words| words.ends_with(['.', ')'])),
            "{report}"
        );
    }
    let report = cli.explain(&env.pair, &cancelled).await?;
    assert!(
        report["reason"] == "origin_deleted"
            && report["message"].as_str().is_some_and(|words| words.contains("was deleted at")),
        "{report}"
    );
    let unknown =
        cli.run(&["explain", "--pair", &env.pair, "--event", "nothing1", "--json"]).await?;
    assert_eq!(unknown.failure().0, "not_found");
    anna.put_object("later.ics", &hour("later", 3, 9, "later"));
    let report = cli.explain(&env.pair, &env.id("later")?).await?;
    assert!(
        report["copied"] == false
            && report["message"].as_str().is_some_and(|words| words.contains("next sync")),
        "{report}"
    );
    Ok(())
}

/// What the server of the copies refuses, and consent that is taken back: said by `sync`, `status`
/// and `explain` alike.
#[tokio::test]
async fn what_is_wrong_is_said_where_people_look() -> anyhow::Result<()> {
    use simulators::faults::{Fault, On};
    use simulators::traffic::Kind;

    let env = PreviewEnv::new(Provider::Google, TWO_WAY).await?;
    env.anna.put_object("odd.ics", &hour("odd", 2, 9, "odd"));
    env.google
        .faults()
        .next(On::kind(Kind::Insert), Fault::Refused { status: 400, reason: "invalid" });
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run), [0, 0, 0, 1], "{run}");
    let odd = env.id("odd")?;
    let report = env.cli.explain(&env.pair, &odd).await?;
    assert_eq!(
        (&report["copied"], &report["reason"]),
        (&json!(false), &json!("refused_by_server")),
        "{report}"
    );
    assert_eq!(env.cli.status().await?["pairs"][0]["problem_events"][0]["event"], json!(odd));
    env.anna.put_object("fine.ics", &hour("fine", 2, 12, "fine"));
    assert_eq!(
        counts(&env.cli.sync().await?),
        [1, 0, 0, 0],
        "it is not tried again until it changes, and stops no other event"
    );
    env.anna.patch(&odd, json!({"location": "Harbour"}));
    assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
    assert_eq!(env.cli.status().await?["pairs"][0]["problems"], 0);

    env.google.account("anna@example.org").withdraws_consent();
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], counts(&run)),
        (1, &json!("needs_reconnect"), [0; 4]),
        "{run}"
    );
    let report = env.cli.status().await?;
    assert_eq!(
        (&report["pairs"][0]["state"], &report["pairs"][0]["copies"]),
        (&json!("needs_reconnect"), &json!(2)),
        "{report}"
    );
    let words = env.cli.run(&["status"]).await?;
    assert!(
        ["give your consent anew", "calrelay account add"]
            .iter()
            .all(|way| words.stdout.contains(way)),
        "the way back: {}",
        words.stdout
    );
    let preview = env.cli.sync_with(&["--dry-run"]).await?.1;
    assert_eq!(
        (&preview["state"], counts(&preview)),
        (&json!("needs_reconnect"), [0; 4]),
        "{preview}"
    );
    Ok(())
}
