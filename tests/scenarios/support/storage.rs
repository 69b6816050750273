//! The storage that a story runs on: embedded, or an account of Azurite where
//! `CALRELAY_TEST_STORE=azurite` says so. A story does not know which.

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

/// The switch of the tests.
const SWITCH: &str = "CALRELAY_TEST_STORE";

/// Which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Azurite,
}

impl Kind {
    /// What is written before a command so that it runs on this one.
    pub fn switch(self) -> &'static str {
        match self {
            Self::Embedded => "",
            Self::Azurite => "CALRELAY_TEST_STORE=azurite ",
        }
    }
}

/// What the switch says; embedded where it says nothing.
#[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the product")]
pub fn kind() -> anyhow::Result<Kind> {
    match std::env::var(SWITCH).as_deref() {
        Err(_) | Ok("" | "embedded") => Ok(Kind::Embedded),
        Ok("azurite") => Ok(Kind::Azurite),
        Ok(_) => bail!("{SWITCH} is embedded or azurite"),
    }
}

/// A place for what one service keeps. No other story sees anything of it.
pub struct Place {
    /// Of embedded storage and of the vault.
    directory: TempDir,
    account: Option<Account>,
}

/// A place, opened by one process.
#[derive(Clone)]
pub enum Opened {
    Embedded(Arc<Embedded>),
    Azure(Arc<Azure>),
}

impl Place {
    /// An empty one.
    pub async fn new() -> anyhow::Result<Self> {
        Ok(Self { directory: directory()?, account: account().await? })
    }

    /// The data directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Opens it, as a process does that starts.
    pub fn open(&self, clock: Arc<impl Clock + 'static>) -> anyhow::Result<Opened> {
        Ok(match &self.account {
            None => Opened::Embedded(Arc::new(Embedded::open(self.path(), move || clock.now())?)),
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

    /// Waits until the leases that were dropped have ended, as the program does before it exits.
    /// What was held without a lease in anybody's hand stays held until its term is over: whoever
    /// wants it next has to wait, as after a process that was killed.
    pub async fn settle(&self) {
        if let Self::Azure(store) = self {
            store.settle().await;
        }
    }
}

/// The same for the program, which is told by its settings: an account that is taken when it is
/// first started.
#[derive(Default)]
pub struct OfProgram(OnceCell<Option<Account>>);

impl OfProgram {
    /// Its settings, none where it is embedded storage in the data directory.
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

    /// Opens it in this process, between two commands of the program whose data directory this is.
    /// Only for rows: its clock stands still.
    pub async fn open(&self, data: &Path) -> anyhow::Result<Opened> {
        Ok(match self.account().await? {
            None => Opened::Embedded(Arc::new(Embedded::open(data, || Timestamp::UNIX_EPOCH)?)),
            Some(account) => Opened::azure(account)?,
        })
    }

    /// The account; none where it is embedded storage.
    pub async fn account(&self) -> anyhow::Result<Option<&Account>> {
        Ok(self.0.get_or_try_init(account).await?.as_ref())
    }
}

/// Whether a story has to be left out because it is about the files of embedded storage. Says why.
pub fn leaves_out(why: &str) -> anyhow::Result<bool> {
    let out = kind()? != Kind::Embedded;
    if out {
        println!("not told on Azurite: {why}");
    }
    Ok(out)
}

async fn account() -> anyhow::Result<Option<Account>> {
    Ok(match kind()? {
        Kind::Embedded => None,
        Kind::Azurite => Some(Account::take().await?),
    })
}

/// In memory where the system has such a place: a thousand worlds should not wear out a disk.
fn directory() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}
