//! Google paired with Google and with other servers: every field, series, deletions, guests,
//! disasters, and what it costs.

pub mod desk;
mod disasters;
mod door;
mod drift;
mod edits;
mod fields;
mod guard;
mod guests;
mod kinds;
mod odd;
mod private;
mod series;
mod stage;
mod topologies;

pub use stage::{End, Google, Settings, stage};
