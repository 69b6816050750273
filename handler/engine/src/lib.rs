//! The pure engine: what should happen, decided without I/O, without a clock and without a network.

pub mod attendees;
pub mod calendar;
pub mod change;
pub mod conference;
pub mod conflict;
pub mod copy;
pub mod etag;
pub mod event;
pub mod fidelity;
pub mod fingerprint;
pub mod guard;
pub mod mapping;
pub mod marker;
pub mod pair;
pub mod plan;
pub mod provider;
pub mod reason;
pub mod recurrence;
pub mod text;
pub mod uid;
pub mod write;
pub mod zone;
