//! One emulator for many tests, and a storage account of its own for each.
//!
//! To start an emulator takes most of a second and 100 MiB; to have another account costs nothing, and nothing that is in one can be seen or locked
//! from another.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::Azurite;

/// Accounts of one emulator. Its search for a table takes longer the more there are, so then the next one is started.
const ACCOUNTS: usize = 1_000;

/// Of each of them. Any key will do: it listens on the loopback, and holds what tests make up.
const KEY: &str = "bm90IGEgc2VjcmV0";

/// A storage account that nobody else is given, empty. All of them stand in an emulator of this process; it ends with the process.
#[derive(Clone, Debug)]
pub struct Account {
    emulator: Arc<Azurite>,
    name: String,
}

/// The emulator that is not used up, and how many of its accounts were given out.
static SHARED: Mutex<Option<(Arc<Azurite>, usize)>> = Mutex::const_new(None);

impl Account {
    /// Takes the next one.
    ///
    /// # Errors
    /// As [`Azurite::start`].
    pub async fn take() -> anyhow::Result<Self> {
        let mut shared = SHARED.lock().await;
        let (emulator, number) = match &*shared {
            Some((emulator, given)) if *given < ACCOUNTS => (emulator.clone(), *given),
            _ => {
                let accounts: Vec<String> = (0..ACCOUNTS).map(|number| format!("{}:{KEY}", name(number))).collect();
                (Arc::new(Azurite::start_new(false, Some(accounts.join(";"))).await?), 0)
            }
        };
        *shared = Some((emulator.clone(), number + 1));
        Ok(Self { emulator, name: name(number) })
    }

    /// Its connection string, for `AzureWebJobsStorage`.
    pub fn connection_string(&self) -> String {
        self.emulator.connection_string_of(&self.name, KEY)
    }
}

fn name(number: usize) -> String {
    format!("calrelay{number:04}")
}
