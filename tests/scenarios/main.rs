//! Stories through the front doors: what people do to their calendars, what goes wrong, and what they see afterwards.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod anew;
mod answers;
mod azure_costs;
mod away;
mod bad_input;
mod bad_objects;
mod basics;
mod cli;
mod conformance;
mod custom_handler;
mod deletions;
mod disasters;
mod events;
mod google;
mod google_consent;
mod google_push;
mod icloud;
mod infra;
mod kept;
mod key_vault;
mod killed;
mod leases;
mod model;
mod processes;
mod real_servers;
mod requests;
mod secrecy;
mod standalone;
mod storage;
mod store_contract;
mod town;
mod village;
mod ways;
mod window;
mod world;
