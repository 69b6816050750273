//! A process whose accounts are watched as a whole, and a queue that may refuse.

use std::sync::Mutex;

use engine::calendar::PairId;
use engine::pair::{Pair, Reach};
use records::account::{Account, AccountStatus, FIRST_GENERATION};
use records::calendar::CalendarRecord;
use records::codec;
use records::kinds::{account_key, calendar_key, pair_key};
use store::{Message, Op, Queue};

use super::mailbox::{MICROSOFT, Mailbox, ToMailbox};
use super::*;
use crate::Setup;

/// A queue that refuses messages that contain a text, so many times.
pub(super) struct Refusing {
    inner: Arc<dyn Queue>,
    refused: Mutex<(String, usize)>,
}

impl Refusing {
    pub fn refuse(&self, text: &str, times: usize) {
        *self.refused.lock().unwrap() = (text.to_owned(), times);
    }
}

#[async_trait]
impl Queue for Refusing {
    async fn put(&self, queue: &str, body: &str, delay: Duration) -> store::Result<()> {
        {
            let mut refused = self.refused.lock().unwrap();
            if refused.1 > 0 && body.contains(&refused.0) {
                refused.1 -= 1;
                return Err(store::Error::Unavailable("on purpose".into()));
            }
        }
        self.inner.put(queue, body, delay).await
    }
    async fn take(&self, queue: &str, max: usize, time: Duration) -> store::Result<Vec<Message>> {
        self.inner.take(queue, max, time).await
    }
    async fn extend(&self, queue: &str, of: &Message, by: Duration) -> store::Result<Message> {
        self.inner.extend(queue, of, by).await
    }
    async fn poison(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.inner.poison(queue, message).await
    }
    async fn delete(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.inner.delete(queue, message).await
    }
    async fn len(&self, queue: &str) -> store::Result<u64> {
        self.inner.len(queue).await
    }
}

/// A process and its provider.
pub(super) struct World {
    pub scope: Scope,
    pub mailbox: Arc<Mailbox>,
    pub queue: Arc<Refusing>,
    _dir: tempfile::TempDir,
}

impl World {
    /// Each pair by its id, and by its two calendars; the account of a calendar is the letter
    /// before its number. Account `z` is polled.
    pub async fn of(pairs: &[(&str, &str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let services = Services {
            vault: Arc::new(Envelope::new(
                vault::LocalKey::open(dir.path()).unwrap(),
                Root::new(&[7; 32]),
            )),
            setup: Arc::new(Setup {
                public_url: Some("https://calendars.example.org".into()),
                ..Setup::default()
            }),
            ..test_services::services(
                dir.path(),
                Arc::new(ToMailbox(mailbox.clone())),
                mailbox.clone(),
            )
        };
        let queue = Arc::new(Refusing { inner: services.queue.clone(), refused: Mutex::default() });
        let scope = Services { queue: queue.clone(), ..services }.scope("local");
        let mut calendars: Vec<&str> = pairs.iter().flat_map(|pair| [pair.1, pair.2]).collect();
        calendars.sort_unstable();
        calendars.dedup();
        let mut accounts: Vec<&str> = calendars.iter().map(|calendar| &calendar[..1]).collect();
        accounts.dedup();
        let mut ops = Vec::new();
        for id in accounts {
            let account = account(id);
            let secret = crate::accounts::seal(&scope, &account, &"secret".into()).await.unwrap();
            let secret = Op::Put { key: id.to_owned(), value: secret };
            scope.store.commit(Table::Secrets, "local", &[secret]).await.unwrap();
            ops.push(put(account_key(&account.id), &account));
        }
        for id in calendars {
            let row = calendar(id);
            ops.push(put(calendar_key(&row.id), &row));
        }
        for (id, from, to) in pairs {
            let pair = pair(id, from, to);
            ops.push(put(pair_key(&pair.id), &pair));
        }
        for ops in ops.chunks(50) {
            scope.directory().commit(ops).await.unwrap();
        }
        Self { scope, mailbox, queue, _dir: dir }
    }

    /// Two pairs of one account.
    pub async fn paired() -> Self {
        Self::of(&[("p1", "a1", "z1"), ("p2", "z2", "a2")]).await
    }

    pub async fn renew(&self) -> RenewOutcome {
        renew(&self.scope, WatchKind::Account, false).await.unwrap()
    }

    /// What a nudge of a calendar does about watches.
    pub async fn pass(&self, pair: &str) -> bool {
        let directory = self.scope.snapshot().await.unwrap();
        let pairs: Vec<Pair> =
            directory.readable_pairs().into_iter().filter(|it| it.id.as_str() == pair).collect();
        create_missing(&self.scope, &directory, &pairs).await.unwrap()
    }

    pub async fn rows(&self) -> Vec<WatchRecord> {
        self.scope.directory().watches().await.unwrap()
    }

    /// The visible nudges, in order, each as its calendar and cause; they are taken.
    pub async fn nudges(&self) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let hour = Duration::from_secs(3600);
            let messages = self.scope.queue.take(nudge::QUEUE, 32, hour).await.unwrap();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let nudge = nudge::Nudge::from_text(&message.body).unwrap();
                found.push(format!("{} {:?}", nudge.calendar_id, nudge.cause).to_lowercase());
                self.scope.queue.delete(nudge::QUEUE, &message).await.unwrap();
            }
        }
        found.sort_unstable();
        found
    }
}

fn put(key: String, row: &impl serde::Serialize) -> Op {
    Op::Put { key, value: codec::encode(row).unwrap() }
}

fn account(id: &str) -> Account {
    Account {
        id: AccountId::new(id),
        kind: if id == "z" { ProviderKind::Caldav } else { MICROSOFT },
        name: id.into(),
        url: "https://graph.example.org/".into(),
        user: id.into(),
        endpoint: String::new(),
        generation: FIRST_GENERATION,
        state: AccountStatus::Ok,
        error: None,
        suspended: None,
    }
}

fn calendar(id: &str) -> CalendarRecord {
    CalendarRecord {
        id: CalendarId::new(id),
        account: AccountId::new(&id[..1]),
        address: id.into(),
        name: id.into(),
        writable: true,
        zone: None,
        owned_at: None,
        first_address: None,
    }
}

fn pair(id: &str, from: &str, to: &str) -> Pair {
    Pair {
        id: PairId::new(id),
        from: CalendarId::new(from),
        to: CalendarId::new(to),
        two_way: false,
        private: false,
        private_back: false,
        window_past: Reach::Days(1),
        window_future: Reach::Days(1),
        paused: false,
        draft: false,
    }
}
