//! Google paired with Google and with other servers: every field, series, deletions, guests,
//! disasters, and what it costs.

mod commands;
mod data_loss;
mod drift;
mod edge_values;
mod edits;
mod event_types;
mod fields;
mod guard;
mod guests;
mod private;
mod series;
mod topologies;
