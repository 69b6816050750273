//! An account whose provider watches all its calendars at once, as Microsoft's does: the provider
//! chooses the id of a watch, moves its end where it is asked to, and may remove it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use engine::calendar::{PairId, RemoteCalendar};
use engine::change::{Absence, Cursor, StateTag};
use engine::event::EventId;
use engine::pair::{Pair, Reach};
use providers::{
    ActiveWatch, Answering, ChangeSet, CollectionState, Edit, Error, Fetched, NewCopy, Provider,
    Since, Version, WatchRequest, WatchScope, Written,
};
use records::account::{Account, AccountStatus, FIRST_GENERATION};
use records::calendar::CalendarRecord;
use records::codec;
use records::kinds::{account_key, calendar_key, pair_key};
use store::{Message, Op, Queue};

use super::*;
use crate::{Connect, Setup};

pub(super) const MICROSOFT: ProviderKind = ProviderKind::Microsoft;

/// The provider, for all accounts that it watches.
#[derive(Default)]
pub(super) struct Mailbox {
    minutes: AtomicI64,
    /// What was requested, in order.
    log: Mutex<Vec<String>>,
    /// The watches that exist: their ends, and their secrets.
    pub watches: Mutex<BTreeMap<String, (Timestamp, String)>>,
    /// The next request fails with this error.
    pub fails: Mutex<Option<Error>>,
    /// The next watch is created, and the answer is lost.
    pub loses: AtomicBool,
    /// Notifies this process before it answers that it created a watch.
    pub notifies: Mutex<Option<Services>>,
    created: Mutex<usize>,
}

impl Clock for Mailbox {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::from_mins(self.minutes.load(Ordering::Relaxed))
    }
}

impl Mailbox {
    pub fn wait(&self, time: SignedDuration) {
        self.minutes.fetch_add(time.as_mins(), Ordering::Relaxed);
    }

    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn note(&self, what: String) -> providers::Result<()> {
        self.log.lock().unwrap().push(what);
        self.fails.lock().unwrap().take().map_or(Ok(()), Err)
    }

    /// A change notification of this watch.
    pub fn change(&self, id: &str) -> serde_json::Value {
        serde_json::json!({
            "clientState": self.secret(id), "subscriptionId": id, "changeType": "updated",
            "resource": "Users/x/Events/y", "tenantId": "t"
        })
    }

    pub fn lifecycle(&self, id: &str, event: &str) -> serde_json::Value {
        serde_json::json!({
            "clientState": self.secret(id), "subscriptionId": id, "lifecycleEvent": event
        })
    }

    fn secret(&self, id: &str) -> String {
        self.watches.lock().unwrap()[id].1.clone()
    }
}

pub(super) async fn deliver(services: &Services, items: &[serde_json::Value]) -> Received {
    match try_to_deliver(services, items).await.unwrap() {
        DeliveryOutcome::Received(received) => received,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn try_to_deliver(
    services: &Services,
    items: &[serde_json::Value],
) -> crate::Result<DeliveryOutcome> {
    let body = serde_json::json!({ "value": items }).to_string();
    receive_delivery(services, "microsoft", "", body.as_bytes()).await
}

#[async_trait]
impl Provider for Mailbox {
    async fn create_watch(&self, request: &WatchRequest<'_>) -> providers::Result<ActiveWatch> {
        assert_eq!(request.scope, WatchScope::Account);
        assert_eq!(request.address, "https://calendars.example.org/webhooks/microsoft");
        let id = {
            let mut created = self.created.lock().unwrap();
            *created += 1;
            format!("s{created}")
        };
        self.note(format!("create {id}"))?;
        let expires = self.now() + SignedDuration::try_from(request.lifetime).unwrap();
        let secret = request.secret.expose_secret().to_owned();
        assert!(secret.len() <= 128, "{}", secret.len());
        self.watches.lock().unwrap().insert(id.clone(), (expires, secret));
        let notified = self.notifies.lock().unwrap().take();
        if let Some(services) = notified {
            let received = deliver(&services, &[self.change(&id)]).await;
            assert_eq!(received, Received { nudged: 1, ..Received::default() });
        }
        match self.loses.swap(false, Ordering::Relaxed) {
            true => Err(Error::NoAnswer("on purpose".into())),
            false => Ok(ActiveWatch { resource: id, expires }),
        }
    }

    async fn renew_watch(
        &self,
        _: &str,
        resource: &str,
        lifetime: Duration,
    ) -> providers::Result<Option<ActiveWatch>> {
        self.note(format!("renew {resource}"))?;
        let expires = self.now() + SignedDuration::try_from(lifetime).unwrap();
        let mut watches = self.watches.lock().unwrap();
        Ok(watches.get_mut(resource).map(|watch| {
            watch.0 = expires;
            ActiveWatch { resource: resource.to_owned(), expires }
        }))
    }

    async fn delete_watch(&self, _: &str, resource: &str) -> providers::Result<()> {
        self.note(format!("delete {resource}"))?;
        self.watches.lock().unwrap().remove(resource);
        Ok(())
    }

    async fn calendars(&self) -> providers::Result<Vec<RemoteCalendar>> {
        Err(Error::Gone)
    }
    async fn collection_states(&self, _: &[String]) -> providers::Result<Vec<CollectionState>> {
        Err(Error::Gone)
    }
    async fn list_changes(
        &self,
        _: &str,
        _: Since<'_>,
        _: Option<&StateTag>,
    ) -> providers::Result<ChangeSet> {
        Err(Error::Gone)
    }
    fn is_current(&self, _: &Cursor, _: &StateTag) -> bool {
        false
    }
    async fn ask(&self, _: &str) -> providers::Result<Answering> {
        Err(Error::Gone)
    }
    async fn fetch(&self, _: &str, _: &[EventId]) -> providers::Result<Vec<Fetched>> {
        Err(Error::Gone)
    }
    fn batch(&self) -> usize {
        1
    }
    fn parallel_writes(&self) -> usize {
        1
    }
    async fn absence(&self, _: &str, _: &EventId) -> providers::Result<Option<Absence>> {
        Err(Error::Gone)
    }
    fn id_of_copy(&self, _: &str, _: &str) -> Option<EventId> {
        None
    }
    async fn create(&self, _: &str, _: &NewCopy<'_>) -> providers::Result<Written> {
        Err(Error::Gone)
    }
    async fn rewrite(
        &self,
        _: &str,
        _: &EventId,
        _: &Version,
        _: &NewCopy<'_>,
    ) -> providers::Result<Written> {
        Err(Error::Gone)
    }
    async fn edit(
        &self,
        _: &str,
        _: &EventId,
        _: &Version,
        _: &Edit<'_>,
    ) -> providers::Result<Written> {
        Err(Error::Gone)
    }
    async fn delete(&self, _: &str, _: &EventId, _: Option<&str>) -> providers::Result<()> {
        Err(Error::Gone)
    }
}

struct ToMailbox(Arc<Mailbox>);

#[async_trait]
impl Connect for ToMailbox {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(offline())
    }

    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Ok(self.0.clone())
    }
}

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
    /// Each pair by its id, and by its two calendars; the account of a calendar is the letter before
    /// its number. Account `z` is polled.
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
    }
}
