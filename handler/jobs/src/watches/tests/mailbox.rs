//! An account whose provider watches all its calendars at once, as Microsoft's does: the provider
//! chooses the id of a watch, moves its end where it is asked to, and may remove it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use engine::calendar::RemoteCalendar;
use engine::change::{Absence, Cursor, StateTag};
use engine::event::EventId;
use providers::{
    ActiveWatch, Answering, ChangeSet, CollectionState, Edit, Error, Fetched, NewCopy, Provider,
    Since, Version, WatchRequest, WatchScope, Written,
};

use super::*;
use crate::Connect;

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

    async fn watch_end(&self, _: &str, resource: &str) -> providers::Result<Option<Timestamp>> {
        self.note(format!("check {resource}"))?;
        Ok(self.watches.lock().unwrap().get(resource).map(|watch| watch.0))
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

pub(super) struct ToMailbox(pub Arc<Mailbox>);

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
