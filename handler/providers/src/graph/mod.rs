//! Microsoft Graph, version 1.0.

pub mod notification;
