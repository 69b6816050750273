//! Which provider sends a notification, and how its request is read.

use engine::provider::ProviderKind;

use crate::{Handshake, Notification, NotificationItem, google, graph};

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

/// Reads the notifications in the body of a request; `None` where the body is not JSON. None are
/// in it for a provider that sends none, or sends them in headers.
pub fn read_notifications(kind: ProviderKind, body: &[u8]) -> Option<Vec<NotificationItem<'_>>> {
    match kind {
        ProviderKind::Microsoft => graph::notification::read(body),
        ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Google => Some(Vec::new()),
    }
}

/// Reads the query of a request by which a provider tries the address of a webhook; `None` for any
/// other request.
pub fn read_handshake(kind: ProviderKind, query: &str) -> Option<Handshake> {
    match kind {
        ProviderKind::Microsoft => graph::notification::read_handshake(query),
        ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Google => None,
    }
}
