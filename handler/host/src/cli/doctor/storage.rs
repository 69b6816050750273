//! Checks that storage opens and is intact.

use jobs::Finding;

use crate::config::Config;
use crate::config::storage::StorageSettings;
use crate::storage::Storage;

const CHECK: &str = "storage";

/// Opens storage.
pub fn open(config: &Config) -> Result<Storage, Finding> {
    Storage::open(config).map_err(|error| {
        let fix = match config.storage {
            StorageSettings::Embedded => {
                "See data_dir above; if the file is damaged, restore the data \
            directory from a backup."
            }
            StorageSettings::Azure(_) => "Check AzureWebJobsStorage, or sign in with `az login`.",
        };
        jobs::doctor::failed_check(CHECK, &error.into(), fix)
    })
}

/// Checks the file of embedded storage for damage. `jobs` checks for every kind of storage whether
/// it can be read and written.
pub async fn finding(storage: &Storage) -> Option<Finding> {
    let Storage::Embedded(store) = storage else { return None };
    Some(match store.check().await {
        Ok(()) => Finding::good(
            CHECK,
            "Storage opens, has the schema of this version, and shows no damage.",
        ),
        Err(error) => jobs::doctor::failed_check(
            CHECK,
            &error.into(),
            "Stop every calrelay, keep a copy of the data directory, and restore it from a backup.",
        ),
    })
}
