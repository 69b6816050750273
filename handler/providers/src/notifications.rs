//! Which provider sends a notification, and how its request is read.

use engine::provider::ProviderKind;

use crate::{Notification, google};

/// Reads a notification of a provider from the headers of its request. `header` finds the value of a
/// header by its lower-case name. `None` for a provider that sends none.
pub fn read_notification<'a>(
    kind: ProviderKind,
    header: impl Fn(&str) -> Option<&'a str>,
) -> Option<Notification<'a>> {
    match kind {
        ProviderKind::Google => Some(google::notification::read(header)),
        ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Microsoft => None,
    }
}
