//! The root in a row: which process creates it, which finds it, and what stays unchanged.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::{Envelope, LocalKey, Vault};

/// A row in memory.
#[derive(Default)]
struct Row {
    text: Mutex<Option<String>>,
    /// What another process writes between the read and the insert.
    sooner: Mutex<Option<String>>,
    reads: AtomicU32,
}

#[async_trait]
impl RootRow for Row {
    fn context(&self) -> SealContext<'_> {
        SealContext { table: "secrets", partition: "vault", row: "root" }
    }

    async fn read(&self) -> Result<Option<String>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(self.text.lock().unwrap().clone())
    }

    async fn insert(&self, text: &str) -> Result<bool> {
        let mut row = self.text.lock().unwrap();
        if let Some(sooner) = self.sooner.lock().unwrap().take() {
            *row = Some(sooner);
        }
        let first = row.is_none();
        row.get_or_insert_with(|| text.to_owned());
        Ok(first)
    }

    async fn replace(&self, old: &str, new: &str) -> Result<bool> {
        let mut row = self.text.lock().unwrap();
        let same = row.as_deref() == Some(old);
        if same {
            *row = Some(new.to_owned());
        }
        Ok(same)
    }
}

/// A process on this row, with the key in this directory.
fn process(dir: &tempfile::TempDir, row: &Arc<Row>) -> Envelope<LocalKey> {
    Envelope::with_root_row(LocalKey::open(dir.path()).unwrap(), row.clone())
}

async fn hash_key(vault: &Envelope<LocalKey>) -> [u8; 32] {
    *vault.hash_key("marks").await.unwrap()
}

fn text(row: &Row) -> Option<String> {
    row.text.lock().unwrap().clone()
}

#[tokio::test]
async fn it_is_made_once_and_found_again() {
    let (dir, row) = (tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    let vault = process(&dir, &row);
    assert_eq!(
        (text(&row), row.reads.load(Ordering::SeqCst)),
        (None, 0),
        "not before it is needed"
    );
    let key = hash_key(&vault).await;
    let written = text(&row).unwrap();
    assert_eq!(hash_key(&vault).await, key);
    assert_eq!(row.reads.load(Ordering::SeqCst), 1, "asked once a process");
    assert_eq!(hash_key(&process(&dir, &row)).await, key);
    assert_eq!(text(&row).unwrap(), written);
}

#[tokio::test]
async fn who_comes_second_takes_what_the_first_wrote() {
    let (dir, first) = (tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    let key = hash_key(&process(&dir, &first)).await;
    let row = Arc::new(Row { sooner: Mutex::new(text(&first)), ..Row::default() });
    assert_eq!(hash_key(&process(&dir, &row)).await, key);
    assert_eq!(text(&row), text(&first));
}

#[tokio::test]
async fn a_row_that_does_not_open_is_left_as_it_is() {
    let (dir, other, row) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    hash_key(&process(&dir, &row)).await;
    let written = text(&row);
    let failed = process(&other, &row).hash_key("marks").await;
    assert!(matches!(failed, Err(Error::Row(_))), "not a matter of any account's: {failed:?}");
    assert_eq!(text(&row), written);
    for bad in ["", "v1.x.y.z", "v2"] {
        *row.text.lock().unwrap() = Some(bad.into());
        assert!(matches!(process(&dir, &row).hash_key("marks").await, Err(Error::Row(_))));
        assert_eq!(text(&row).as_deref(), Some(bad));
    }
}

#[tokio::test]
async fn the_secret_of_another_row_is_no_root() {
    let (dir, row) = (tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    let vault = process(&dir, &row);
    let elsewhere = SealContext { row: "a1", ..row.context() };
    let planted = vault.seal(elsewhere, &BASE64URL_NOPAD.encode(&[7; 32]).into()).await.unwrap();
    *row.text.lock().unwrap() = Some(planted);
    assert!(matches!(vault.hash_key("marks").await, Err(Error::Row(_))));
    let short = vault.seal(row.context(), &BASE64URL_NOPAD.encode(&[7; 31]).into()).await.unwrap();
    *row.text.lock().unwrap() = Some(short);
    assert!(matches!(vault.hash_key("marks").await, Err(Error::Row(_))));
}

#[tokio::test]
async fn after_a_rotation_the_next_process_wraps_it_anew() {
    let (dir, row) = (tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    let key = hash_key(&process(&dir, &row)).await;
    let old = text(&row).unwrap();
    let version = LocalKey::open(dir.path()).unwrap().rotate().unwrap();
    assert_eq!(hash_key(&process(&dir, &row)).await, key);
    let new = text(&row).unwrap();
    assert!(new != old && new.starts_with(&format!("v1.{version}.")));
    assert_eq!(hash_key(&process(&dir, &row)).await, key);
    assert_eq!(text(&row).unwrap(), new, "once");
}

#[tokio::test]
async fn it_is_wrapped_anew_when_that_is_asked_for() {
    let (dir, row) = (tempfile::tempdir().unwrap(), Arc::new(Row::default()));
    let vault = process(&dir, &row);
    assert_eq!((vault.reseal_own().await.unwrap(), text(&row)), (0, None), "none is made for it");
    let key = hash_key(&vault).await;
    let old = text(&row).unwrap();
    assert_eq!(vault.reseal_own().await.unwrap(), 0);
    let version = vault.rotate().await.unwrap();
    assert_eq!((vault.reseal_own().await.unwrap(), vault.reseal_own().await.unwrap()), (1, 0));
    let new = text(&row).unwrap();
    assert_eq!(crate::version_of(&new).unwrap(), version);
    assert_ne!(crate::version_of(&old).unwrap(), version);
    assert_eq!(hash_key(&process(&dir, &row)).await, key);
    *row.text.lock().unwrap() = Some(old.replace(&crate::version_of(&old).unwrap(), "unknown"));
    assert!(
        matches!(vault.reseal_own().await, Err(Error::Row(_))),
        "one that does not open is left"
    );
    assert!(text(&row).unwrap().contains("unknown"));
}
