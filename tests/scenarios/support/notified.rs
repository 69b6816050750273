//! A process of an installation that a provider notifies of changes. The scenario delivers the
//! notifications and runs the timers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use engine::calendar::CalendarId;
use engine::pair::Pair;
use jobs::nudge::{Nudge, QUEUE};
use jobs::report::{AccountState, PairState};
use jobs::{NudgeOutcome, Scope, Services};
use store::{Message, Op, Queue, Row, Store, Table};

use super::installation::{ONE_WAY, ProcessOptions, TWO_WAY, new_pair};
use super::product;
use super::storage::TestStorage;

/// The process, and what another process on its storage needs.
pub struct Notified {
    pub scope: Scope,
    options: ProcessOptions,
    _storage: TestStorage,
}

impl Notified {
    pub fn new(options: ProcessOptions, storage: TestStorage) -> anyhow::Result<Self> {
        let scope = options.process(&storage, &storage.open(&options.clock)?)?;
        Ok(Self { scope, options, _storage: storage })
    }

    /// Another process on the same storage: it has nothing in memory and has made no request.
    pub fn process(&self) -> anyhow::Result<Scope> {
        Ok(Services {
            connect: Arc::new(self.options.connector()?),
            in_process: Arc::default(),
            ..self.scope.services.clone()
        }
        .scope(&self.scope.owner))
    }

    /// The process ends, and another one takes its place.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.scope = self.process()?;
        Ok(())
    }

    /// What the status says of the account of this name.
    pub async fn account_of(&self, name: &str) -> anyhow::Result<AccountState> {
        let accounts = jobs::status(&self.scope, 60).await?.accounts;
        accounts.into_iter().find(|account| account.name == name).context("the account")
    }

    /// What the status says of the pair.
    pub async fn pair_state(&self) -> anyhow::Result<PairState> {
        jobs::status(&self.scope, 60).await?.pairs.pop().context("a pair")
    }

    pub async fn add_pair(
        &self,
        [from, to]: [&CalendarId; 2],
        two_way: bool,
    ) -> anyhow::Result<Pair> {
        let terms = if two_way { TWO_WAY } else { ONE_WAY };
        Ok(product::add_pair(&self.scope, new_pair([from, to], terms)).await?)
    }

    /// Works on the messages that are visible; returns their number.
    pub async fn work(&self) -> anyhow::Result<usize> {
        let mut done = 0;
        loop {
            let messages = self.scope.queue.take(QUEUE, 32, Duration::from_secs(600)).await?;
            if messages.is_empty() {
                return Ok(done);
            }
            for message in messages {
                match jobs::sync_calendar(&self.scope, &Nudge::from_text(&message.body)?).await {
                    NudgeOutcome::Retry if message.dequeue_count < 5 => {
                        self.scope.queue.extend(QUEUE, &message, Duration::from_secs(30)).await?;
                    }
                    _ => self.scope.queue.delete(QUEUE, &message).await?,
                }
                done += 1;
            }
        }
    }

    pub fn wait(&self, seconds: i64) {
        self.options.clock.advance(seconds);
    }

    /// The services with a queue that cannot be reached.
    pub fn without_queue(&self) -> Scope {
        let queue = Arc::new(UnavailableQueue(self.scope.queue.clone()));
        Services { queue, ..self.scope.services.clone() }.scope(&self.scope.owner)
    }

    /// The services of a process that has just started, with storage that cannot be reached.
    pub fn without_storage(&self) -> Scope {
        let (store, in_process) = (Arc::new(UnavailableStore), Arc::default());
        Services { store, in_process, ..self.scope.services.clone() }.scope(&self.scope.owner)
    }
}

/// A store that cannot be reached.
struct UnavailableStore;

fn unavailable() -> store::Error {
    store::Error::Unavailable("on purpose".into())
}

#[async_trait]
impl Store for UnavailableStore {
    async fn get(&self, _: Table, _: &str, _: &str) -> store::Result<Option<Row>> {
        Err(unavailable())
    }
    async fn get_many(&self, _: Table, _: &str, _: &[String]) -> store::Result<Vec<Row>> {
        Err(unavailable())
    }
    async fn scan(
        &self,
        _: Table,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> store::Result<Vec<Row>> {
        Err(unavailable())
    }
    async fn commit(&self, _: Table, _: &str, _: &[Op]) -> store::Result<Vec<String>> {
        Err(unavailable())
    }
}

/// A queue that cannot be reached.
struct UnavailableQueue(Arc<dyn Queue>);

#[async_trait]
impl Queue for UnavailableQueue {
    async fn put(&self, _: &str, _: &str, _: Duration) -> store::Result<()> {
        Err(unavailable())
    }
    async fn take(
        &self,
        queue: &str,
        max: usize,
        visibility: Duration,
    ) -> store::Result<Vec<Message>> {
        self.0.take(queue, max, visibility).await
    }
    async fn delete(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.0.delete(queue, message).await
    }
    async fn extend(
        &self,
        queue: &str,
        message: &Message,
        visibility: Duration,
    ) -> store::Result<Message> {
        self.0.extend(queue, message, visibility).await
    }
    async fn poison(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.0.poison(queue, message).await
    }
    async fn len(&self, queue: &str) -> store::Result<u64> {
        self.0.len(queue).await
    }
}
