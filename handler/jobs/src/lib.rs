//! The jobs of the service: one module for each verb. The only crate that joins engine, records,
//! providers, store and vault.
//!
//! *Webhooks and timers only enqueue. The plan is made without I/O. The cursor is saved last.*
//!
//! # Modules
//! * [`accounts`] connects, opens and lists accounts and keeps their secrets and their status;
//!   [`consent`] connects accounts by OAuth; [`remove_account()`] removes them.
//! * [`access`] makes and checks access tokens and sessions.
//! * [`pairs`] adds, pauses and removes pairs, takes over copies, and cleans up.
//! * [`watches`] creates, renews and stops watches, and turns notifications into nudges.
//! * [`sync_calendar()`] runs the passes that a nudge asks for; [`sync()`] is one pass over pairs;
//!   [`poll_calendars()`] and [`reconcile()`] find the pairs that need one.
//! * [`explain()`], [`day`], [`conflicts`], [`status()`], [`health()`] and [`doctor`] answer
//!   questions; [`audit`] records actions; [`rotate_keys()`] rotates keys.
//! * [`next_step`]: what a person can do about a problem, as data.
//! * `services`: what a job may use. `error` and `problem`: failures, what to do about them, and
//!   their texts. `places` and `ids`: which account or calendar is meant. `leases`: exclusive work.
//!   `in_process`: what a process remembers.
//!
//! # Layers
//! A module uses only modules before it in this list: `error setup connector in_process`, then
//! `problem next_step report ids random_secret services first_release`, then `access nudge audit
//! keys places`, then `leases`, then `accounts`, then `sync` and `watches`, then `consent pairs
//! pair_remarks explain day conflicts problems_of_pair status doctor poll_calendars sync_calendar rotate_keys`, then
//! `health remove_account`. `sync` does not use `watches`, `watches` do not use `pairs`, and
//! `accounts` use neither.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod conflicts;
mod connector;
pub mod consent;
pub mod day;
pub mod doctor;
mod error;
mod explain;
mod first_release;
mod health;
mod ids;
mod in_process;
mod keys;
pub mod leases;
pub mod next_step;
pub mod nudge;
mod pair_remarks;
pub mod pairs;
mod places;
mod poll_calendars;
mod problem;
mod problems_of_pair;
mod random_secret;
mod remove_account;
pub mod report;
mod rotate_keys;
mod services;
mod setup;
mod status;
pub mod sync;
mod sync_calendar;
#[cfg(test)]
mod test_services;
pub mod watches;

pub use providers::Error as ProviderError;
pub use vault::Error as VaultError;

pub use connector::{Connect, ConsentRequest, Consents, Granted};
pub use error::{Error, Next, NotPaired, Result};
pub use explain::explain;
pub use health::{Health, HealthDetail, health};
pub use in_process::{CALL_BUDGET, InProcess};
pub use poll_calendars::{PollOutcome, poll_calendars, reconcile};
pub use problem::{problem_connecting, problem_keeping, problem_of_consent};
pub use problems_of_pair::{ProblemPage, problems};
pub use random_secret::Token;
pub use remove_account::{Removal, remove_account};
pub use rotate_keys::{Rotation, rotate_keys};
pub use services::{Clock, LOCAL_OWNER, Owners, Scope, Services};
pub use setup::{Finding, Setup, WrappingKeyPlace};
pub use status::{Status, status};
pub use sync::{SyncOptions, sync};
pub use sync_calendar::{NudgeOutcome, give_up_on_calendar, sync_calendar};
