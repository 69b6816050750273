//! What the service does. The only place that joins engine, providers, store and vault.
//!
//! *Webhooks and timers only enqueue. The plan is made without I/O. The cursor is saved last.*

pub mod audit;
pub mod channels;
mod clean_up;
pub mod consent;
pub mod directory;
pub mod doctor;
mod error;
mod explain;
mod health;
pub mod memory;
pub mod nudge;
mod pace;
mod poll_calendars;
mod progress;
pub mod report;
mod rotate;
mod status;
pub mod sync;
mod sync_calendar;
mod take_over;

use std::sync::Arc;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use jiff::Timestamp;
pub use providers::Error as ProviderError;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use store::{Leases, Queue, Store};
pub use vault::Error as VaultError;
use vault::Vault;

pub use clean_up::{CleanUp, LeftCopies, clean_up_pair, delete_left_copies, left_copies};
pub use consent::Consents;
pub use error::{Error, Result};
pub use explain::explain;
pub use health::{Detail, Health, health};
pub use pace::{InProcess, LONG_CALL};
pub use poll_calendars::{Polled, poll_calendars, reconcile};
pub use rotate::{Rotation, rotate};
pub use status::{Status, status};
pub use sync::{SyncOptions, sync};
pub use sync_calendar::{NudgeOutcome, give_up_on_calendar, sync_calendar};
pub use take_over::take_over;

/// All that a job may touch.
#[derive(Clone)]
pub struct Services {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Exclusive work.
    pub leases: Arc<dyn Leases>,
    /// Nudges: what is to be looked at soon.
    pub queue: Arc<dyn Queue>,
    /// Sealed secrets, and the key of all fingerprints and loop marks.
    pub vault: Arc<dyn Vault>,
    /// How an account becomes a provider that can be talked to.
    pub connect: Arc<dyn Connect>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whose directory this is; the partition of accounts, calendars and pairs. `local` in
    /// single-user mode.
    pub owner: String,
    /// What the host knows of this installation, for whoever asks how it is.
    pub setup: Arc<doctor::Setup>,
    /// When what was last nudged in this process.
    pub pace: Arc<InProcess>,
}

/// The time, so that only the process itself reads the system's clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Makes providers.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Tries the credentials and finds out where the account's calendars are. The text is the
    /// provider's own, kept with the account and given back to [`Connect::open`]; it holds no
    /// secret.
    async fn discover(
        &self,
        kind: ProviderKind,
        url: &str,
        user: &str,
        secret: &SecretString,
    ) -> providers::Result<String>;

    /// A provider for an account. No request is made.
    fn open(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>>;

    /// As [`Connect::open`], for a provider that may replace its secret at use: the new one goes to
    /// `keep`.
    fn open_kept(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        drop(keep);
        self.open(kind, endpoint, user, secret)
    }

    /// How accounts of this kind are connected by consent.
    ///
    /// # Errors
    /// [`providers::Error::Misconfigured`] where they are not, or this program is not registered
    /// with the provider; the words say how it is done.
    fn consents(&self, kind: ProviderKind) -> providers::Result<&dyn Consents> {
        Err(providers::Error::Misconfigured(format!(
            "{kind} accounts are not connected by consent here"
        )))
    }

    /// What time it is by the server that answered last, to find a clock that is off; `None` before
    /// any did.
    fn server_time(&self) -> Option<Timestamp> {
        None
    }
}
