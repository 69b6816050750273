//! What a test may choose about the server: how it pages, how slow it is, what it allows.

use std::time::Duration;

use super::quota::Quotas;

/// How the server behaves where Google may behave in more than one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Pages are never larger than this, for any `maxResults`.
    pub page_size: usize,
    /// Every page but the last is followed by one without any item.
    pub empty_pages: bool,
    /// The last item of a page comes again as the first of the next.
    pub repeats_items: bool,
    /// Listings come in the opposite order: exceptions before their series.
    pub reversed: bool,
    /// 410 comes without its reason.
    pub bare_gone: bool,
    /// `visibility: confidential` is read as `private`.
    pub confidential_is_private: bool,
    /// Titles, descriptions and places come back without the white space around them, and with
    /// other ends of lines.
    pub trims_texts: bool,
    /// Of cancelled events only the fields are returned that Google promises: neither the version
    /// nor the event type.
    pub bare_tombstones: bool,
    /// When a series is deleted, its exceptions are listed as cancelled too.
    pub buries_exceptions: bool,
    /// Any change of `recurrence`, of an EXDATE or RDATE too, discards the exceptions of a series.
    /// Without this, only another start or rule does.
    pub discards_exceptions: bool,
    /// `events.import` of an iCalUID that is there changes that event; otherwise it is refused with
    /// 409.
    pub import_replaces: bool,
    /// Every answer takes this long.
    pub latency: Duration,
    /// What is allowed.
    pub quotas: Quotas,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            page_size: 2_500,
            empty_pages: false,
            repeats_items: false,
            reversed: false,
            bare_gone: false,
            confidential_is_private: false,
            trims_texts: false,
            bare_tombstones: false,
            buries_exceptions: false,
            discards_exceptions: false,
            import_replaces: true,
            latency: Duration::ZERO,
            quotas: Quotas::default(),
        }
    }
}
