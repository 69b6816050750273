//! Microsoft 365 through Microsoft Graph v1.0.
#![cfg_attr(not(test), allow(dead_code, unused_imports, reason = "the requests follow"))]

mod convert;
pub mod notification;
pub mod oauth;
mod recurrence;
mod wire;
mod zones;
