//! Scenarios of the program from the outside: what people do to their calendars, what goes wrong,
//! and what they see afterwards.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod azure_costs;
mod bad_input;
mod bad_objects;
mod basics;
mod browser;
mod command_output;
mod conformance;
mod custom_handler;
mod data_loss;
mod deletions;
mod drafts;
mod facts;
mod google;
mod google_consent;
mod google_pairs;
mod google_push;
mod google_quota;
mod hardening;
mod held_deletions;
mod icloud;
mod identity;
mod infra;
mod isolation;
mod key_vault;
mod killed_processes;
mod leases;
mod merges;
mod microsoft;
mod model;
mod objects;
mod preserved_details;
mod processes;
mod real_servers;
mod removed_pairs;
mod requests;
mod same_account;
mod secrecy;
mod standalone;
mod storage_outage;
mod store_contract;
mod support;
mod upgraded;
mod window;
