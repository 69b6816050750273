//! The servers of the tests: simulators in memory, real servers, faults between them and the
//! product, and people who edit their calendars.
//!
//! - [`browser`]: a real browser, and [`tls`] for the addresses that it opens.
//! - [`caldav`]: a CalDAV server in memory that behaves as real ones do.
//! - [`google`]: Google Calendar in memory, checked against Google's own description of it;
//!   [`emulate`]: an independent implementation of its sign-in.
//! - [`graph`]: Entra and Microsoft Graph's calendars in memory, checked against Microsoft's own
//!   description of them.
//! - [`key_vault`]: Azure Key Vault in memory, with real RSA.
//! - [`azurite`]: Azure storage, started and ended.
//! - [`servers`]: Radicale and Xandikos, started and ended.
//! - [`person`]: a person who edits a calendar on any of these servers.
//! - [`proxy`]: counts and breaks the traffic between a client and a real server.
//! - [`faults`]: what goes wrong, planned or by a seed.
//! - [`functions_host`]: a stand-in for the Azure Functions host.
//! - [`port`]: a port that no other program gets.
//! - [`traffic`]: counts of requests.
//! - [`ics`], [`lint`], [`agenda`], [`expand`]: iCalendar read without the product's reader.

pub mod agenda;
pub mod azurite;
pub mod browser;
pub mod caldav;
pub mod client;
pub mod emulate;
pub mod expand;
pub mod faults;
pub mod functions_host;
pub mod google;
pub mod graph;
pub mod ics;
pub mod key_vault;
pub mod lint;
pub mod person;
pub mod port;
pub mod proxy;
pub mod rng;
pub mod servers;
pub mod tls;
pub mod traffic;
mod wire;
pub mod xml;
