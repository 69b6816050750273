//! Storage in an Azure storage account: rows and leases in Tables, messages in Storage Queues.
//! Azurite, its emulator, works too.
//!
//! # Which rows share a partition
//! | table | partition | rows | written |
//! |---|---|---|---|
//! | `directory` | owner | accounts, calendars, pairs of one user | when the owner changes something |
//! | `secrets` | owner | sealed secrets of one user | when the owner changes something, and when a refresh token is replaced |
//! | `pairs` | pair | state, mappings, problems of one pair | by each pass that finds something |
//! | `leases` | owner (its hash) | the leases that one user's passes hold at this moment | when taken, every 10 s while held, when ended |
//!
//! A commit is atomic within a partition, so what must change together shares one: a mapping with
//! its index rows and the state of the pair, an account with its calendars, the leases of one pass.
//! Rows of two users never share a partition. The service moves partitions between its servers and
//! accepts 2,000 rows a second in each, 20,000 in an account: an import of ten thousand events
//! throttles the partition of its pair (503, then the pipeline's pauses), and no other user's
//! partition. Partition keys are hashes or begin with one, so new partitions are spread over the
//! servers. The limit of the account is shared: at 3 transactions a poll and 9 a change
//! (`tests/scenarios/azure_costs.rs`) it is reached at some 6,000 polls or 2,000 changes a second.
//!
//! # Properties
//! * An acknowledged commit is stored three times and visible to every process at once.
//! * Tables and queues are created when they are first written to; reading a missing one finds
//!   nothing.
//! * A request is repeated if the service is busy or an answer is lost. A repetition never writes
//!   rows twice (`rows`); a message may then exist twice.
//! * No key, value, URL or secret is in an error or a log: the account's key and tokens have types
//!   whose `Debug` shows nothing.

mod batch;
mod fault;
mod keys;
mod lease_term;
mod leases;
mod pipeline;
mod queue;
mod rows;
mod settings;
mod table;

use std::sync::Arc;

use azure_storage_queue::QueueServiceClient;
use tokio::sync::{Notify, RwLock};

use crate::Result;
use pipeline::{StoragePipelines, TransactionMeter};
pub use settings::{AccountSettings, EntraIdentity};
use table::Tables;

/// Storage in a storage account: rows, messages and leases. Cheap to share behind an [`Arc`]; needs
/// a tokio runtime.
pub struct Azure {
    tables: Tables,
    queues: QueueServiceClient,
    table_meter: Arc<TransactionMeter>,
    queue_meter: Arc<TransactionMeter>,
    /// Locked for reading while a dropped lease is being ended.
    endings: Arc<RwLock<()>>,
    /// Notified when a message is put that is visible at once.
    arrivals: Notify,
}

/// Requests sent so far, each try counted: what the bill calls transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transactions {
    /// Transactions of tables, with leases.
    pub tables: u64,
    /// Transactions of queues.
    pub queues: u64,
}

impl Azure {
    /// Storage in this account. No request is sent before something is read or written.
    ///
    /// # Errors
    /// [`Error::Failed`](crate::Error::Failed) if the identity cannot be used on this machine.
    pub fn connect(settings: &AccountSettings) -> Result<Self> {
        let (table_meter, queue_meter) =
            (Arc::new(TransactionMeter::default()), Arc::new(TransactionMeter::default()));
        let StoragePipelines { tables, queues } =
            pipeline::build(settings, &table_meter, &queue_meter)?;
        let tables = Tables::new(tables, settings.tables.clone());
        Ok(Self {
            tables,
            queues,
            table_meter,
            queue_meter,
            endings: Arc::default(),
            arrivals: Notify::new(),
        })
    }

    /// The transactions of this process so far.
    pub fn transactions(&self) -> Transactions {
        Transactions { tables: self.table_meter.count(), queues: self.queue_meter.count() }
    }
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Azure").field("transactions", &self.transactions()).finish_non_exhaustive()
    }
}
