//! Secrets sealed with a key in Azure Key Vault: what it costs, what goes wrong with a vault, and
//! what is never lost.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use simulators::key_vault::{Counts, Fault, KeyVault as StandIn};
use vault::key_vault::{CallLimits, KeyVaultIdentity, Transport};
use vault::{Envelope, Error, KeyVault, RootRow, SealContext, Vault, WrappingKey};

type Sealer = Envelope<KeyVault>;

const PLACE: SealContext<'_> = SealContext { table: "secrets", partition: "local", row: "a1" };

const SECRET: &str = "abcd-efgh-ijkl-mnop";

pub async fn stand_in() -> StandIn {
    StandIn::start("calrelay-test", "wrapping").await.expect("a port of the loopback")
}

/// A process that seals with the stand-in's key, signed in by the machine's identity.
pub fn wrapping_key(vault: &StandIn, limits: CallLimits) -> KeyVault {
    let transport = Transport::new(Arc::new(vault.transport()));
    KeyVault::with(
        vault.identifier().parse().expect("an identifier"),
        KeyVaultIdentity::Managed { client_id: None },
        limits,
        Some(transport),
    )
}

fn process(vault: &StandIn) -> Sealer {
    process_with(vault, limits())
}

fn process_with(vault: &StandIn, limits: CallLimits) -> Sealer {
    Envelope::with_root_row(wrapping_key(vault, limits), Arc::new(MemoryRow::default()))
}

/// A vault that failed is asked again at once.
pub fn limits() -> CallLimits {
    CallLimits { rest: Duration::ZERO, patience: Duration::from_secs(3), ..CallLimits::default() }
}

async fn seal(sealer: &Sealer) -> String {
    sealer.seal(PLACE, &SECRET.into()).await.expect("a vault that works")
}

async fn open(sealer: &Sealer, text: &str) -> Result<String, Error> {
    sealer.open(PLACE, text).await.map(|secret| secret.expose_secret().to_owned())
}

fn unavailable<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Unavailable(words)) => words,
        Err(error) => panic!("the wrong conclusion: {error:?}"),
        Ok(_) => panic!("it worked"),
    }
}

/// The parts of a sealed text: format, version, wrapped key, payload.
fn parts(text: &str) -> [&str; 4] {
    text.split('.').collect::<Vec<_>>().try_into().expect("four parts")
}

/// The row of the root, in memory.
#[derive(Default)]
pub struct MemoryRow(Mutex<Option<String>>);

#[async_trait::async_trait]
impl RootRow for MemoryRow {
    fn context(&self) -> SealContext<'_> {
        SealContext { table: "secrets", partition: "vault", row: "root" }
    }

    async fn read(&self) -> vault::Result<Option<String>> {
        Ok(self.0.lock().expect("no holder panicked").clone())
    }

    async fn insert(&self, text: &str) -> vault::Result<bool> {
        let mut row = self.0.lock().expect("no holder panicked");
        let first = row.is_none();
        row.get_or_insert_with(|| text.to_owned());
        Ok(first)
    }

    async fn replace(&self, old: &str, new: &str) -> vault::Result<bool> {
        let mut row = self.0.lock().expect("no holder panicked");
        let same = row.as_deref() == Some(old);
        if same {
            *row = Some(new.to_owned());
        }
        Ok(same)
    }
}

#[tokio::test]
async fn a_secret_is_sealed_and_opened_with_one_call_each() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    assert_eq!(parts(&text)[1], vault.newest(), "the version is stored beside what it wrapped");
    for _ in 0..10 {
        assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
    }
    let expected = Counts { challenges: 1, tokens: 1, wraps: 1, unwraps: 1, ..Counts::default() };
    assert_eq!(
        vault.counts(),
        expected,
        "one sign-in, no body before it, and nine times from memory"
    );
    assert_eq!(
        open(&process(&vault), &text).await.unwrap(),
        SECRET,
        "another process has only the text"
    );
}

#[tokio::test]
async fn many_who_want_the_same_secret_at_once_cost_one_call() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    let all = futures::future::join_all((0..20).map(|_| open(&sealer, &text))).await;
    assert!(all.iter().all(|opened| opened.as_deref().unwrap() == SECRET));
    assert_eq!(vault.counts().unwraps, 1);
}

#[tokio::test]
async fn what_is_kept_in_memory_is_bounded() {
    let vault = stand_in().await;
    let sealer = process_with(
        &vault,
        CallLimits { keep_most: 2, keep: Duration::from_millis(1_500), ..limits() },
    );
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(seal(&sealer).await);
    }
    for text in [&texts[0], &texts[1], &texts[0], &texts[2], &texts[0]] {
        open(&sealer, text).await.unwrap();
    }
    assert_eq!(vault.counts().unwraps, 3);
    open(&sealer, &texts[1]).await.unwrap();
    assert_eq!(vault.counts().unwraps, 4, "two at most, and the least used had left");
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    open(&sealer, &texts[1]).await.unwrap();
    assert_eq!(vault.counts().unwraps, 5, "and not for ever");
}

#[tokio::test]
async fn a_new_version_of_the_key_wraps_and_the_old_one_still_opens() {
    let vault = stand_in().await;
    let (first, sealer) =
        (vault.newest(), process_with(&vault, CallLimits { keep: Duration::ZERO, ..limits() }));
    let old = seal(&sealer).await;
    assert_eq!(sealer.reseal(PLACE, &old).await.unwrap(), None, "up to date");
    let second = vault.rotate();
    assert_eq!(open(&sealer, &old).await.unwrap(), SECRET);
    let new = sealer.reseal(PLACE, &old).await.unwrap().expect("wrapped again");
    assert_eq!((parts(&old)[1], parts(&new)[1]), (first.as_str(), second.as_str()));
    assert_eq!(parts(&old)[3], parts(&new)[3], "the secret itself is as it was");
    assert_eq!(sealer.reseal(PLACE, &new).await.unwrap(), None);
    vault.enable(&first, false);
    assert_eq!(open(&sealer, &new).await.unwrap(), SECRET, "the old version is no longer needed");
    let words = unavailable(open(&sealer, &old).await);
    assert!(words.contains("enabled"), "{words}");
    vault.enable(&first, true);
    assert_eq!(open(&sealer, &old).await.unwrap(), SECRET, "and nothing was lost while it was off");
}

#[tokio::test]
async fn to_know_the_version_costs_one_call_in_five_minutes() {
    let vault = stand_in().await;
    let (text, sealer) = (seal(&process(&vault)).await, process(&vault));
    vault.reset_counts();
    for _ in 0..10 {
        assert_eq!(sealer.reseal(PLACE, &text).await.unwrap(), None);
    }
    assert_eq!(vault.counts().calls(), 1);
}

#[tokio::test]
async fn with_a_version_in_its_identifier_it_wraps_with_that_one() {
    let vault = stand_in().await;
    let pinned = vault.newest();
    vault.rotate();
    let key = format!("{}/{pinned}", vault.identifier()).parse().unwrap();
    let transport = Transport::new(Arc::new(vault.transport()));
    let key = KeyVault::with(
        key,
        KeyVaultIdentity::Managed { client_id: None },
        limits(),
        Some(transport),
    );
    let sealer = Envelope::with_root_row(key, Arc::new(MemoryRow::default()));
    let text = seal(&sealer).await;
    assert_eq!(parts(&text)[1], pinned);
    assert_eq!(sealer.reseal(PLACE, &text).await.unwrap(), None);
    assert_eq!(vault.counts().wraps, 1, "no request asks for the version");
    let newest = seal(&process(&vault)).await;
    assert_eq!(
        open(&sealer, &newest).await.unwrap(),
        SECRET,
        "what another version wrapped opens all the same"
    );
}

#[tokio::test]
async fn what_was_tampered_with_does_not_open() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    let [format, version, key, payload] = parts(&text);
    let other = vault.rotate();
    let turned: String = key.chars().rev().collect();
    for (version, key) in
        [(other.as_str(), key), (version, turned.as_str()), (version, "AAAA"), (version, "")]
    {
        let tampered = format!("{format}.{version}.{key}.{payload}");
        assert!(matches!(open(&sealer, &tampered).await, Err(Error::CannotOpen)), "{tampered}");
    }
    assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
}

#[tokio::test]
async fn what_is_no_version_of_a_key_is_not_made_part_of_an_address() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    let [format, _, key, payload] = parts(&text);
    vault.reset_counts();
    for version in [
        "",
        "k3x7q2ma",
        "../../secrets/x",
        "0123456789abcdef0123456789abcdef/x?",
        "0123456789ABCDEF0123456789ABCDEF",
    ] {
        let foreign = format!("{format}.{version}.{key}.{payload}");
        assert!(matches!(open(&sealer, &foreign).await, Err(Error::CannotOpen)), "{version}");
    }
    assert_eq!(vault.counts(), Counts::default());
}

#[tokio::test]
async fn a_version_that_is_gone_is_no_loss_but_something_to_recover() {
    let vault = stand_in().await;
    let sealer = process_with(&vault, CallLimits { keep: Duration::ZERO, ..limits() });
    let text = seal(&sealer).await;
    vault.delete(true);
    for words in [
        unavailable(open(&sealer, &text).await),
        unavailable(sealer.seal(PLACE, &SECRET.into()).await),
    ] {
        assert!(words.contains("recover it"), "{words}");
    }
    vault.delete(false);
    assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_vault_that_goes_away_in_the_middle_loses_nothing() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let (known, unknown) = (seal(&sealer).await, seal(&sealer).await);
    open(&sealer, &known).await.unwrap();
    for fault in [
        Fault::Cut,
        Fault::Unavailable,
        Fault::Page,
        Fault::Proxy,
        Fault::OtherKey,
        Fault::Throttled(None),
        Fault::Late(Duration::from_secs(30)),
    ] {
        vault.all(Some(fault.clone()));
        let began = Instant::now();
        assert_eq!(open(&sealer, &known).await.unwrap(), SECRET, "what is in memory still opens");
        unavailable(open(&sealer, &unknown).await);
        assert!(began.elapsed() < Duration::from_secs(6), "{fault:?} took {:?}", began.elapsed());
        if fault != Fault::Late(Duration::from_secs(30)) {
            unavailable(sealer.seal(PLACE, &SECRET.into()).await);
        }
        unavailable(sealer.wrapping_key().check().await);
        vault.all(None);
    }
    assert_eq!(open(&sealer, &unknown).await.unwrap(), SECRET, "and once it is back, all opens");
    assert_eq!(vault.counts().bodies_before_sign_in, 0);
}

#[tokio::test]
async fn a_short_trouble_is_not_even_noticed() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    vault.reset_counts();
    vault.next(Fault::Unavailable);
    vault.next(Fault::Throttled(Some(1)));
    let began = Instant::now();
    assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
    assert!(began.elapsed() >= Duration::from_secs(1), "it waited as long as the response said");
    assert_eq!(vault.counts().unwraps, 3);
}

#[tokio::test]
async fn trouble_at_the_very_first_call_is_borne_too() {
    let vault = stand_in().await;
    vault.next(Fault::Cut);
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
    assert_eq!(
        (vault.counts().wrong, vault.counts().bodies_before_sign_in),
        (0, 0),
        "no call went without its body"
    );
}

#[tokio::test]
async fn a_vault_that_throttles_is_left_alone_for_as_long_as_it_asks() {
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    vault.reset_counts();
    vault.next(Fault::Throttled(Some(2)));
    let began = Instant::now();
    for _ in 0..10 {
        let words = unavailable(open(&sealer, &text).await);
        assert!(words.contains("overloaded"), "{words}");
        unavailable(sealer.seal(PLACE, &SECRET.into()).await);
    }
    assert!(began.elapsed() < Duration::from_secs(1), "no caller waits for it");
    assert_eq!(vault.counts().calls(), 1, "and no request is made");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(open(&sealer, &text).await.unwrap(), SECRET);
}

#[tokio::test]
async fn an_operator_learns_what_is_wrong() {
    let vault = stand_in().await;
    vault.allow(false);
    let words = unavailable(process(&vault).seal(PLACE, &SECRET.into()).await);
    assert!(words.contains("Key Vault Crypto Service Encryption User"), "{words}");
    vault.allow(true);
    vault.all(Some(Fault::Cut));
    let sealer = process(&vault);
    assert!(unavailable(sealer.wrapping_key().check().await).contains("connection"));
}

#[tokio::test]
async fn health_is_cheap_and_true() {
    let vault = stand_in().await;
    let sealer = process_with(
        &vault,
        CallLimits {
            trust: Duration::from_millis(300),
            rest: Duration::from_millis(300),
            ..limits()
        },
    );
    let key = sealer.wrapping_key();
    let all = futures::future::join_all((0..10).map(|_| key.check())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(vault.counts().calls(), 2, "one look for all: it wraps, and it unwraps");
    tokio::time::sleep(Duration::from_millis(350)).await;
    vault.allow(false);
    vault.reset_counts();
    for _ in 0..10 {
        assert!(unavailable(key.check().await).contains("denies access"));
    }
    assert_eq!(vault.counts().calls(), 1, "a failure is remembered, for a shorter while");
    tokio::time::sleep(Duration::from_millis(350)).await;
    vault.allow(true);
    key.check().await.unwrap();
    let text = seal(&sealer).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    open(&sealer, &text).await.unwrap();
    vault.reset_counts();
    key.check().await.unwrap();
    assert_eq!(vault.counts().calls(), 0, "work that went well is health enough");
}

#[tokio::test]
async fn health_is_not_taken_from_memory_when_work_fails() {
    let vault = stand_in().await;
    let sealer = process_with(&vault, CallLimits { rest: Duration::from_secs(5), ..limits() });
    let text = seal(&sealer).await;
    sealer.wrapping_key().check().await.unwrap();
    vault.allow(false);
    unavailable(open(&sealer, &text).await);
    unavailable(sealer.wrapping_key().check().await);
}

#[tokio::test]
async fn hash_keys_are_the_same_for_all_processes_whatever_is_rotated() {
    let vault = stand_in().await;
    let row = Arc::new(MemoryRow::default());
    let process = || Envelope::with_root_row(wrapping_key(&vault, limits()), row.clone());
    let (one, two) = (process(), process());
    let (a, b) = tokio::join!(one.hash_key("marks"), two.hash_key("marks"));
    let key = a.unwrap();
    assert_eq!(key, b.unwrap(), "who came second took what the first had written");
    let version = vault.rotate();
    assert_eq!(process().hash_key("marks").await.unwrap(), key);
    assert_eq!(parts(row.0.lock().unwrap().as_ref().unwrap())[1], version, "wrapped again");
    assert_eq!(process().hash_key("marks").await.unwrap(), key);
}

#[tokio::test]
async fn where_the_vault_is_away_at_the_start_no_root_is_made_and_none_is_replaced() {
    let vault = stand_in().await;
    let row = Arc::new(MemoryRow::default());
    let sealer = Envelope::with_root_row(wrapping_key(&vault, limits()), row.clone());
    vault.all(Some(Fault::Unavailable));
    unavailable(sealer.hash_key("marks").await);
    assert_eq!(*row.0.lock().unwrap(), None);
    vault.all(None);
    let key = sealer.hash_key("marks").await.unwrap();
    let written = row.0.lock().unwrap().clone();
    vault.all(Some(Fault::Unavailable));
    let again = Envelope::with_root_row(wrapping_key(&vault, limits()), row.clone());
    unavailable(again.hash_key("marks").await);
    vault.all(None);
    assert_eq!(again.hash_key("marks").await.unwrap(), key);
    assert_eq!(*row.0.lock().unwrap(), written);
}

/// What is logged in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no holder panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_secret_is_in_any_log_error_or_debug() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let vault = stand_in().await;
    let sealer = process(&vault);
    let text = seal(&sealer).await;
    open(&sealer, &text).await.unwrap();
    let root = sealer.hash_key("marks").await.unwrap();
    let mut seen = String::new();
    for fault in [Fault::Unavailable, Fault::Proxy, Fault::OtherKey, Fault::Page] {
        vault.all(Some(fault));
        let error = open(&sealer, &seal_elsewhere(&text)).await.unwrap_err();
        seen += &format!("{error} {error:?} ");
    }
    seen += &format!("{sealer:?} {:?} {:?}", sealer.wrapping_key(), limits());
    drop(guard);
    seen += &String::from_utf8_lossy(&log.0.lock().unwrap());
    assert!(seen.contains("calrelay-test.vault.azure.net"), "the log was listened to");
    assert!(!vault.tokens().is_empty());
    let key = parts(&text)[2];
    for secret in vault.tokens().iter().map(String::as_str).chain([SECRET, key, &hex(&root[..])]) {
        assert!(!seen.contains(secret), "{secret} was seen");
    }
}

/// Another wrapped key than any in memory.
fn seal_elsewhere(text: &str) -> String {
    let [format, version, key, payload] = parts(text);
    format!("{format}.{version}.{}.{payload}", key.chars().rev().collect::<String>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
