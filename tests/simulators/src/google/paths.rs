//! Paths beside those of the API, which Google's description gives.

/// The page of consent.
pub(super) const AUTHORIZE: &str = "/o/oauth2/v2/auth";
/// Where the form on the page leads.
pub(super) const CONSENT: &str = "/o/oauth2/v2/auth/consent";
/// Where a code or a refresh token is exchanged.
pub(super) const TOKEN: &str = "/token";
/// Where a grant is revoked.
pub(super) const REVOKE: &str = "/revoke";
/// Where several calls are sent at once.
pub(super) const BATCH: &str = "/batch/calendar/v3";
