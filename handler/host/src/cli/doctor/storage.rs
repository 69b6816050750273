//! Storage: does it open, and is it whole?

use super::Finding;
use crate::config::Config;
use crate::storage::{Choice, Storage};

const CHECK: &str = "storage";

/// Opens it.
pub fn open(config: &Config) -> Result<Storage, Finding> {
    Storage::open(config).map_err(|error| {
        let fix = match config.storage {
            Choice::Embedded => {
                "See data_dir above; if the file is damaged, restore the data \
            directory from a backup."
            }
            Choice::Azure(_) => "Check AzureWebJobsStorage, or sign in with `az login`.",
        };
        Finding::from_error(CHECK, &error.into(), fix)
    })
}

/// Looks at a file for damage. Whether storage can be read and written is looked at for every kind
/// alike.
pub async fn finding(storage: &Storage) -> Option<Finding> {
    let Storage::Embedded(store) = storage else { return None };
    Some(match store.check().await {
        Ok(()) => Finding::good(
            CHECK,
            "Storage opens, has the schema of this version, and shows no damage.",
        ),
        Err(error) => Finding::from_error(
            CHECK,
            &error.into(),
            "Stop every calrelay, keep a copy of the data directory, and restore it from a backup.",
        ),
    })
}
