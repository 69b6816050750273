//! Which store, which vault, which providers: what the settings choose, put together.

use std::sync::Arc;

use jobs::Services;
use jobs::doctor::{Finding, Key, Setup};
use jobs::report::Problem;
use store::{Store, Table};
use vault::{Envelope, KEY_FILE, Local, Vault};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::connect::Connector;
use crate::key_vault;
use crate::storage::{Choice, Storage};

/// Whose directory it is in single-user mode.
const OWNER: &str = "local";

/// Everything that a command or a function works with, and the storage in it. `findings` is what there is to say of the settings.
pub async fn build(config: &Config, findings: Vec<Finding>) -> Result<(Services, Storage), Problem> {
    // Storage first: where it was written by a newer program, nothing else may be made beside it.
    let storage = Storage::open(config).map_err(jobs::Error::from)?;
    let vault = open_vault(config, storage.store()).await?;
    Ok((join(config, &storage, vault, findings)?, storage))
}

/// The vault with its key in Key Vault, where the settings name one, or else in the data directory; that one is made on first use, and never
/// where there is something that a new key would not open.
pub async fn open_vault(config: &Config, store: Arc<dyn Store>) -> jobs::Result<Arc<dyn Vault>> {
    if let Some(wrapping) = &config.key_vault {
        return key_vault::open(wrapping, store, OWNER).await;
    }
    check_key_file(config, &*store).await?;
    Ok(Arc::new(Envelope::local(&config.data_dir)?))
}

/// That a key in the data directory is the right one to use, or to make: nothing is stored that another one has sealed.
///
/// # Errors
/// Where it is not; or where storage fails.
pub async fn check_key_file(config: &Config, store: &dyn Store) -> jobs::Result<()> {
    key_vault::refuse_if_used(store).await?;
    if !Local::exists(&config.data_dir) && !store.scan(Table::Secrets, OWNER, "", None, 1).await?.is_empty() {
        let file = config.data_dir.join(KEY_FILE);
        let words = format!(
            "the key file {} is gone, and passwords are stored that only it opens; no new one was made. Put it back from a backup",
            file.display()
        );
        return Err(vault::Error::KeyFile(words).into());
    }
    Ok(())
}

/// Where the wrapping key is.
pub fn key(config: &Config) -> Key {
    match config.key_vault {
        Some(_) => Key::KeyVault,
        None if Local::exists(&config.data_dir) => Key::File,
        None => Key::NotMade,
    }
}

/// Store, vault and providers together.
pub fn join(config: &Config, storage: &Storage, vault: Arc<dyn Vault>, findings: Vec<Finding>) -> jobs::Result<Services> {
    Ok(Services {
        store: storage.store(),
        queue: storage.queue(),
        leases: storage.leases(),
        vault,
        connect: Arc::new(Connector::new(config)?),
        clock: Arc::new(SystemClock),
        owner: OWNER.to_owned(),
        setup: Arc::new(Setup {
            findings,
            azure_storage: matches!(config.storage, Choice::Azure(_)),
            key: key(config),
            public_url: config.public_url.clone(),
        }),
        pace: Arc::default(),
    })
}
