//! The same through the front doors of the real program: by itself, and under the stand-in for the
//! Functions host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::google::{Account, Push, Quotas, Server};
use simulators::port::Port;
use simulators::traffic::Kind;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use url::Url;

use crate::support::cli::{self, Cli, TWO_WAY};
use crate::support::hosted_env::{environment, package};

/// Anna and Ben at Google, and the real program.
pub struct Place {
    pub google: Server,
    pub people: [Account; 2],
    pub accounts: [String; 2],
    pub cli: Cli,
}

impl Place {
    /// Connected and paired, with these settings.
    pub async fn new(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let cli =
            google.settings().iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
        let cli = settings.iter().fold(cli, |cli, (name, value)| cli.with(name, value));
        let people = ["anna@example.org", "ben@example.org"].map(|address| google.account(address));
        let (mut accounts, mut calendars) = ([String::new(), String::new()], Vec::new());
        for (person, account) in people.iter().zip(&mut accounts) {
            let token = format!("{}\n", person.refresh_token());
            let added = cli
                .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
                .await?;
            *account = cli::id(&added.done()?)?;
            calendars.push(cli.calendar(account, person.address()).await?);
        }
        cli.pair_add(&calendars[0], &calendars[1], TWO_WAY).await?;
        Ok(Self { google, people, accounts, cli })
    }

    /// In two days; here everybody has the system's clock.
    pub fn event(&self, title: &str) -> Value {
        let at = |hours| json!({ "dateTime": (self.google.clock().now() + SignedDuration::from_hours(hours)).to_string() });
        json!({ "summary": title, "start": at(48), "end": at(49) })
    }

    /// How many of Ben's events have this title.
    pub fn seen(&self, title: &str) -> usize {
        self.people[1]
            .primary()
            .items()
            .iter()
            .filter(|event| event["summary"] == title && event["status"] != "cancelled")
            .count()
    }

    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            ensure!(begun.elapsed() < Duration::from_secs(60), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Nothing is asked of Google for longer than a nudge is put off.
    pub async fn quiet(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.google.reset_counts();
            tokio::time::sleep(Duration::from_secs(6)).await;
            if self.google.counts().total() == 0 {
                return Ok(());
            }
        }
        bail!("it never comes to rest")
    }

    #[track_caller]
    pub fn assert_proper(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!((self.google.mails(), self.google.propagated()), (0, 0));
    }
}

/// The program without a command, until it says where it is.
pub async fn serve(cli: &Cli, port: u16) -> anyhow::Result<Child> {
    let mut child = cli.start(&["--listen", &format!("127.0.0.1:{port}")], "").await?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout")?).lines();
    tokio::time::timeout(Duration::from_secs(20), lines.next_line())
        .await??
        .context("it said nothing")?;
    Ok(child)
}

/// Says what Google has said, so many times; the answers.
pub async fn replay(
    url: &Url,
    headers: &[(&'static str, String)],
    times: usize,
) -> anyhow::Result<Vec<u16>> {
    let one = |_| async {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        anyhow::Ok(Client::new(url).send("POST", "/webhooks/google", &headers, "").await?.status)
    };
    let mut answers = Vec::new();
    // As many at once as an impatient stranger would send.
    for batch in (0..times).collect::<Vec<_>>().chunks(32) {
        answers.extend(futures::future::try_join_all(batch.iter().map(one)).await?);
    }
    Ok(answers)
}

pub fn with(push: &Push, name: &str, value: &str) -> Vec<(&'static str, String)> {
    push.headers
        .iter()
        .map(|(known, old)| (*known, if *known == name { value.to_owned() } else { old.clone() }))
        .collect()
}

/// How many looks calls for so long may lead to: eight that are closer together, and then one every
/// five seconds. The last one may be six seconds later than its call.
pub fn looks(calls: Duration) -> u64 {
    8 + (calls.as_secs() + 6) / 5
}

#[tokio::test]
async fn an_edit_arrives_by_a_call_and_strangers_cause_next_to_nothing() -> anyhow::Result<()> {
    let held = Port::take()?;
    let port = held.number();
    let url = Url::parse(&format!("http://127.0.0.1:{port}"))?;
    let place =
        Place::new(&[("CALRELAY_PUBLIC_URL", url.as_str()), ("CALRELAY_POLL_SECONDS", "86400")])
            .await?;
    // As hard as it gets: greetings before answers, and everything twice.
    place.google.pushes().way(|way| (way.greets_first, way.double) = (true, true));
    let running = serve(&place.cli, port).await?;
    place.until("no channels", || place.google.channels().len() == 2).await?;
    place.quiet().await?;
    let begun = Instant::now();
    place.people[0].primary().add(place.event("Lunch"));
    place.until("the copy", || place.seen("Lunch") == 1).await?;
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody polls here for a day");
    place.quiet().await?;
    let pushes = place.google.pushes();
    pushes.settle().await;
    assert!(
        pushes.sent().iter().all(|push| push.answers.iter().all(|answer| *answer == 200)),
        "{:?}",
        pushes.sent()
    );

    // Forged: a wrong token, another channel's, no channel of ours.
    let sent = pushes.sent();
    let genuine = sent.iter().rfind(|push| push.state == "exists").context("a call")?;
    let other =
        sent.iter().find(|push| push.channel != genuine.channel).context("the other channel")?;
    let token = |push: &Push| {
        push.headers
            .iter()
            .find(|(name, _)| *name == "x-goog-channel-token")
            .map(|(_, token)| token.clone())
    };
    place.google.reset_counts();
    for forged in [
        with(genuine, "x-goog-channel-token", "h1.bG9jYWw.AAAA"),
        with(genuine, "x-goog-channel-token", &token(other).context("a token")?),
        with(genuine, "x-goog-channel-id", "00000000-0000-4000-8000-000000000000"),
        with(genuine, "x-goog-resource-id", "res-of-another"),
        Vec::new(),
    ] {
        assert!(
            replay(&url, &forged, 200).await?.iter().all(|status| *status == 200),
            "nobody learns anything"
        );
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(place.google.counts().total(), 0, "{:?}", place.google.counts());

    // Replayed, ten thousand times.
    let begun = Instant::now();
    assert!(replay(&url, &genuine.headers, 10_000).await?.iter().all(|status| *status == 200));
    let most = looks(begun.elapsed());
    tokio::time::sleep(Duration::from_secs(7)).await;
    let lists = place.google.counts().of(Kind::List);
    assert!(
        (1..=most).contains(&lists),
        "one list for each look: {lists}, where {most} are allowed"
    );

    // Disconnected: first the channels end, then the consent.
    let (before, tokens) = (place.google.channels().len(), place.people[0].living_refresh_tokens());
    place.cli.json(&["account", "remove", &place.accounts[0]]).await?;
    assert_eq!((before, tokens, place.people[0].living_refresh_tokens()), (2, 1, 0));
    assert_eq!((place.google.channels(), place.google.counts().of(Kind::Stop)), (Vec::new(), 2));
    place.assert_proper();
    drop(running);
    Ok(())
}

/// What happened while it was not there is found at its start, without waiting for anything.
#[tokio::test]
async fn what_was_missed_is_found_at_the_start() -> anyhow::Result<()> {
    let held = Port::take()?;
    let port = held.number();
    let url = format!("http://127.0.0.1:{port}");
    let place =
        Place::new(&[("CALRELAY_PUBLIC_URL", &url), ("CALRELAY_POLL_SECONDS", "86400")]).await?;
    let mut running = serve(&place.cli, port).await?;
    place.until("no channels", || place.google.channels().len() == 2).await?;
    place.quiet().await?;
    running.kill().await?;
    place.google.pushes().way(|way| way.lose = usize::MAX);
    place.people[0].primary().add(place.event("Lunch"));
    let _running = serve(&place.cli, port).await?;
    place.until("the copy", || place.seen("Lunch") == 1).await?;
    assert_eq!(place.google.channels().len(), 2, "the channels have lived on");
    place.assert_proper();
    Ok(())
}

#[tokio::test]
async fn status_and_doctor_say_whether_google_calls() -> anyhow::Result<()> {
    let place = Place::new(&[]).await?;
    let status = place.cli.status().await?;
    let watches = status["watches"].as_array().context("watches")?;
    assert!(watches.len() == 2 && watches.iter().all(|watch| watch["open"] == false), "{status}");
    let words = place.cli.run(&["status"]).await?.stdout;
    assert!(words.contains("CALRELAY_PUBLIC_URL"), "{words}");
    let answer = place.cli.run(&["doctor", "--json"]).await?;
    let found: Value = answer.document()?;
    let push: Vec<_> = found["findings"]
        .as_array()
        .context("findings")?
        .iter()
        .filter(|one| one["check"] == "push")
        .collect();
    assert!(
        push.len() == 1
            && push[0]["ok"] == true
            && push[0]["message"].as_str().is_some_and(|w| w.contains("nightly")),
        "{found}"
    );
    Ok(())
}

/// A place whose storage stands on Azurite, as an app of the Functions host, and the package that
/// it runs from. Google's calls are handed over by hand: the host's own port is not known before it
/// runs.
pub async fn on_azurite(connection: &str) -> anyhow::Result<(Place, Site, TempDir)> {
    let settings = [
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage", connection),
        ("CALRELAY_PUBLIC_URL", "https://calendars.example.org"),
    ];
    let place = Place::new(&settings).await?;
    let package = package("00:00:00")?;
    let mut environment = environment(&settings);
    environment.push(("CALRELAY_DATA_DIR".into(), place.cli.data_dir().display().to_string()));
    environment
        .extend(place.google.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let site = Site::new(App::read(package.path())?, environment)?;
    Ok((place, site, package))
}

/// Under the Functions host, storage on Azurite: a call, a message, a copy; and the hour that
/// renews.
#[tokio::test]
async fn an_edit_arrives_under_the_functions_host() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let connection = azurite.connection_string();
    let (place, site, _package) = on_azurite(&connection).await?;
    let host = site.start(Arc::new(StorageQueues::new(&connection)?)).await?;
    place.until("no channels", || place.google.channels().len() == 2).await?;
    place.quiet().await?;
    place.people[0].primary().add(place.event("Lunch"));
    let push = place
        .google
        .pushes()
        .sent()
        .into_iter()
        .rfind(|push| push.state == "exists")
        .context("a call")?;
    assert_eq!(replay(host.url(), &push.headers, 1).await?, [200]);
    place.until("the copy", || place.seen("Lunch") == 1).await?;
    let forged = with(&push, "x-goog-channel-token", "h1.bG9jYWw.AAAA");
    assert_eq!(replay(host.url(), &forged, 3).await?, [200; 3]);
    let renewals = host.tally("renew_google_channels").succeeded;
    site.advance_to("renew_google_channels")?;
    place.until("no renewal", || host.tally("renew_google_channels").succeeded > renewals).await?;
    assert_eq!(place.google.channels().len(), 2);
    assert_eq!((host.complaints(), host.tally("google_webhook").failed), (Vec::new(), 0));
    place.assert_proper();
    Ok(())
}
