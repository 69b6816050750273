//! Preview, `explain`, `status` and the guard of pairs with Google, by the real program as its user
//! runs it (L6, L7, L8).

use anyhow::Context as _;
use serde_json::{Value, json};
use simulators::caldav::{self, CalDav, Manners};
use simulators::google::{Calendar, Quotas, Server};

use crate::support::accounts::USERS;
use crate::support::cli::{self, Cli, ONE_WAY, TWO_WAY, actions, counts};
use crate::support::events::{at, hour, many, object};
use crate::support::servers::Provider;

/// A program, Anna at Google, and Ben there or elsewhere.
struct Door {
    google: Server,
    anna: Calendar,
    ben: Ben,
    /// Ben's own server.
    _near: Option<CalDav>,
    cli: Cli,
    pair: String,
}

enum Ben {
    Google(Calendar),
    Near(caldav::Calendar),
}

impl Ben {
    fn names(&self) -> Vec<String> {
        match self {
            Self::Google(calendar) => calendar
                .items()
                .iter()
                .map(|item| item["id"].as_str().unwrap_or_default().to_owned())
                .collect(),
            Self::Near(calendar) => calendar.names(),
        }
    }

    fn revision(&self) -> String {
        match self {
            Self::Google(calendar) => calendar.revision().to_string(),
            Self::Near(calendar) => format!("{:?}", calendar.objects()),
        }
    }
}

impl Door {
    async fn new(ben: Provider, terms: &[&str]) -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let cli =
            google.settings().iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
        let connect = |who: &'static str| {
            let (token, cli) = (format!("{}\n", google.account(who).refresh_token()), &cli);
            async move {
                let added = cli
                    .run_with(
                        &["account", "add", "google", "--refresh-token-stdin", "--json"],
                        &token,
                    )
                    .await?;
                let account = cli::id(&added.done()?)?;
                cli.calendar(&account, who).await
            }
        };
        let (from, mut near) = (connect("anna@example.org").await?, None);
        let (to, ben) = if ben == Provider::Google {
            (
                connect("ben@example.org").await?,
                Ben::Google(google.account("ben@example.org").primary()),
            )
        } else {
            let server = CalDav::start(Manners::generic()).await?;
            let (user, password) = USERS[1];
            let calendar = server.account(user, password).calendar(user, "main");
            let account = cli.connect(server.url().as_str(), user, password).await?;
            near = Some(server);
            (cli.calendar(&account, "main").await?, Ben::Near(calendar))
        };
        let pair = cli.pair_add(&from, &to, terms).await?;
        let anna = google.account("anna@example.org").primary();
        Ok(Self { google, anna, ben, _near: near, cli, pair })
    }

    /// The id of Anna's event of this title.
    fn id(&self, title: &str) -> anyhow::Result<String> {
        Ok(self.anna.find(title).with_context(|| format!("no {title}"))?["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Everything that could tell of a write.
    fn revisions(&self) -> (u64, String, usize) {
        (self.anna.revision(), self.ben.revision(), self.google.channels().len())
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
    let door = Door::new(Provider::CalDav, TWO_WAY).await?;
    for (name, object) in many(14) {
        door.anna.put_object(&name, &object);
    }
    let series = object(
        "series",
        &format!(
            "DTSTART:{}\nDTEND:{}\nSUMMARY:Tea\nRRULE:FREQ=DAILY;COUNT=9",
            at(3, 9),
            at(3, 10)
        ),
    );
    door.anna.put_object("tea.ics", &series);
    let (_, run) = door.as_shown(&[]).await?;
    assert_eq!(counts(&run), [15, 0, 0, 0], "{run}");
    door.anna.patch(&door.id("Event 3")?, json!({"summary": "Third", "location": "Harbour"}));
    door.anna.remove(&door.id("Event 4")?);
    door.anna.put_object(
        "tea.ics",
        &series
            .replace("COUNT=9", "COUNT=9\nEXDATE:")
            .replace("EXDATE:", &format!("EXDATE:{}", at(5, 9))),
    );
    door.anna.put_object("new.ics", &hour("new", 4, 18, "New"));
    let (_, run) = door.as_shown(&[]).await?;
    assert_eq!(counts(&run), [1, 2, 1, 0], "{run}");
    assert_eq!(counts(&door.as_shown(&["--full"]).await?.1), [0; 4]);
    let own = door.ben.names().pop().context("a copy")?;
    assert_eq!(
        door.cli.explain(&door.pair, &own).await?["reason"],
        "own_copy",
        "the name of the file alone is enough"
    );

    // Most of it is deleted: held, and done when its owner says so.
    for n in (0..14).filter(|n| ![3, 4].contains(n)) {
        door.anna.remove(&door.id(&format!("Event {n}"))?);
    }
    let (status, run) = door.as_shown(&[]).await?;
    assert_eq!((status, &run["state"], counts(&run)), (0, &json!("held"), [0; 4]), "{run}");
    assert_eq!((&run["held"]["deletions"], &run["held"]["of"]), (&json!(12), &json!(15)), "{run}");
    assert_eq!(
        door.ben.names().iter().filter(|name| name.starts_with("cal")).count(),
        15,
        "nothing is gone"
    );
    let told = door.cli.status().await?;
    assert_eq!(
        (&told["pairs"][0]["state"], &told["pairs"][0]["held"]["deletions"]),
        (&json!("held"), &json!(12)),
        "{told}"
    );
    let confirm: Vec<&str> = run["held"]["confirm"]
        .as_array()
        .context("words")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(confirm, ["sync", "--pair", &door.pair, "--confirm-deletions"]);
    let (status, run) = door.as_shown(&["--pair", &door.pair, "--confirm-deletions"]).await?;
    assert_eq!((status, counts(&run)), (0, [0, 0, 12, 0]), "{run}");
    let told = door.cli.status().await?;
    assert_eq!(
        (&told["pairs"][0]["held"], &told["pairs"][0]["copies"]),
        (&Value::Null, &json!(3)),
        "{told}"
    );
    assert!(door.google.violations().is_empty(), "{:?}", door.google.violations());
    Ok(())
}

#[tokio::test]
async fn every_event_can_be_explained() -> anyhow::Result<()> {
    let door = Door::new(Provider::Google, ONE_WAY).await?;
    let (anna, cli) = (&door.anna, &door.cli);
    for title in ["good", "unwanted", "edited", "cancelled", "declined"] {
        anna.put_object(&format!("{title}.ics"), &hour(title, 2, 9, title));
    }
    anna.put_object(
        "past.ics",
        &object("past", &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:past", at(-400, 9), at(-400, 10))),
    );
    anna.patch(
        &door.id("declined")?,
        json!({"attendees": [{"email": "anna@example.org", "responseStatus": "declined"}]}),
    );
    cli.sync().await?;
    let told = cli.explain(&door.pair, &door.id("good")?).await?;
    let copy = told["copy"].as_str().context("it has a copy")?.to_owned();
    for title in ["unwanted", "edited"] {
        let told = cli.explain(&door.pair, &door.id(title)?).await?;
        let copy = told["copy"].as_str().context("it has a copy")?;
        let Ben::Google(ben) = &door.ben else { panic!("Ben is at Google") };
        assert!(if title == "unwanted" {
            ben.remove(copy)
        } else {
            ben.patch(copy, json!({"summary": "by hand"}))
        });
    }
    let cancelled = door.id("cancelled")?;
    anna.remove(&cancelled);
    cli.sync().await?;
    for (event, copied, reason) in [
        (door.id("good")?, true, Value::Null),
        (door.id("unwanted")?, false, json!("suppressed")),
        (door.id("edited")?, true, json!("copy_edited")),
        (door.id("declined")?, false, json!("declined")),
        (door.id("past")?, false, json!("outside_window")),
        (copy, false, json!("own_copy")),
    ] {
        let told = cli.explain(&door.pair, &event).await?;
        assert_eq!(
            (&told["copied"], &told["reason"], told["copy"].is_string()),
            (&json!(copied), &reason, copied),
            "{told}"
        );
        assert!(
            told["message"].as_str().is_some_and(|words| words.ends_with(['.', ')'])),
            "{told}"
        );
    }
    let told = cli.explain(&door.pair, &cancelled).await?;
    assert!(
        told["reason"] == "origin_deleted"
            && told["message"].as_str().is_some_and(|words| words.contains("was deleted at")),
        "{told}"
    );
    let unknown =
        cli.run(&["explain", "--pair", &door.pair, "--event", "nothing1", "--json"]).await?;
    assert_eq!(unknown.failure().0, "not_found");
    anna.put_object("later.ics", &hour("later", 3, 9, "later"));
    let told = cli.explain(&door.pair, &door.id("later")?).await?;
    assert!(
        told["copied"] == false
            && told["message"].as_str().is_some_and(|words| words.contains("next sync")),
        "{told}"
    );
    Ok(())
}

/// What the server of the copies refuses, and consent that is taken back: said by `sync`, `status`
/// and `explain` alike.
#[tokio::test]
async fn what_is_wrong_is_said_where_people_look() -> anyhow::Result<()> {
    use simulators::faults::{Fault, On};
    use simulators::traffic::Kind;

    let door = Door::new(Provider::Google, TWO_WAY).await?;
    door.anna.put_object("odd.ics", &hour("odd", 2, 9, "odd"));
    door.google
        .faults()
        .next(On::kind(Kind::Insert), Fault::Refused { status: 400, reason: "invalid" });
    let run = door.cli.sync().await?;
    assert_eq!(counts(&run), [0, 0, 0, 1], "{run}");
    let odd = door.id("odd")?;
    let told = door.cli.explain(&door.pair, &odd).await?;
    assert_eq!(
        (&told["copied"], &told["reason"]),
        (&json!(false), &json!("refused_by_server")),
        "{told}"
    );
    assert_eq!(door.cli.status().await?["pairs"][0]["problem_events"][0]["event"], json!(odd));
    door.anna.put_object("fine.ics", &hour("fine", 2, 12, "fine"));
    assert_eq!(
        counts(&door.cli.sync().await?),
        [1, 0, 0, 0],
        "it is not tried again until it changes, and stops nobody"
    );
    door.anna.patch(&odd, json!({"location": "Harbour"}));
    assert_eq!(counts(&door.cli.sync().await?), [1, 0, 0, 0]);
    assert_eq!(door.cli.status().await?["pairs"][0]["problems"], 0);

    door.google.account("anna@example.org").withdraws_consent();
    let (status, run) = door.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], counts(&run)),
        (1, &json!("needs_reconnect"), [0; 4]),
        "{run}"
    );
    let told = door.cli.status().await?;
    assert_eq!(
        (&told["pairs"][0]["state"], &told["pairs"][0]["copies"]),
        (&json!("needs_reconnect"), &json!(2)),
        "{told}"
    );
    let words = door.cli.run(&["status"]).await?;
    assert!(
        ["give your consent anew", "calrelay account add"]
            .iter()
            .all(|way| words.stdout.contains(way)),
        "the way back: {}",
        words.stdout
    );
    let preview = door.cli.sync_with(&["--dry-run"]).await?.1;
    assert_eq!(
        (&preview["state"], counts(&preview)),
        (&json!("needs_reconnect"), [0; 4]),
        "{preview}"
    );
    Ok(())
}
