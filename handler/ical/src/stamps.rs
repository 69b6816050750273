//! What a component says of its version: SEQUENCE and the instants of its creation and changes.

use engine::event::Stamps;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::tree::Component;
use crate::value::{PropertyTime, TimeForm};

/// SEQUENCE; 0 where it is absent or no number.
pub(crate) fn sequence(event: &Component) -> u32 {
    event.property("SEQUENCE").and_then(|sequence| sequence.value.trim().parse().ok()).unwrap_or(0)
}

/// The instants of a component. RFC 5545 requires UTC; a value in another form is ignored.
pub(crate) fn stamps(event: &Component) -> Stamps {
    let stamp = |name: &str| stamp(event, name);
    Stamps {
        created: stamp("CREATED"),
        modified: stamp("LAST-MODIFIED"),
        stamped: stamp("DTSTAMP"),
    }
}

/// The value of one instant property, if it is in UTC.
pub(crate) fn stamp(event: &Component, name: &str) -> Option<Timestamp> {
    let property = event.property(name)?;
    match PropertyTime::parse(property.value, &property)? {
        PropertyTime::Time(local, TimeForm::Utc) => TimeZone::UTC.to_timestamp(local).ok(),
        _ => None,
    }
}
