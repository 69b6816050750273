//! What the service does: verbs. The only place that joins engine, records, providers, store and
//! vault.
//!
//! *Webhooks and timers only enqueue. The plan is made without I/O. The cursor is saved last.*
//!
//! # Layers
//! Each module uses only modules above it in this list: `error problem services connector setup
//! in_process nudge token keys audit leases report`, then `accounts`, then `sync` and `watches`,
//! then `pairs`, then everything else. `sync` does not use `watches`, `watches` do not use `pairs`,
//! and `accounts` use neither.

pub mod accounts;
pub mod audit;
mod connector;
pub mod consent;
pub mod doctor;
mod error;
mod explain;
mod first_release;
mod health;
mod ids;
mod in_process;
mod keys;
pub mod leases;
pub mod nudge;
pub mod pairs;
mod places;
mod poll_calendars;
mod problem;
mod remove_account;
pub mod report;
mod rotate_keys;
mod services;
mod setup;
mod status;
pub mod sync;
mod sync_calendar;
mod token;
pub mod watches;

pub use providers::Error as ProviderError;
pub use vault::Error as VaultError;

pub use connector::{Connect, ConsentRequest, Consents, Granted};
pub use error::{Error, Next, Result};
pub use explain::explain;
pub use health::{Health, HealthDetail, health};
pub use in_process::{CALL_BUDGET, InProcess};
pub use poll_calendars::{PollOutcome, poll_calendars, reconcile};
pub use problem::problem_keeping;
pub use remove_account::{Removal, remove_account};
pub use rotate_keys::{Rotation, rotate_keys};
pub use services::{Clock, LOCAL_OWNER, Owners, Scope, Services};
pub use setup::{Finding, Setup, WrappingKeyPlace};
pub use status::{Status, status};
pub use sync::{SyncOptions, sync};
pub use sync_calendar::{NudgeOutcome, give_up_on_calendar, sync_calendar};
pub use token::Token;
