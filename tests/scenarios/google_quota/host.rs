//! What the Functions host does for a process: it hands messages over, eight at a time, ends what
//! takes too long, brings back what failed, and counts. And what Google's notifications do: they
//! arrive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs::nudge::{Cause, Nudge, QUEUE};
use jobs::{NudgeOutcome, Scope};
use providers::NotificationKind;
use simulators::google::Pushes;
use store::Message;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::support::product;

/// `batchSize` of `host.json`.
const AT_ONCE: usize = 8;
/// Its `visibilityTimeout`.
const AGAIN: Duration = Duration::from_secs(30);
/// Its `maxDequeueCount`.
const MOST: u32 = 5;
/// A message is hidden for so long while it is worked on.
const HIDDEN: Duration = Duration::from_secs(600);

/// What became of the messages.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many are under way.
    pub under_way: usize,
    /// How many were dealt with.
    pub done: usize,
    /// How many went on with what another had left.
    pub turns: usize,
    /// How often one came back.
    pub retried: usize,
    /// How many were ended for taking too long.
    pub cut: usize,
    /// How many came back too often.
    pub poisoned: usize,
    /// The longest that one took.
    pub longest: Duration,
}

/// Works until it is dropped.
pub struct Host {
    work: JoinHandle<()>,
    tally: Arc<Mutex<Tally>>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Host {
    /// Begins to work.
    pub fn start(scope: &Scope) -> Self {
        let (tally, scope) = (Arc::<Mutex<Tally>>::default(), scope.clone());
        let work = tokio::spawn(drain(scope, tally.clone()));
        Self { work, tally }
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.tally().under_way == 0
    }

    /// What it has come to.
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }
}

/// What an invocation is given.
pub fn deadline() -> Duration {
    functions::host_json::HostSettings::read().unwrap().deadline()
}

async fn drain(scope: Scope, tally: Arc<Mutex<Tally>>) {
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        let room = AT_ONCE - under_way.len();
        let messages = if room > 0 {
            scope.queue.take(QUEUE, room, HIDDEN).await.unwrap()
        } else {
            Vec::new()
        };
        for message in messages {
            let (scope, tally) = (scope.clone(), tally.clone());
            under_way.spawn(async move { one(&scope, message, &tally).await });
        }
        tokio::select! {
            Some(ended) = under_way.join_next() => ended.unwrap(),
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn one(scope: &Scope, message: Message, tally: &Mutex<Tally>) {
    let (nudge, begun) = (Nudge::from_text(&message.body).unwrap(), Instant::now());
    {
        let mut tally = tally.lock().unwrap();
        tally.under_way += 1;
        tally.turns += usize::from(nudge.cause == Cause::Unfinished);
    }
    let ended = timeout(deadline(), jobs::sync_calendar(scope, &nudge)).await;
    let failed = message.dequeue_count >= MOST && ended != Ok(NudgeOutcome::Done);
    {
        let mut tally = tally.lock().unwrap();
        tally.under_way -= 1;
        tally.longest = tally.longest.max(begun.elapsed());
        tally.cut += usize::from(ended.is_err());
        tally.done += usize::from(ended == Ok(NudgeOutcome::Done));
        tally.retried += usize::from(ended != Ok(NudgeOutcome::Done) && !failed);
        tally.poisoned += usize::from(failed);
    }
    match ended {
        Ok(NudgeOutcome::Done) => scope.queue.delete(QUEUE, &message).await.unwrap(),
        _ if failed => scope.queue.poison(QUEUE, &message).await.unwrap(),
        _ => drop(scope.queue.extend(QUEUE, &message, AGAIN).await.unwrap()),
    }
}

/// Says that something has happened in a calendar.
pub async fn nudge(scope: &Scope, calendar: &engine::calendar::CalendarId) -> anyhow::Result<()> {
    Ok(jobs::nudge::send(scope, calendar, Cause::Webhook).await?)
}

/// Hands Google's notifications over, until it is dropped.
pub struct Deliveries(JoinHandle<()>);

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Deliveries {
    /// Begins with the first. Those of other calendars than this one are lost, if one is named.
    pub fn start(scope: &Scope, pushes: &Pushes, only: Option<&str>) -> Self {
        let (scope, pushes, only) = (scope.clone(), pushes.clone(), only.map(str::to_owned));
        Self(tokio::spawn(async move {
            let mut carried = 0;
            loop {
                let sent = pushes.sent();
                for push in sent[carried..]
                    .iter()
                    .filter(|push| only.as_ref().is_none_or(|only| push.calendar == *only))
                {
                    let header = |name| {
                        push.headers
                            .iter()
                            .find(|(known, _)| *known == name)
                            .map_or("", |(_, value)| value.as_str())
                    };
                    let notice = providers::Notification {
                        watch: header("x-goog-channel-id"),
                        secret: header("x-goog-channel-token"),
                        resource: header("x-goog-resource-id"),
                        kind: if header("x-goog-resource-state") == "sync" {
                            NotificationKind::Started
                        } else {
                            NotificationKind::Changed
                        },
                    };
                    product::receive_notification(&scope, notice).await.unwrap();
                }
                carried = sent.len();
                sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}
