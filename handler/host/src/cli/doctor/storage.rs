//! Storage: does it open, or answer, and is it whole?

use jobs::{Error, nudge};
use store::Table;

use super::Finding;
use crate::config::Config;
use crate::storage::{Choice, Storage};

const CHECK: &str = "storage";

/// Opens it.
pub fn open(config: &Config) -> Result<Storage, Finding> {
    Storage::open(config).map_err(|error| {
        let fix = match config.storage {
            Choice::Embedded => "See data_dir above; if the file is damaged, restore the data directory from a backup.",
            Choice::Azure(_) => "Check AzureWebJobsStorage, or sign in with `az login`.",
        };
        Finding::from_error(CHECK, &error.into(), fix)
    })
}

/// Looks at it: a file for damage, a storage account for an answer of both its services.
pub async fn finding(storage: &Storage) -> Finding {
    match storage {
        Storage::Embedded(store) => match store.check().await {
            Ok(()) => Finding::good(CHECK, "Storage opens, has the schema of this version, and shows no damage."),
            Err(error) => Finding::from_error(
                CHECK,
                &error.into(),
                "Stop every calrelay, keep a copy of the data directory, and restore it from a backup.",
            ),
        },
        Storage::Azure(_) => match answers(storage).await {
            Ok(()) => Finding::good(CHECK, "Tables and queues of the storage account answer."),
            Err(error) => Finding::from_error(
                CHECK,
                &error,
                "Check the account's name, that its firewall lets this machine in, and that the identity has the roles Storage Table Data \
                 Contributor and Storage Queue Data Contributor on it.",
            ),
        },
    }
}

async fn answers(storage: &Storage) -> Result<(), Error> {
    storage.store().get(Table::Directory, "doctor", "doctor").await?;
    storage.queue().len(nudge::QUEUE).await?;
    Ok(())
}
