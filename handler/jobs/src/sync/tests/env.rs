//! Two calendars, a pair, and a clock that is set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::CalendarId;
use engine::event::{Event, EventId};
use engine::mapping::Mapping;
use engine::pair::{Pair, Reach};
use engine::provider::ProviderKind;
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use providers::Provider;
use records::pair_state::proofs::{self, ProofRow};
use records::pair_state::{self, Batch, PairStore, ProblemRow, StateRecord};
use records::problem::PairStatus;
use secrecy::SecretString;
use store::{Op, Table};
use vault::{Envelope, Root};

use super::memory_account::Remote;
use super::memory_calendar::{CalendarCall, MemoryCalendar};
use super::sample_events::{event, on};
use crate::in_process::InProcess;
use crate::keys::PairKeys;
use crate::pairs::NewPair;
use crate::report::{Run, Silent};
use crate::services::Services;
use crate::sync::{SyncOptions, Synced, sync, sync_within};
use crate::test_services::services;
use crate::{Clock, Connect, Scope, accounts};

/// Ten in the morning of 10 March 2026, UTC.
const BEGIN: i64 = 1_773_136_800;

pub const OPTIONS: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: false,
    answer: None,
    background: false,
};
pub const FULL: SyncOptions = SyncOptions { full: true, ..OPTIONS };
pub const CONFIRMED: SyncOptions = SyncOptions { confirm_deletions: true, ..OPTIONS };
pub const DRY: SyncOptions = SyncOptions { dry_run: true, ..OPTIONS };
const BACKGROUND: SyncOptions = SyncOptions { background: true, ..OPTIONS };

/// A clock, and what the servers' clocks show beside it.
#[derive(Default)]
pub struct TestClock {
    now: AtomicI64,
    pub servers_are_off: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.load(Ordering::Relaxed)).unwrap()
    }
}

struct Servers(Mutex<Vec<Arc<Remote>>>, Arc<TestClock>);

#[async_trait]
impl Connect for Servers {
    async fn discover(
        &self,
        _: ProviderKind,
        url: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Ok(url.to_owned())
    }

    fn open(
        &self,
        _: ProviderKind,
        endpoint: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        let servers = self.0.lock().unwrap();
        let remote = servers
            .iter()
            .find(|remote| endpoint.contains(remote.address.split('/').nth(1).unwrap()));
        Ok(remote.expect("connected").clone())
    }

    fn server_time(&self) -> Option<Timestamp> {
        Some(
            self.1.now()
                + SignedDuration::from_secs(self.1.servers_are_off.load(Ordering::Relaxed)),
        )
    }
}

pub struct PairEnv {
    pub scope: Scope,
    pub hands: Arc<TestClock>,
    pub pair: Pair,
    pub remotes: Vec<Arc<Remote>>,
    calendars: Vec<CalendarId>,
    servers: Arc<Servers>,
    _dir: tempfile::TempDir,
}

impl PairEnv {
    pub async fn one_way() -> Self {
        Self::new(false, false).await
    }

    pub async fn two_way() -> Self {
        Self::new(true, false).await
    }

    pub async fn private(two_way: bool) -> Self {
        Self::new(two_way, true).await
    }

    async fn new(two_way: bool, private: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hands = Arc::new(TestClock::default());
        hands.now.store(BEGIN, Ordering::Relaxed);
        let servers = Arc::new(Servers(Mutex::default(), hands.clone()));
        let scope = Services {
            vault: Arc::new(Envelope::new(
                vault::LocalKey::open(dir.path()).unwrap(),
                Root::new(&[7; 32]),
            )),
            ..services(dir.path(), servers.clone(), hands.clone())
        }
        .scope("local");
        let nowhere = CalendarId::new("");
        let pair = Pair {
            id: engine::calendar::PairId::new(""),
            from: nowhere.clone(),
            to: nowhere,
            two_way,
            private,
            private_back: false,
            window_past: Reach::Months(3),
            window_future: Reach::Months(12),
            paused: false,
            draft: false,
        };
        let mut env = Self {
            scope,
            hands,
            pair,
            remotes: Vec::new(),
            calendars: Vec::new(),
            servers,
            _dir: dir,
        };
        env.connect("work", ProviderKind::Caldav).await;
        env.connect("home", ProviderKind::Caldav).await;
        env.pair = env.add(0, 1, &env.pair).await;
        env
    }

    /// One more account; the number of its calendar.
    pub async fn connect(&mut self, name: &str, kind: ProviderKind) -> usize {
        let remote = Arc::new(Remote::new(name));
        self.servers.0.lock().unwrap().push(remote.clone());
        let secret = SecretString::from("secret".to_owned());
        let account = accounts::connect_account(
            &self.scope,
            kind,
            &format!("https://{name}.example.org/"),
            "anna",
            &secret,
        )
        .await
        .unwrap();
        let listed = crate::accounts::calendars(&self.scope, Some(&account.id)).await.unwrap();
        self.calendars.push(listed.calendars[0].id.clone());
        self.remotes.push(remote);
        self.remotes.len() - 1
    }

    /// A pair of these calendars, with the rules of another one.
    pub async fn add(&self, from: usize, to: usize, like: &Pair) -> Pair {
        let new = NewPair {
            from: self.calendars[from].clone(),
            to: self.calendars[to].clone(),
            two_way: like.two_way,
            private: like.private,
            private_back: like.private_back,
            window_past: like.window_past,
            window_future: like.window_future,
            take_over: false,
            draft: false,
        };
        crate::pairs::add_pair(&self.scope, new).await.unwrap()
    }

    /// The calendar of `--from`, and that of `--to`.
    pub fn from(&self) -> MutexGuard<'_, MemoryCalendar> {
        self.remotes[0].lock()
    }

    pub fn to(&self) -> MutexGuard<'_, MemoryCalendar> {
        self.remotes[1].lock()
    }

    /// As in a process that was just started, whose attempts end after one batch.
    pub fn restart_with_short_attempts(&mut self) {
        let in_process = Arc::new(InProcess::with_attempt_limits([Duration::ZERO; 2]));
        let services = Services { in_process, ..self.scope.services.clone() };
        self.scope = services.scope(&self.scope.owner);
    }

    pub fn wait(&self, time: SignedDuration) {
        self.hands.now.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    pub fn minutes(&self, minutes: i64) {
        self.wait(SignedDuration::from_mins(minutes));
    }

    /// A pass that goes well, a minute later.
    pub async fn pass(&self) -> Run {
        self.run(OPTIONS).await
    }

    pub async fn run(&self, options: SyncOptions) -> Run {
        let run = self.try_run(options).await;
        assert_eq!(run.error, None);
        run
    }

    pub async fn try_run(&self, options: SyncOptions) -> Run {
        self.minutes(1);
        self.forget_calls();
        sync(&self.scope, std::slice::from_ref(&self.pair), options, &Silent).await.pairs.remove(0)
    }

    /// A pass in the background; after a notification about a calendar, where one is given.
    pub async fn in_background(&self, notified: Option<usize>) -> Synced {
        let directory = self.scope.snapshot().await.unwrap();
        let notified = notified.map(|index| &self.calendars[index]);
        let pair = std::slice::from_ref(&self.pair);
        sync_within(&self.scope, &directory, pair, notified, BACKGROUND, &Silent).await.remove(0)
    }

    pub fn forget_calls(&self) {
        self.remotes.iter().for_each(|remote| remote.lock().calls.clear());
    }

    /// From now on it is a calendar of Google's, whose provider sends notifications.
    pub async fn google(&mut self, calendar: usize) {
        self.change_account(calendar, |text| {
            text.replace("\"kind\":\"caldav\"", "\"kind\":\"google\"")
        })
        .await;
        let calendar =
            &self.scope.directory().calendar(&self.calendars[calendar]).await.unwrap().unwrap();
        let account = &self.scope.directory().account(&calendar.account).await.unwrap();
        let value = crate::accounts::seal(&self.scope, account, &SecretString::from("secret"))
            .await
            .unwrap();
        let op = Op::Put { key: account.id.to_string(), value };
        self.scope.store.commit(Table::Secrets, "local", &[op]).await.unwrap();
    }

    /// The provider has closed the account for so long.
    pub async fn close(&mut self, calendar: usize, time: SignedDuration) {
        let until = self.scope.clock.now() + time;
        let parked =
            format!(r#""parked":{{"until":"{until}","why":{{"code":"throttled","message":""}}}}"#);
        self.change_account(calendar, |text| text.replace("\"parked\":null", &parked)).await;
    }

    async fn change_account(&self, calendar: usize, change: impl Fn(&str) -> String) {
        let rows = self.scope.store.scan(Table::Directory, "local", "", None, 100).await.unwrap();
        let is_it =
            |value: &str| value.contains("\"kind\"") && value.contains(["work", "home"][calendar]);
        let row = rows.into_iter().find(|row| is_it(&row.value)).unwrap();
        let value = change(&row.value);
        assert_ne!(value, row.value);
        self.scope
            .store
            .commit(Table::Directory, "local", &[Op::Put { key: row.key, value }])
            .await
            .unwrap();
    }

    /// Two more passes have nothing to write, and nothing was done that must not be.
    pub async fn rest(&self) {
        for options in [OPTIONS, FULL] {
            self.run(options).await;
            assert_eq!(self.writes(), Vec::<String>::new(), "{options:?}");
        }
        assert!(
            self.state().await.unlisted.mappings.values().all(std::collections::BTreeSet::is_empty)
        );
        self.nothing_wrong();
    }

    pub fn nothing_wrong(&self) {
        for remote in &self.remotes {
            assert_eq!(remote.lock().wrong, Vec::<String>::new());
        }
    }

    /// What the last pass has written, or tried to.
    pub fn writes(&self) -> Vec<String> {
        let is_write = |call: CalendarCall| {
            matches!(
                call,
                CalendarCall::Create
                    | CalendarCall::Rewrite
                    | CalendarCall::Edit
                    | CalendarCall::Delete
            )
        };
        let of = |remote: &Arc<Remote>| {
            let calls = remote.lock().calls.clone();
            calls
                .into_iter()
                .filter(|(call, _)| is_write(*call))
                .map(|(call, id)| format!("{call:?} {id}"))
                .collect::<Vec<_>>()
        };
        self.remotes.iter().flat_map(of).collect()
    }

    /// How often that was asked in the last pass, of both calendars.
    pub fn asked(&self, call: CalendarCall) -> [usize; 2] {
        [0, 1].map(|i| self.remotes[i].lock().calls.iter().filter(|(one, _)| *one == call).count())
    }

    /// So many events of the calendar of `--from`, `e00` and so on, a day each from 1 April on, and
    /// their copies.
    pub async fn filled(self, count: i64) -> Self {
        for n in 0..count {
            let day = date(2026, 4, 1).saturating_add(n.days());
            self.from().put(event(&format!("e{n:02}"), &format!("e{n:02}"), on(day)));
        }
        self.with_copies().await
    }

    async fn with_copies(self) -> Self {
        assert_eq!(self.pass().await.state, PairStatus::Ok);
        self
    }

    /// The proofs of all deletions.
    pub async fn proofs(&self) -> Vec<ProofRow> {
        proofs::find(&*self.scope.store, &self.pair.id, |_| true).await.unwrap()
    }

    /// Deletes these of them, or their copies.
    pub fn remove_origins(&self, numbers: std::ops::Range<usize>) {
        numbers.for_each(|n| drop(self.from().remove(&format!("e{n:02}.ics"))));
    }

    pub async fn remove_copies(&self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            let copy = self.copy(&format!("e{n:02}.ics")).await;
            self.to().remove(&copy);
        }
    }

    /// How many events both calendars hold.
    pub fn count(&self) -> [usize; 2] {
        self.titles().map(|titles| titles.len())
    }

    /// The titles of both calendars, sorted.
    pub fn titles(&self) -> [Vec<String>; 2] {
        [0, 1].map(|i| {
            let mut titles: Vec<String> =
                self.remotes[i].lock().all().into_iter().map(|event| event.content.title).collect();
            titles.sort();
            titles
        })
    }

    /// The only event of this title in a calendar.
    pub fn one(&self, remote: usize, title: &str) -> Event {
        let mut found = self.remotes[remote].lock().all();
        found.retain(|event| event.content.title == title);
        assert_eq!(found.len(), 1, "{title}");
        found.remove(0)
    }

    /// The UID that the first copy of an event of the calendar of `--from` gets.
    pub async fn uid_of_copy(&self, origin: &str) -> String {
        let keys = PairKeys::new(&self.scope, &self.pair).await.unwrap();
        keys.marks.mapping(&self.pair.from, &self.pair.to, &EventId::new(origin), 0).copy_uid(0)
    }

    /// The name of the copy of an origin in the calendar of `--to`.
    pub async fn copy(&self, origin: &str) -> String {
        self.mapping(origin).await.copy.id.to_string()
    }

    pub async fn mapping(&self, origin: &str) -> Mapping {
        self.mappings()
            .await
            .into_iter()
            .find(|mapping| mapping.origin.id == EventId::new(origin))
            .expect(origin)
    }

    pub async fn mappings(&self) -> Vec<Mapping> {
        let keys = PairKeys::new(&self.scope, &self.pair).await.unwrap();
        PairStore::new(&*self.scope.store, &keys.marks, &self.pair).page(None).await.unwrap().0
    }

    /// The row of a mapping is replaced, as an earlier release would have left it.
    pub async fn set_mapping(&self, origin: &str, change: impl FnOnce(&mut Mapping)) {
        let keys = PairKeys::new(&self.scope, &self.pair).await.unwrap();
        let memory = PairStore::new(&*self.scope.store, &keys.marks, &self.pair);
        let (before, (head, _)) = (self.mapping(origin).await, memory.read_state().await.unwrap());
        let (mut now, mut notes) = (before.clone(), Batch::default());
        change(&mut now);
        memory.note(&mut notes, Some(&before), &now).unwrap();
        memory.commit(&head, notes).await.unwrap();
    }

    pub async fn state(&self) -> StateRecord {
        pair_state::read_state(&*self.scope.store, &self.pair.id).await.unwrap()
    }

    /// The pair's row is replaced, as other passes would have left it.
    pub async fn set_state(&self, change: impl FnOnce(&mut StateRecord)) {
        pair_state::change_state(&*self.scope.store, &self.pair.id, change).await.unwrap();
    }

    pub async fn problems(&self) -> Vec<ProblemRow> {
        pair_state::problems(&*self.scope.store, &self.pair.id, 100).await.unwrap()
    }
}
