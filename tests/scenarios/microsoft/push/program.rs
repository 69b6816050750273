//! Notifications at the real program: standalone, two of it, killed, and under the stand-in for the
//! Functions host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::faults::{Fault, On};
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::graph::{Account, Graph};
use simulators::port::Port;
use simulators::traffic::Kind;
use tempfile::TempDir;
use url::Url;

use crate::support::cli::{self, Cli, TWO_WAY};
use crate::support::hosted_env::{environment, package};
use crate::support::mailbox_env::with;
use crate::support::running::{Running, until};

const WEBHOOK: &str = "/webhooks/microsoft";

/// Anna and Ben at Microsoft, and the real program. The accounts are connected and paired.
struct Desk {
    graph: Graph,
    people: [Account; 2],
    accounts: [String; 2],
    cli: Cli,
}

impl Desk {
    async fn new(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        let cli = graph
            .settings()
            .into_iter()
            .fold(Cli::new()?, |cli, (name, value)| cli.with(name, &value));
        let cli = settings.iter().fold(cli, |cli, (name, value)| cli.with(name, value));
        let people = ["anna@example.org", "ben@example.org"].map(|address| graph.account(address));
        let (mut accounts, mut calendars) = (Vec::new(), Vec::new());
        for person in &people {
            let account = cli::id(&cli.microsoft_add(&person.refresh_token()).await?.done()?)?;
            calendars.push(cli.calendar(&account, "Calendar").await?);
            accounts.push(account);
        }
        cli.pair_add(&calendars[0], &calendars[1], TWO_WAY).await?;
        let accounts = accounts.try_into().ok().context("two accounts")?;
        Ok(Self { graph, people, accounts, cli })
    }

    /// Its notifications reach the program at this port.
    async fn public() -> anyhow::Result<(Self, Port, Url)> {
        let port = Port::take()?;
        let url = Url::parse(&format!("http://127.0.0.1:{}", port.number()))?;
        let settings = [("CALRELAY_PUBLIC_URL", url.as_str()), ("CALRELAY_POLL_SECONDS", "86400")];
        Ok((Self::new(&settings).await?, port, url))
    }

    /// An event in two days, by the clock of the system.
    fn event(&self, title: &str) -> Value {
        let at = |hours| {
            let time = self.graph.clock().now() + SignedDuration::from_hours(hours);
            json!({ "dateTime": time.strftime("%Y-%m-%dT%H:00:00").to_string(), "timeZone": "UTC" })
        };
        json!({ "subject": title, "start": at(48), "end": at(49) })
    }

    /// Adds an event to Anna's calendar, and waits for its copy.
    async fn arrives(&self, title: &str) -> anyhow::Result<Duration> {
        self.people[0].primary().add(self.event(title));
        self.until("the copy", || self.count(title) == 1).await
    }

    /// How many of Ben's events have this title.
    fn count(&self, title: &str) -> usize {
        let items = self.people[1].primary().items();
        items.iter().filter(|event| event["subject"] == title).count()
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if until(what, &holds).await.is_ok() {
                return Ok(begun.elapsed());
            }
        }
        anyhow::bail!("{what}: {:?}", self.graph.violations())
    }

    async fn subscribed(&self) -> anyhow::Result<()> {
        self.until("no subscriptions", || self.graph.subscriptions().len() == 2).await.map(drop)
    }

    /// Waits until Graph has no request for longer than a nudge is delayed.
    async fn is_quiet(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.graph.reset_counts();
            tokio::time::sleep(Duration::from_secs(3)).await;
            if self.graph.counts().total() == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("there are always more requests")
    }

    #[track_caller]
    fn assert_no_harm(&self) {
        assert_eq!(self.graph.violations(), Vec::<String>::new());
        assert_eq!(self.graph.mails(), 0, "guests");
        assert_eq!((self.graph.without_id_type(), self.graph.unconditional()), (0, 0));
    }
}

/// Sends items to the webhook; returns the status.
async fn send(url: &Url, items: &[Value]) -> anyhow::Result<u16> {
    let body = json!({ "value": items }).to_string();
    let length = body.len().to_string();
    let headers = [("content-type", "application/json"), ("content-length", &*length)];
    Ok(Client::new(url).send("POST", WEBHOOK, &headers, body).await?.status)
}

/// Every subscription shakes hands while its request is open, and notifies before the answer to it;
/// every notification comes twice.
#[tokio::test]
async fn an_edit_arrives_and_strangers_cause_nothing() -> anyhow::Result<()> {
    let (desk, port, url) = Desk::public().await?;
    desk.people[0].primary().add(desk.event("Old"));
    let pushes = desk.graph.pushes();
    pushes.way(|way| (way.before_answers, way.double) = (true, true));
    let running = Running::start_at(&desk.cli, port.number()).await?;
    desk.subscribed().await?;
    assert!(pushes.handshakes() >= 2 * 2, "for both addresses of each");
    desk.until("the first copy", || desk.count("Old") == 1).await?;
    desk.arrives("Lunch").await?;
    desk.is_quiet().await?;
    pushes.settle().await;
    let sent = pushes.sent();
    assert!(sent.iter().all(|push| push.answers.iter().all(|answer| *answer == 202)), "{sent:?}");
    let genuine = sent.last().context("a notification")?;
    let forged = [
        with(genuine, "clientState", json!("h2.0.AAAA.local.AAAA")),
        with(genuine, "subscriptionId", json!("00000000-0000-4000-8000-000000000000")),
        json!({}),
    ];
    for item in forged {
        assert_eq!(send(&url, &vec![item; 500]).await?, 202, "the answer reveals nothing");
    }
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let answer = Client::new(&url).send(method, WEBHOOK, &[], "").await?;
        assert_eq!(answer.status, 405, "{method}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(desk.graph.counts().total(), 0, "{:?}", desk.graph.counts());
    // Disconnected: the subscriptions end, and it is said where the consent is ended.
    let removed = desk.cli.run(&["account", "remove", &desk.accounts[0]]).await?;
    ensure!(removed.status == 0, "{removed:?}");
    let words = format!("{}{}", removed.stdout, removed.stderr);
    assert!(words.contains("myapps.microsoft.com"), "{words}");
    assert!(words.contains("account.live.com/consent/Manage"), "{words}");
    assert_eq!(desk.graph.subscriptions(), Vec::new());
    desk.assert_no_harm();
    drop(running);
    Ok(())
}

/// The program is killed between the row of its watch and the answer to the request, before
/// Microsoft has seen it and afterwards.
#[tokio::test]
async fn a_program_that_is_killed_at_its_request_goes_on_with_one_subscription()
-> anyhow::Result<()> {
    let all = [false, true].map(|is_made| async move {
        let (desk, port, _) = Desk::public().await?;
        let faults = desk.graph.faults();
        match is_made {
            // The request arrives, and nothing comes back.
            true => desk.graph.manners(|manners| manners.latency = Duration::from_millis(500)),
            false => faults.times(2, On::kind(Kind::Watch), Fault::Delay(Duration::from_secs(600))),
        }
        let mut running = Running::start_at(&desk.cli, port.number()).await?;
        match is_made {
            true => desk.until("none", || !desk.graph.subscriptions().is_empty()).await?,
            false => desk.until("no request", || desk.graph.counts().of(Kind::Watch) > 0).await?,
        };
        running.child.kill().await?;
        faults.clear();
        desk.graph.manners(|manners| manners.latency = Duration::ZERO);
        let running = Running::start_at(&desk.cli, port.number()).await?;
        desk.subscribed().await?;
        desk.arrives("Lunch").await?;
        for person in &desk.people {
            assert_eq!(desk.graph.subscriptions_of(person).len(), 1, "{is_made}");
        }
        assert_eq!(desk.count("Lunch"), 1);
        desk.assert_no_harm();
        drop(running);
        anyhow::Ok(())
    });
    futures::future::try_join_all(all).await.map(drop)
}

/// What happened while the program was not there is found at its start.
#[tokio::test]
async fn what_was_missed_is_found_at_the_start() -> anyhow::Result<()> {
    let (desk, port, _) = Desk::public().await?;
    let mut running = Running::start_at(&desk.cli, port.number()).await?;
    desk.subscribed().await?;
    desk.arrives("Lunch").await?;
    running.child.kill().await?;
    desk.graph.pushes().way(|way| way.lose = usize::MAX);
    let lost = desk.graph.subscriptions()[0].0.clone();
    desk.graph.lose_subscription(&lost);
    desk.people[0].primary().add(desk.event("Tea"));
    let running = Running::start_at(&desk.cli, port.number()).await?;
    desk.until("the copy", || desk.count("Tea") == 1).await?;
    desk.subscribed().await?;
    desk.assert_no_harm();
    drop(running);
    Ok(())
}

/// Nothing can be reported to a program without a public address.
#[tokio::test]
async fn without_a_public_address_each_poll_reads_the_calendars() -> anyhow::Result<()> {
    let desk = Desk::new(&[("CALRELAY_POLL_SECONDS", "1")]).await?;
    let running = Running::start(&desk.cli).await?;
    desk.arrives("Old").await?;
    desk.arrives("Lunch").await?;
    assert_eq!((desk.graph.subscriptions().len(), desk.count("Old")), (0, 1));
    let status = desk.cli.status().await?;
    assert!(status["pairs"][0]["next_sync"].is_string(), "{status}");
    let words = desk.cli.run(&["doctor"]).await?.stdout;
    assert!(words.contains("Each poll of a running calrelay"), "{words}");
    desk.assert_no_harm();
    drop(running);
    Ok(())
}

/// Two instances under the Functions host, storage on Azurite: notifications at either of them, and
/// the timer that renews.
#[tokio::test]
async fn an_edit_arrives_at_two_instances_under_the_functions_host() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let connection = azurite.connection_string();
    let (desk, site, _package) = on_azurite(&connection).await?;
    let queues = Arc::new(StorageQueues::new(&connection)?);
    let hosts = [site.start(queues.clone()).await?, site.start(queues).await?];
    desk.subscribed().await?;
    desk.is_quiet().await?;
    for (number, host) in hosts.iter().enumerate() {
        let token = format!("{WEBHOOK}?validationToken=a%20b");
        let answer = Client::new(host.url()).send("POST", &token, &[], "").await?;
        assert_eq!((answer.status, answer.text()), (200, "a b".into()));
        let title = format!("Lunch {number}");
        desk.people[0].primary().add(desk.event(&title));
        let item = desk.graph.pushes().sent().pop().context("a notification")?.item;
        // Both get it at once.
        for host in &hosts {
            assert_eq!(send(host.url(), &vec![item.clone(); 10]).await?, 202);
        }
        desk.until("the copy", || desk.count(&title) == 1).await?;
        let forged = json!({ "clientState": "h2.0.AAAA.local.AAAA", "subscriptionId": "x" });
        assert_eq!(send(host.url(), &[forged]).await?, 202);
        let unreadable = Client::new(host.url()).send("POST", WEBHOOK, &[], "<").await?;
        assert_eq!(unreadable.status, 400);
    }
    let renewals = || hosts.iter().map(|host| host.tally("renew_graph_subscriptions").succeeded);
    let before: usize = renewals().sum();
    site.advance_to("renew_graph_subscriptions")?;
    desk.until("no renewal", || renewals().sum::<usize>() > before).await?;
    assert_eq!(desk.graph.subscriptions().len(), 2);
    for host in &hosts {
        assert_eq!((host.complaints(), host.tally("microsoft_webhook").failed), (Vec::new(), 0));
    }
    assert_eq!((desk.count("Lunch 0"), desk.count("Lunch 1")), (1, 1));
    desk.assert_no_harm();
    Ok(())
}

/// An environment with storage on Azurite as an app of the Functions host, and the package that the
/// app runs from. The scenario sends the notifications.
async fn on_azurite(connection: &str) -> anyhow::Result<(Desk, Site, TempDir)> {
    let settings = [
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage", connection),
        ("CALRELAY_PUBLIC_URL", "https://calendars.example.org"),
    ];
    let desk = Desk::new(&settings).await?;
    let package = package("00:00:00")?;
    let mut environment = environment(&settings);
    environment.push(("CALRELAY_DATA_DIR".into(), desk.cli.data_dir().display().to_string()));
    let own = desk.graph.settings().into_iter();
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let site = Site::new(App::read(package.path())?, environment)?;
    Ok((desk, site, package))
}
