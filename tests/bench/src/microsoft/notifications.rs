//! How many notifications a second the program takes on one core, and what false ones cost.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::http::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::graph::{Account, Graph};
use simulators::proxy::Proxy;
use simulators::traffic::Kind;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::sleep;
use url::Url;

use crate::calrelay::Calrelay;
use crate::hosted::{self, Folder};
use crate::push::call;
use crate::stats::time;
use crate::table::Table;

/// Accounts, in pairs of two; each has one watched calendar.
const PEOPLE: usize = 20;
/// Notifications a second, one a request, and for how long.
const RATE: u32 = 2_000;
const SECONDS: u32 = 5;
/// Connections that carry them.
const CONNECTIONS: u32 = 32;
/// Items of a large call, and how often it comes.
const BATCH: usize = 1_000;
const BATCHES: usize = 20;
/// Until the last of them has led to its passes.
const REST: Duration = Duration::from_secs(8);
/// Never called: notifications are handed over.
const OUTSIDE: &str = "https://calendars.example.org";
/// The aim for a call.
const AIM: Duration = Duration::from_millis(200);

/// Measures, and shows one table.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    eprintln!("{RATE} notifications a second, on one core…");
    let place = Place::new(calrelay, Vec::new()).await?;
    let pinned = place.pinned();
    let (_child, url) = place.calrelay.serve_by(pinned).await?;
    let items = place.items().await?;
    place.graph.reset_counts();
    let lags = storm(&url, &items).await?;
    sleep(REST).await;
    let pages = place.graph.counts().of(Kind::Delta);
    let large: Vec<Value> = items.iter().cycle().take(BATCH).cloned().collect();
    let batches = large_calls(&url, &large).await?;
    let forged = forged(calrelay).await?;
    let mut table = Table::new("Notifications from Microsoft, the program on one core", &[""]);
    let percent = |lags: &[Duration], percent: usize| {
        lags.get((lags.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or_default()
    };
    let title = format!("{RATE} calls a second for {SECONDS} s, p50");
    table.row(&title, [time(percent(&lags, 50))]);
    table.row("p99", [time(percent(&lags, 99))]);
    table.target("below 200 ms", percent(&lags, 99) < AIM);
    table.row("delta pages for them", [pages.to_string()]);
    // A calendar is read every three seconds at most, and so is the other one of its pair.
    let most = 2 * (u64::from(SECONDS) + REST.as_secs()).div_ceil(3) * PEOPLE as u64;
    table.target(format!("at most {most}, for {PEOPLE} calendars in pairs"), pages <= most);
    table.row(&format!("a call with {BATCH} items, slowest"), [time(percent(&batches, 100))]);
    table.target("below 200 ms", percent(&batches, 100) < AIM);
    table.row(&format!("storage requests for {BATCH} false items"), [forged.to_string()]);
    table.target("none", forged == 0);
    show(table);
    Ok(())
}

/// People in pairs, an installation.
struct Place {
    graph: Graph,
    people: Vec<Account>,
    calrelay: Calrelay,
}

impl Place {
    async fn new(program: &Path, mut settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        settings.extend(graph.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
        settings.push(("CALRELAY_PUBLIC_URL".into(), OUTSIDE.into()));
        settings.push(("CALRELAY_POLL_SECONDS".into(), "86400".into()));
        let calrelay = Calrelay::new(program, settings)?;
        let (mut people, mut ids) = (Vec::new(), Vec::new());
        for n in 0..PEOPLE {
            let account = graph.account(&format!("person-{n}@example.org"));
            ids.push(calrelay.granted("microsoft", "Calendar", &account.refresh_token()).await?);
            people.push(account);
        }
        for pair in ids.chunks_exact(2) {
            calrelay.pair(&pair[0], &pair[1]).await?;
        }
        Ok(Self { graph, people, calrelay })
    }

    /// The service on one processor, where the system has `taskset`.
    fn pinned(&self) -> Command {
        let plain = self.calrelay.command(&["--listen", "127.0.0.1:0"]);
        if !Path::new("/usr/bin/taskset").is_file() {
            return plain;
        }
        let mut pinned = Command::new("/usr/bin/taskset");
        pinned.args(["-c", "0"]).arg(plain.as_std().get_program());
        pinned.args(plain.as_std().get_args()).env_clear().envs(self.calrelay.environment());
        if let Some(folder) = plain.as_std().get_current_dir() {
            pinned.current_dir(folder);
        }
        pinned
    }

    /// A true notification for each account, once all are watched and at rest.
    async fn items(&self) -> anyhow::Result<Vec<Value>> {
        let begun = Instant::now();
        while self.graph.subscriptions().len() < PEOPLE {
            ensure!(begun.elapsed() < Duration::from_secs(60), "no subscriptions");
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_secs(3)).await;
        self.graph.pushes().clear();
        for person in &self.people {
            person.primary().add(event());
        }
        let sent = self.graph.pushes().sent();
        let mut items: Vec<Value> = Vec::new();
        for push in sent {
            let known =
                items.iter().any(|item| item["subscriptionId"] == push.item["subscriptionId"]);
            if !known {
                items.push(push.item);
            }
        }
        ensure!(items.len() == PEOPLE, "{} notifications", items.len());
        Ok(items)
    }
}

fn event() -> Value {
    let day = crate::data::today();
    let time = |hour: u8| json!({"dateTime": format!("{day}T{hour}:00:00"), "timeZone": "UTC"});
    json!({"subject": "Lunch", "start": time(12), "end": time(13)})
}

/// Calls of one item at a constant rate, whether or not the program keeps up. A lag is counted from
/// the time at which the call was due.
async fn storm(url: &Url, items: &[Value]) -> anyhow::Result<Vec<Duration>> {
    let bodies: Arc<Vec<String>> =
        Arc::new(items.iter().map(|item| call(std::slice::from_ref(item)).body).collect());
    let begun = Instant::now() + Duration::from_millis(200);
    let carriers = (0..CONNECTIONS).map(|n| {
        let (url, bodies) = (url.clone(), bodies.clone());
        tokio::spawn(async move { carrier(&url, &bodies, n, begun).await })
    });
    let mut lags = Vec::new();
    for carried in futures::future::try_join_all(carriers).await? {
        lags.extend(carried?);
    }
    lags.sort_unstable();
    Ok(lags)
}

async fn carrier(
    url: &Url,
    bodies: &[String],
    first: u32,
    begun: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut line = Line::open(url).await?;
    let mut lags = Vec::new();
    for n in (first..RATE * SECONDS).step_by(CONNECTIONS as usize) {
        let due = begun + Duration::from_secs(1) * n / RATE;
        tokio::time::sleep_until(due.into()).await;
        let status = line.send(bodies[n as usize % bodies.len()].clone()).await?;
        ensure!(status == 202, "a notification was answered with {status}");
        lags.push(due.elapsed());
    }
    Ok(lags)
}

async fn large_calls(url: &Url, items: &[Value]) -> anyhow::Result<Vec<Duration>> {
    let (mut line, body) = (Line::open(url).await?, call(items).body);
    let mut lags = Vec::new();
    for _ in 0..BATCHES {
        let begun = Instant::now();
        let status = line.send(body.clone()).await?;
        ensure!(status == 202, "a call was answered with {status}");
        lags.push(begun.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    lags.sort_unstable();
    Ok(lags)
}

/// How many requests of storage a call of false items costs, under the Functions host.
async fn forged(calrelay: &Path) -> anyhow::Result<u64> {
    eprintln!("False notifications…");
    let azurite = Azurite::start().await?;
    let mut connection = azurite.connection_string();
    let mut proxies = Vec::new();
    for address in [azurite.tables(), azurite.queues()] {
        let address = Url::parse(&address)?;
        let proxy = Proxy::start(&address).await?;
        let own = proxy.url().as_str().trim_end_matches('/').to_owned();
        connection = connection.replace(&address[..url::Position::BeforePath], &own);
        proxies.push(proxy);
    }
    let place = Place::new(calrelay, hosted::azure(&connection)).await?;
    let folder = Folder::lay(calrelay)?;
    // The program's requests are counted; the host's own queues are looked at past the proxies.
    let app = App::read(folder.path())?;
    let site = Site::new(app, place.calrelay.environment())?;
    let host = site.start(Arc::new(StorageQueues::new(&azurite.connection_string())?)).await?;
    let items = place.items().await?;
    let false_items: Vec<Value> = items
        .iter()
        .cycle()
        .take(BATCH)
        .cloned()
        .map(|mut item| {
            item["clientState"] = json!("Zm9yZ2VkLWJ5LWFub3RoZXItcGFydHk");
            item
        })
        .collect();
    sleep(Duration::from_secs(10)).await;
    let total = || proxies.iter().map(|proxy| proxy.counts().total()).sum::<u64>();
    let before = total();
    let mut line = Line::open(host.url()).await?;
    let status = line.send(call(&false_items).body).await?;
    let after = total();
    ensure!(status == 202, "a call was answered with {status}");
    Ok(after - before)
}

/// A connection that stays open.
struct Line {
    sender: http1::SendRequest<Body>,
    authority: String,
}

impl Line {
    async fn open(url: &Url) -> anyhow::Result<Self> {
        let authority =
            format!("{}:{}", url.host_str().context("no host")?, url.port().context("no port")?);
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authority })
    }

    async fn send(&mut self, body: String) -> anyhow::Result<u16> {
        self.sender.ready().await?;
        let request = Request::post("/webhooks/microsoft")
            .header("host", &self.authority)
            .header("content-type", "application/json; charset=utf-8")
            .body(Body::from(body))?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status().as_u16();
        axum::body::to_bytes(Body::new(answer.into_body()), 1 << 20).await?;
        Ok(status)
    }
}
