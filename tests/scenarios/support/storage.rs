//! The storage of a scenario: embedded, or an account of Azurite where `CALRELAY_TEST_STORE=azurite`
//! says so. The scenario does not depend on which.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use jiff::Timestamp;
use jobs::Clock;
use simulators::azurite::Account;
use store::azure::{AccountSettings, Azure};
use store::{Embedded, Leases, Queue, Store};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The setting that chooses the storage.
const SWITCH: &str = "CALRELAY_TEST_STORE";

/// The storage of the scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Azurite,
}

impl Kind {
    /// What precedes a command that repeats a scenario on this storage.
    pub fn switch(self) -> &'static str {
        match self {
            Self::Embedded => "",
            Self::Azurite => "CALRELAY_TEST_STORE=azurite ",
        }
    }
}

/// The chosen storage; embedded by default.
#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not a setting of the product"
)]
pub fn kind() -> anyhow::Result<Kind> {
    match std::env::var(SWITCH).as_deref() {
        Err(_) | Ok("" | "embedded") => Ok(Kind::Embedded),
        Ok("azurite") => Ok(Kind::Azurite),
        Ok(_) => bail!("{SWITCH} is embedded or azurite"),
    }
}

/// The storage of one installation, apart from all others.
pub struct TestStorage {
    /// The data directory: embedded storage and the vault's key.
    directory: TempDir,
    account: Option<Account>,
}

/// Storage as one process has opened it.
#[derive(Clone)]
pub enum Opened {
    Embedded(Arc<Embedded>),
    Azure(Arc<Azure>),
}

impl TestStorage {
    /// Empty storage of the chosen kind.
    pub async fn new() -> anyhow::Result<Self> {
        Ok(Self { directory: directory()?, account: account().await? })
    }

    /// Empty embedded storage, for scenarios whose clock the emulator cannot follow.
    pub fn embedded() -> anyhow::Result<Self> {
        Ok(Self { directory: directory()?, account: None })
    }

    /// The data directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Opens the storage, as a process does when it starts.
    pub fn open(&self, clock: &(impl Clock + Clone + 'static)) -> anyhow::Result<Opened> {
        Ok(match &self.account {
            None => {
                let clock = clock.clone();
                Opened::Embedded(Arc::new(Embedded::open(self.path(), move || clock.now())?))
            }
            Some(account) => Opened::azure(account)?,
        })
    }
}

impl Opened {
    fn azure(account: &Account) -> anyhow::Result<Self> {
        Ok(Self::Azure(Arc::new(Azure::connect(&AccountSettings::from_connection_string(
            &account.connection_string(),
        )?)?)))
    }

    /// Rows.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// Messages.
    pub fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// Leases.
    pub fn leases(&self) -> Arc<dyn Leases> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// Waits until dropped leases have ended, as the program does before it exits. A lease whose
    /// holder was never returned lasts until its term is over, as after a process that was killed.
    pub async fn settle(&self) {
        if let Self::Azure(store) = self {
            store.settle().await;
        }
    }
}

/// The storage of the real program, which its settings name. An account of Azurite is taken when the
/// program is first started.
#[derive(Default)]
pub struct ProgramStorage(OnceCell<Option<Account>>);

impl ProgramStorage {
    /// The settings that name the storage; none for embedded storage in the data directory.
    pub async fn settings(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let account = self.account().await?;
        let settings = account.iter().map(|account| {
            [
                ("CALRELAY_STORE", "azure".to_owned()),
                ("AzureWebJobsStorage", account.connection_string()),
            ]
        });
        Ok(settings.flatten().collect())
    }

    /// Opens the storage in this process, between two commands of the program that owns the data
    /// directory. Only for rows: the clock does not move.
    pub async fn open(&self, data: &Path) -> anyhow::Result<Opened> {
        Ok(match self.account().await? {
            None => Opened::Embedded(Arc::new(Embedded::open(data, || Timestamp::UNIX_EPOCH)?)),
            Some(account) => Opened::azure(account)?,
        })
    }

    /// The account of Azurite; none for embedded storage.
    pub async fn account(&self) -> anyhow::Result<Option<&Account>> {
        Ok(self.0.get_or_try_init(account).await?.as_ref())
    }
}

/// Whether a scenario about the files of embedded storage has to be skipped; prints the reason.
pub fn skips(why: &str) -> anyhow::Result<bool> {
    let out = kind()? != Kind::Embedded;
    if out {
        println!("skipped on Azurite: {why}");
    }
    Ok(out)
}

async fn account() -> anyhow::Result<Option<Account>> {
    Ok(match kind()? {
        Kind::Embedded => None,
        Kind::Azurite => Some(Account::take().await?),
    })
}

/// A directory in memory where the system has such a place: the random model opens thousands.
fn directory() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}
