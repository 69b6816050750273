//! The storage that the settings choose, opened.

use std::sync::Arc;

use jobs::Clock;
use store::azure::Azure;
use store::{Embedded, Leases, Queue, Store};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::storage::StorageSettings;

/// Open storage.
#[derive(Clone)]
pub enum Storage {
    /// In the data directory.
    Embedded(Arc<Embedded>),
    /// In a storage account.
    Azure(Arc<Azure>),
}

impl Storage {
    /// Opens the storage of the settings. In Azure no request is sent yet.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(config: &Config) -> store::Result<Self> {
        match &config.storage {
            StorageSettings::Embedded => {
                Ok(Self::Embedded(Arc::new(Embedded::open(&config.data_dir, || {
                    SystemClock.now()
                })?)))
            }
            StorageSettings::Azure(settings) => {
                Ok(Self::Azure(Arc::new(Azure::connect(settings)?)))
            }
        }
    }

    /// The rows.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// The messages.
    pub fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn Leases> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Azure(store) => store.clone(),
        }
    }

    /// Waits until this process has put a message that is visible at once. Messages of other
    /// processes do not wake the caller: use a time-out.
    pub async fn arrived(&self) {
        match self {
            Self::Embedded(store) => store.arrived().await,
            Self::Azure(store) => store.arrived().await,
        }
    }

    /// Ends leases before the process ends, so that no other process waits for their term.
    pub async fn settle(&self) {
        if let Self::Azure(store) = self {
            store.settle().await;
        }
    }
}
