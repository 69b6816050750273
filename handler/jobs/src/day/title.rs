//! The title of an event of a day.

use std::fmt;

/// A title, which is shown and never logged or stored.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Title(pub String);

impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Title(…)")
    }
}
