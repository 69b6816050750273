//! Several processes that receive notifications of one watch, and die at the worst moments.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use futures::future::join_all;
use providers::Notification;
use store::{Message, Op, Queue};

use super::*;
use crate::InProcess;
use crate::services::{Scope, Services};

/// Storage that counts its requests.
pub(super) struct Counting {
    pub inner: Arc<dyn Store>,
    pub asked: AtomicUsize,
}

#[async_trait::async_trait]
impl Store for Counting {
    async fn get(&self, table: Table, partition: &str, key: &str) -> store::Result<Option<Row>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.get(table, partition, key).await
    }
    async fn get_many(
        &self,
        table: Table,
        partition: &str,
        keys: &[String],
    ) -> store::Result<Vec<Row>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.get_many(table, partition, keys).await
    }
    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> store::Result<Vec<Row>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.scan(table, partition, prefix, after, limit).await
    }
    async fn commit(
        &self,
        table: Table,
        partition: &str,
        ops: &[Op],
    ) -> store::Result<Vec<String>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // Other tasks may run in between.
        tokio::task::yield_now().await;
        self.inner.commit(table, partition, ops).await
    }
}

/// A queue that records when each nudge becomes visible, and may fail.
struct Board {
    clock: Arc<WatchClock>,
    away: AtomicBool,
    seen: Mutex<Vec<Timestamp>>,
}

#[async_trait::async_trait]
impl Queue for Board {
    async fn put(&self, _: &str, _: &str, delay: Duration) -> store::Result<()> {
        tokio::task::yield_now().await;
        if self.away.load(Ordering::Relaxed) {
            return Err(store::Error::Unavailable("on purpose".into()));
        }
        self.seen.lock().unwrap().push(self.clock.now() + delay);
        Ok(())
    }
    async fn take(&self, _: &str, _: usize, _: Duration) -> store::Result<Vec<Message>> {
        Ok(Vec::new())
    }
    async fn extend(&self, _: &str, _: &Message, _: Duration) -> store::Result<Message> {
        Err(store::Error::Conflict(0))
    }
    async fn poison(&self, _: &str, _: &Message) -> store::Result<()> {
        Ok(())
    }
    async fn delete(&self, _: &str, _: &Message) -> store::Result<()> {
        Ok(())
    }
    async fn len(&self, _: &str) -> store::Result<u64> {
        Ok(0)
    }
}

#[derive(Default)]
struct WatchClock(AtomicI64);

impl WatchClock {
    fn wait(&self, millisecond: i64) {
        self.0.fetch_add(millisecond, Ordering::Relaxed);
    }
}

impl Clock for WatchClock {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// One watch, and processes that share storage, queue and clock.
struct Site {
    base: Scope,
    store: Arc<Counting>,
    board: Arc<Board>,
    clock: Arc<WatchClock>,
    channel: (String, SecretString),
    _dir: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let (base, dir) = scope();
        let clock = Arc::new(WatchClock::default());
        let store = Arc::new(Counting { inner: base.store.clone(), asked: AtomicUsize::new(0) });
        let board = Arc::new(Board {
            clock: clock.clone(),
            away: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let base = Services {
            store: store.clone(),
            queue: board.clone(),
            clock: clock.clone(),
            ..base.services
        }
        .scope(&base.owner);
        let channel = stored(&base, row(WatchStatus::Open, Some("r1"), 86_400)).await;
        store.asked.store(0, Ordering::Relaxed);
        Self { base, store, board, clock, channel, _dir: dir }
    }

    fn process(&self) -> Scope {
        Services { in_process: Arc::new(InProcess::default()), ..self.base.services.clone() }
            .scope(&self.base.owner)
    }

    async fn call(&self, process: &Scope) -> crate::Result<NoticeOutcome> {
        let (channel, token) = &self.channel;
        receive(
            process,
            GOOGLE,
            Notification {
                watch: channel,
                secret: token.expose_secret(),
                resource: "r1",
                kind: NotificationKind::Changed,
            },
        )
        .await
    }

    /// When nudges become visible, in milliseconds from the beginning.
    fn seen(&self) -> Vec<i128> {
        self.board
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.duration_since(now()).as_millis())
            .collect()
    }

    fn asked(&self) -> usize {
        self.store.asked.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test]
async fn nudges_of_many_processes_are_a_pause_apart() {
    let site = Site::new().await;
    let processes: Vec<Scope> = (0..8).map(|_| site.process()).collect();
    // All processes at once, in every tenth of a second of a minute.
    for tenth in 0..600 {
        let received = join_all(
            processes
                .iter()
                .flat_map(|process| [process, process])
                .map(|process| site.call(process)),
        )
        .await;
        assert!(received.iter().all(Result::is_ok), "{received:?}");
        let last = tenth * 100;
        let next = *site.seen().last().unwrap();
        assert!(next >= last && next <= last + 6000, "what came at {last} is seen at {next}");
        site.clock.wait(100);
    }
    let seen = site.seen();
    assert!(seen.windows(2).all(|two| two[1] - two[0] >= 1000), "{seen:?}");
    assert!(seen.len() <= 20, "{seen:?}");
}

#[tokio::test]
async fn sixty_notifications_lead_to_twenty_passes_at_most() {
    let site = Site::new().await;
    let process = site.process();
    for _ in 0..60 {
        site.call(&process).await.unwrap();
        site.clock.wait(1000);
    }
    assert!(site.seen().len() <= 20, "{:?}", site.seen());
    // The watch has recovered: a second edit waits for a second.
    site.clock.wait(60_000);
    for gap in [0, 250, 700, 999, 1500, 4000] {
        site.clock.wait(60_000);
        let before = site.seen().len();
        let begun = site.clock.now().duration_since(now()).as_millis();
        assert_eq!(site.call(&process).await.unwrap(), NoticeOutcome::Nudged);
        site.clock.wait(gap);
        assert_eq!(site.call(&process).await.unwrap(), NoticeOutcome::Nudged);
        assert_eq!(site.seen()[before..], [begun, begun + i128::from(gap.max(1000))], "{gap}");
    }
}

/// The clock of a process that is wrong by this amount.
struct Wrong(Arc<WatchClock>, SignedDuration);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        self.0.now() + self.1
    }
}

/// Four processes whose clocks differ by up to a second, nudges that cannot be sent, and
/// notifications in any order. By the correct clock, every notification that was acknowledged is
/// followed by a pass that begins after it.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_where_clocks_are_a_second_apart() {
    let mut rng = 1_u64;
    let mut random = |below: u64| {
        rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (rng >> 33) % below
    };
    for story in 0..40 {
        let site = Site::new().await;
        let clock = |n: u64, random: &mut dyn FnMut(u64) -> u64| {
            let wrong = if n == 0 {
                0
            } else {
                [0, 1000, i64::try_from(random(1001)).unwrap()][usize::try_from(random(3)).unwrap()]
            };
            Arc::new(Wrong(site.clock.clone(), SignedDuration::from_millis(wrong)))
        };
        let processes: Vec<Scope> = (0..4)
            .map(|n| {
                Services { clock: clock(n, &mut random), ..site.process().services }
                    .scope(&site.process().owner)
            })
            .collect();
        let mut answered = Vec::new();
        for _ in 0..60 {
            let process = &processes[usize::try_from(random(4)).unwrap()];
            site.board.away.store(random(12) == 0, Ordering::Relaxed);
            if site.call(process).await.is_ok() {
                answered.push(site.clock.now().duration_since(now()).as_millis());
            }
            let most = [30, 300, 1500, 3000][usize::try_from(random(4)).unwrap()];
            site.clock.wait(i64::try_from(random(most)).unwrap());
        }
        let seen = site.seen();
        for call in answered {
            let next = seen.iter().filter(|seen| **seen >= call).min();
            assert!(
                next.is_some_and(|next| *next <= call + 7000),
                "story {story}: what came at {call} is never seen: {seen:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_by_itself_costs_one_request_of_storage_or_two_and_one_a_minute() {
    let site = Site::new().await;
    let process = site.process();
    assert_eq!(
        (site.call(&process).await.unwrap(), site.asked()),
        (NoticeOutcome::Nudged, 3),
        "the keys and the row read, and the row replaced"
    );
    for _ in 0..10 {
        site.clock.wait(60_000);
        assert_eq!(
            (site.call(&process).await.unwrap(), site.asked()),
            (NoticeOutcome::Nudged, 1),
            "it knows the row by now"
        );
    }
    assert_eq!(
        (site.call(&process).await.unwrap(), site.asked()),
        (NoticeOutcome::Nudged, 2),
        "claimed, and noted as sent"
    );
    for _ in 0..1000 {
        assert_eq!((site.call(&process).await.unwrap(), site.asked()), (NoticeOutcome::Covered, 0));
    }
    // By the clock of this process, the nudge that becomes visible in a second may be visible by
    // now.
    let other = site.process();
    assert_eq!(
        (site.call(&other).await.unwrap(), site.asked()),
        (NoticeOutcome::Nudged, 4),
        "both read, claimed, and noted as sent"
    );
    let third = site.process();
    assert_eq!((site.call(&third).await.unwrap(), site.asked()), (NoticeOutcome::Covered, 2));
    assert_eq!((site.call(&third).await.unwrap(), site.asked()), (NoticeOutcome::Covered, 0));
    assert_eq!(site.seen()[11..], [601_000, 602_000]);
}

/// A process has claimed the next nudge and dies before the nudge is in the queue: the process that
/// receives the next notification neither relies on that nudge nor fails.
#[tokio::test]
async fn no_process_relies_on_a_nudge_whose_sender_has_died() {
    let site = Site::new().await;
    let (one, other) = (site.process(), site.process());
    // So often that the pause has begun to grow.
    for second in 0..7 {
        assert_eq!(site.call(&one).await.unwrap(), NoticeOutcome::Nudged, "{second}");
        site.clock.wait(1000);
    }
    assert_eq!(site.call(&one).await.unwrap(), NoticeOutcome::Nudged);
    site.clock.wait(1600);
    assert_eq!(site.seen(), [0, 1000, 2000, 3000, 4000, 5000, 6000, 8600]);
    site.clock.wait(100);
    site.board.away.store(true, Ordering::Relaxed);
    assert!(site.call(&one).await.is_err(), "the provider has to send it again");
    site.board.away.store(false, Ordering::Relaxed);
    site.clock.wait(100);
    assert_eq!(site.call(&other).await.unwrap(), NoticeOutcome::Nudged);
    assert_eq!(site.seen()[8..], [12_160], "in the place of the one that never came");
    assert_eq!(site.call(&one).await.unwrap(), NoticeOutcome::Covered);
    // The claim of a nudge that was to be visible at once.
    site.clock.wait(60_000);
    site.board.away.store(true, Ordering::Relaxed);
    assert!(site.call(&other).await.is_err());
    site.board.away.store(false, Ordering::Relaxed);
    assert_eq!(site.call(&one).await.unwrap(), NoticeOutcome::Nudged);
    assert_eq!(site.seen()[9..], [68_800 + 1000]);
}

/// Notifications that arrive meanwhile wait for the process that sends, and fail as it does.
#[tokio::test]
async fn a_notification_that_waits_for_a_failed_nudge_fails_too() {
    let site = Site::new().await;
    let process = site.process();
    site.board.away.store(true, Ordering::Relaxed);
    let received = join_all((0..3).map(|_| site.call(&process))).await;
    assert!(received.iter().all(Result::is_err), "{received:?}");
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_watch_that_ends_meanwhile_is_not_revived() {
    let site = Site::new().await;
    let process = site.process();
    assert_eq!(site.call(&process).await.unwrap(), NoticeOutcome::Nudged);
    site.clock.wait(60_000);
    process
        .directory()
        .change_watch(&site.channel.0, |row| row.state = WatchStatus::Ending)
        .await
        .unwrap();
    assert_eq!(site.call(&process).await.unwrap(), NoticeOutcome::Dropped);
    process.directory().delete_watches(std::slice::from_ref(&site.channel.0)).await.unwrap();
    assert_eq!(site.call(&site.process()).await.unwrap(), NoticeOutcome::Dropped);
    assert_eq!(site.seen(), [0]);
}
