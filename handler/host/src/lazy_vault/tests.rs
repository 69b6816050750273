//! Concurrent callers share one attempt, and failures are not stored.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::sync::Semaphore;
use vault::{Envelope, Error};

use super::*;

const PLACE: SealContext<'static> = SealContext { table: "secrets", partition: "local", row: "a1" };

/// A key file that opens when the test allows it.
struct GatedSource {
    dir: tempfile::TempDir,
    away: AtomicBool,
    opened: AtomicUsize,
    gate: Semaphore,
}

#[async_trait]
impl VaultSource for Arc<GatedSource> {
    async fn open(&self) -> Result<Arc<dyn Vault>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let _through = self.gate.acquire().await.unwrap();
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::Row("storage is away".into()));
        }
        Ok(Arc::new(Envelope::local(self.dir.path())?))
    }

    async fn probe(&self) -> Result<()> {
        Ok(())
    }
}

fn gated(away: bool, gate: usize) -> (Arc<GatedSource>, LazyVault<Arc<GatedSource>>) {
    let dir = tempfile::tempdir().unwrap();
    let source = Arc::new(GatedSource {
        dir,
        away: AtomicBool::new(away),
        opened: AtomicUsize::new(0),
        gate: Semaphore::new(gate),
    });
    (source.clone(), LazyVault::new(source))
}

fn is_empty(source: &GatedSource) -> bool {
    std::fs::read_dir(source.dir.path()).unwrap().next().is_none()
}

#[tokio::test]
async fn a_failure_is_returned_once_and_success_is_stored() {
    let (source, vault) = gated(true, 1);
    assert!(vault.check().await.is_ok(), "its key is not at fault");
    for tries in 1..=2 {
        assert!(
            matches!(vault.hash_key("x").await, Err(Error::Row(words)) if words == "storage is \
            away")
        );
        assert_eq!(source.opened.load(Ordering::SeqCst), tries);
    }
    assert!(vault.seal(PLACE, &"s3cret".to_owned().into()).await.is_err());
    assert!(is_empty(&source), "no key is made before it was seen that one may be");
    source.away.store(false, Ordering::SeqCst);
    let sealed = vault.seal(PLACE, &"s3cret".to_owned().into()).await.unwrap();
    source.away.store(true, Ordering::SeqCst);
    assert!(vault.open(PLACE, &sealed).await.is_ok() && vault.check().await.is_ok());
    assert_eq!(vault.reseal(PLACE, &sealed).await.unwrap(), None);
    assert_eq!(source.opened.load(Ordering::SeqCst), 4, "it is looked up no more");
}

#[tokio::test]
async fn all_who_come_meanwhile_share_one_attempt_whatever_becomes_of_it() {
    for away in [false, true] {
        let (source, vault) = gated(away, 0);
        let all = async {
            let release = async {
                tokio::task::yield_now().await;
                source.gate.add_permits(1);
            };
            tokio::join!(join_all((0..20).map(|_| vault.hash_key("x"))), release).0
        };
        let keys = all.await;
        assert!(keys.iter().all(|key| key.is_err() == away));
        assert_eq!(source.opened.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_cancelled_caller_neither_ends_nor_leaks_the_attempt() {
    let (source, vault) = gated(false, 0);
    let mut first = Box::pin(vault.hash_key("x"));
    let mut second = Box::pin(vault.hash_key("x"));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
    drop(first);
    assert!(futures::poll!(&mut second).is_pending());
    assert_eq!(source.opened.load(Ordering::SeqCst), 1, "the second goes on with it");
    drop(second);
    source.gate.add_permits(1);
    assert!(is_empty(&source));
    assert!(vault.hash_key("x").await.is_ok());
    assert_eq!(source.opened.load(Ordering::SeqCst), 2);
}
