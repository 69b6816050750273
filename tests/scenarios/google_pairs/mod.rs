//! Google paired with Google and with other servers: every field, series, deletions, guests, disasters, and what it costs.

mod desk;
mod disasters;
mod fields;
mod series;
mod stage;

pub use stage::{End, Google, Settings, stage};
