//! The pure engine: what should happen, decided without I/O, without a clock and without a network.

pub mod attendees;
pub mod calendar;
pub mod change;
pub mod event;
pub mod guard;
pub mod marker;
pub mod pair;
pub mod reason;
pub mod text;
pub mod zone;
