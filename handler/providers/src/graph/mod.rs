//! Microsoft 365 through Microsoft Graph v1.0.
#![cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the requests that use all of it follow")
)]

mod convert;
mod recurrence;
mod wire;
mod zones;
