//! Which store, which vault, which providers: what the settings choose, put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jobs::Services;
use jobs::doctor::{Finding, Setup, WrappingKey};
use jobs::report::Problem;
use store::{Store, Table};
use vault::{Envelope, KEY_FILE, Local, Vault};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::connect::Connector;
use crate::key_vault;
use crate::lazy::{Lazy, VaultSource};
use crate::storage::{Choice, Storage};

/// Whose directory it is in single-user mode.
const OWNER: &str = "local";

/// Everything that a command works with, and the storage in it. `findings` is what there is to say
/// of the settings.
///
/// # Errors
/// Where storage or the vault cannot be used.
pub async fn build(
    config: &Config,
    findings: Vec<Finding>,
) -> Result<(Services, Storage), Problem> {
    // Storage first: where it was written by a newer program, nothing else may be made beside it.
    let storage = Storage::open(config).map_err(jobs::Error::from)?;
    let vault = open_vault(config, storage.store()).await?;
    Ok((join(config, &storage, vault, key(config), findings)?, storage))
}

/// The same for a service, which has to listen whoever is away: storage in Azure is asked nothing,
/// and what the vault needs to know of it is looked up when the vault is first used. Storage in a
/// file is at hand, and so are the clear words where its key is not the right one.
///
/// # Errors
/// Where storage in a file or its vault cannot be used, or the settings of storage in Azure.
pub async fn build_to_serve(
    config: &Config,
    findings: Vec<Finding>,
) -> Result<(Services, Storage), Problem> {
    if config.storage == Choice::Embedded {
        return build(config, findings).await;
    }
    let storage = Storage::open(config).map_err(jobs::Error::from)?;
    let source = KeySource::new(config, storage.store());
    let key = if config.key_vault.is_some() { WrappingKey::KeyVault } else { WrappingKey::File };
    Ok((join(config, &storage, Arc::new(Lazy::new(source)), key, findings)?, storage))
}

/// The vault with its key in Key Vault, where the settings name one, or else in the data directory;
/// that one is made on first use, and never where there is something that a new key would not open.
///
/// # Errors
/// Where there is; or where storage fails.
pub async fn open_vault(config: &Config, store: Arc<dyn Store>) -> jobs::Result<Arc<dyn Vault>> {
    KeySource::new(config, store).checked().await
}

/// A vault whose key has not been held against what is stored.
struct KeySource {
    data_dir: PathBuf,
    store: Arc<dyn Store>,
    key_vault: Option<Arc<dyn Vault>>,
}

impl KeySource {
    fn new(config: &Config, store: Arc<dyn Store>) -> Self {
        let key_vault =
            config.key_vault.as_ref().map(|wrapping| key_vault::open(wrapping, store.clone()));
        Self { data_dir: config.data_dir.clone(), store, key_vault }
    }

    async fn checked(&self) -> jobs::Result<Arc<dyn Vault>> {
        if let Some(vault) = &self.key_vault {
            key_vault::check(&*self.store, OWNER).await?;
            return Ok(vault.clone());
        }
        check_key_file(&self.data_dir, &*self.store).await?;
        Ok(Arc::new(Envelope::local(&self.data_dir)?))
    }
}

#[async_trait]
impl VaultSource for KeySource {
    async fn open(&self) -> vault::Result<Arc<dyn Vault>> {
        self.checked().await.map_err(|error| match error {
            jobs::Error::Vault(error) => error,
            error => vault::Error::Row(error.to_string()),
        })
    }

    async fn probe(&self) -> vault::Result<()> {
        match &self.key_vault {
            Some(vault) => vault.check().await,
            None if Local::exists(&self.data_dir) => Envelope::local(&self.data_dir)?.check().await,
            // Whether it may be made is for storage to say.
            None => Ok(()),
        }
    }
}

/// That a key in the data directory is the right one to use, or to make: nothing is stored that
/// another one has sealed.
///
/// # Errors
/// Where it is not; or where storage fails.
pub async fn check_key_file(data_dir: &Path, store: &dyn Store) -> jobs::Result<()> {
    key_vault::refuse_if_used(store).await?;
    if !Local::exists(data_dir) && !store.scan(Table::Secrets, OWNER, "", None, 1).await?.is_empty()
    {
        let file = data_dir.join(KEY_FILE);
        let words = format!(
            "the key file {} is gone, and passwords are stored that only it opens; no new one was \
            made. Put it back from a backup",
            file.display()
        );
        return Err(vault::Error::KeyFile(words).into());
    }
    Ok(())
}

/// Where the wrapping key is.
pub fn key(config: &Config) -> WrappingKey {
    match config.key_vault {
        Some(_) => WrappingKey::KeyVault,
        None if Local::exists(&config.data_dir) => WrappingKey::File,
        None => WrappingKey::NotMade,
    }
}

/// Store, vault and providers together.
pub fn join(
    config: &Config,
    storage: &Storage,
    vault: Arc<dyn Vault>,
    key: WrappingKey,
    findings: Vec<Finding>,
) -> jobs::Result<Services> {
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
            key,
            public_url: config.public_url.clone(),
        }),
        pace: Arc::default(),
    })
}
