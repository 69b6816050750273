//! Builds the services that the settings choose: store, vault, providers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jobs::Finding;
use jobs::Services;
use jobs::Setup;
use jobs::WrappingKeyPlace;
use records::problem::Problem;
use store::{Store, Table};
use vault::{Envelope, KEY_FILE, LocalKey, Vault};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::storage::StorageSettings;
use crate::key_vault;
use crate::lazy_vault::{LazyVault, VaultSource};
use crate::registry::ProviderRegistry;
use crate::storage::Storage;

/// The owner of everything in single-user mode.
const OWNER: &str = jobs::LOCAL_OWNER;

/// The services of a command, and their storage. `findings` are those about the settings.
///
/// # Errors
/// If storage or the vault cannot be used.
pub async fn build(
    config: &Config,
    findings: Vec<Finding>,
) -> Result<(Services, Storage), Problem> {
    // Storage first: if a newer program wrote it, nothing else may be created beside it.
    let storage = Storage::open(config).map_err(jobs::Error::from)?;
    let vault = open_vault(config, storage.store()).await?;
    Ok((assemble(config, &storage, vault, wrapping_key(config), findings)?, storage))
}

/// The services of a service process, which has to listen even if storage in Azure or the vault is
/// unreachable: no request is sent, and the first use of the vault checks its key. Storage in a
/// file, and its key, are checked at once.
///
/// # Errors
/// If storage in a file or its vault cannot be used, or the settings of storage in Azure.
pub async fn build_service(
    config: &Config,
    findings: Vec<Finding>,
) -> Result<(Services, Storage), Problem> {
    if config.storage == StorageSettings::Embedded {
        return build(config, findings).await;
    }
    let storage = Storage::open(config).map_err(jobs::Error::from)?;
    let source = KeySource::new(config, storage.store());
    let key = if config.key_vault.is_some() {
        WrappingKeyPlace::KeyVault
    } else {
        WrappingKeyPlace::File
    };
    Ok((assemble(config, &storage, Arc::new(LazyVault::new(source)), key, findings)?, storage))
}

/// The vault with its key in Key Vault, if the settings name one, or else in the data directory. A
/// key file is created on first use, unless secrets exist that a new key would not open.
///
/// # Errors
/// If such secrets exist; or if storage fails.
pub async fn open_vault(config: &Config, store: Arc<dyn Store>) -> jobs::Result<Arc<dyn Vault>> {
    KeySource::new(config, store).checked().await
}

/// A vault whose key was not yet compared with what is stored.
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
            key_vault::refuse_key_file(&*self.store, OWNER).await?;
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
            None if LocalKey::exists(&self.data_dir) => {
                Envelope::local(&self.data_dir)?.check().await
            }
            // Only storage shows whether a key may be created.
            None => Ok(()),
        }
    }
}

/// Checks that a key file can be used or created: nothing is stored that another key has sealed.
///
/// # Errors
/// If it cannot; or if storage fails.
pub async fn check_key_file(data_dir: &Path, store: &dyn Store) -> jobs::Result<()> {
    key_vault::refuse_key_vault(store).await?;
    if !LocalKey::exists(data_dir)
        && !store.scan(Table::Secrets, OWNER, "", None, 1).await?.is_empty()
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

/// The place of the wrapping key.
pub fn wrapping_key(config: &Config) -> WrappingKeyPlace {
    match config.key_vault {
        Some(_) => WrappingKeyPlace::KeyVault,
        None if LocalKey::exists(&config.data_dir) => WrappingKeyPlace::File,
        None => WrappingKeyPlace::NotMade,
    }
}

/// Puts the services together.
pub fn assemble(
    config: &Config,
    storage: &Storage,
    vault: Arc<dyn Vault>,
    key: WrappingKeyPlace,
    findings: Vec<Finding>,
) -> jobs::Result<Services> {
    Ok(Services {
        store: storage.store(),
        queue: storage.queue(),
        leases: storage.leases(),
        vault,
        connect: Arc::new(ProviderRegistry::new(config)?),
        clock: Arc::new(SystemClock),
        owners: jobs::Owners::default(),
        setup: Arc::new(Setup {
            findings,
            azure_storage: matches!(config.storage, StorageSettings::Azure(_)),
            key,
            public_url: config.public_url.clone(),
            icloud_url: config.icloud_url.to_string(),
            poll_seconds: config.poll.as_secs(),
        }),
        in_process: Arc::default(),
    })
}
