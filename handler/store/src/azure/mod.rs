//! Storage in an Azure storage account: rows and leases in Tables, messages in Storage Queues. The
//! same on Azurite, its emulator.
//!
//! # Which rows share a partition
//! | table | partition | rows | written |
//! |---|---|---|---|
//! | `directory` | owner | accounts, calendars, pairs of one user | when a person changes something |
//! | `secrets` | owner | sealed secrets of one user | the same, and when a refresh token is replaced |
//! | `pairs` | pair | state, mappings, problems of one pair | by each pass that finds something |
//! | `leases` | owner (its hash) | the leases that one user's passes hold at this moment | when taken, every 10 s while held, when ended |
//!
//! A commit is atomic within a partition, so what must change together shares one: a mapping with
//! its index rows and the state of the pair, an account with its calendars, the leases of one pass.
//! Nothing of two users ever shares one. The service moves partitions between its servers and takes
//! 2,000 rows a second in each, 20,000 in an account: whoever imports ten thousand events wears out
//! the partition of that pair, which waits for itself (503, then the pipeline's pauses), while
//! everybody else's rows stand in other partitions. A user with very many pairs slows none but
//! these. Keys begin with ids that are hashes, or are hashes, so that new partitions do not all
//! fall to one server. The account's own limit is shared: at 3 transactions a look and 9 a change
//! (`tests/scenarios/azure_costs.rs`) it is met at some 6,000 looks or 2,000 changes a second.
//!
//! # Properties
//! * What a commit has acknowledged is stored three times and visible to every process at once.
//! * Tables and queues are made when they are first written to; reading one that is not there finds
//!   nothing.
//! * A request is repeated where the service is busy or an answer is lost, and never does its work
//!   twice (`rows`), but for messages, of which there may then be two.
//! * No key, value or address is in an error or a log of ours. Neither is a secret: the account's
//!   key and tokens have types that do not print.

mod batch;
mod fault;
mod keys;
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
use pipeline::{Meter, StoragePipelines};
pub use settings::{AccountSettings, EntraIdentity};
use table::Tables;

/// Storage in a storage account: rows, messages and leases. Cheap to share behind an [`Arc`]; needs
/// a tokio runtime.
pub struct Azure {
    tables: Tables,
    queues: QueueServiceClient,
    table_meter: Arc<Meter>,
    queue_meter: Arc<Meter>,
    /// Held for reading while a lease that was dropped is being ended.
    endings: Arc<RwLock<()>>,
    /// Woken when a message was put that can be taken at once.
    arrivals: Notify,
}

/// Requests sent so far, each try counted: what the bill calls transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transactions {
    /// To tables, leases included.
    pub tables: u64,
    /// To queues.
    pub queues: u64,
}

impl Azure {
    /// Storage in this account. No request is made before something is read or written.
    ///
    /// # Errors
    /// [`Error::Failed`](crate::Error::Failed) where the identity cannot be used on this machine.
    pub fn connect(settings: &AccountSettings) -> Result<Self> {
        let (table_meter, queue_meter) = (Arc::new(Meter::default()), Arc::new(Meter::default()));
        let StoragePipelines { tables, queues } =
            pipeline::lay(settings, &table_meter, &queue_meter)?;
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

    /// What it has cost so far, in this process.
    pub fn transactions(&self) -> Transactions {
        Transactions { tables: self.table_meter.count(), queues: self.queue_meter.count() }
    }
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Azure").field("transactions", &self.transactions()).finish_non_exhaustive()
    }
}
