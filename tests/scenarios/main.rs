//! Stories through the front doors: what people do to their calendars, what goes wrong, and what they see afterwards.

mod basics;
mod conformance;
mod model;
mod world;
