//! In what CalDAV servers differ: switches, and four sets of them.
//!
//! Every switch names an observed behaviour of a server that people use. Tests take a set and turn
//! single switches.

use super::alters::Alters;
use super::digest::SignIn;
use crate::xml::Naming;

/// How the server behaves where servers differ.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Path of a principal; `{}` is replaced by the account's path name.
    pub principal: &'static str,
    /// Path of a calendar home, with the same placeholder. May equal the path of the principal.
    pub home: &'static str,
    /// Whether accounts go by number in paths (iCloud), not by name.
    pub numbered_accounts: bool,
    /// Whether the server asks for a password.
    pub login: bool,
    /// In which way.
    pub sign_in: SignIn,
    /// Whether PROPFIND on `/` returns the principal. Otherwise only the well-known address leads
    /// there (RFC 6764).
    pub root_knows_principal: bool,
    /// Prefixes in the answers.
    pub naming: Naming,
    /// Whether hrefs of homes are absolute and lead to another address (iCloud's partitions). Both
    /// addresses serve everything.
    pub partition: bool,
    /// Whether every href in a listing is absolute.
    pub absolute_hrefs: bool,
    /// Whether `@` is written `%40` in hrefs.
    pub at_sign_encoded: bool,
    /// Whether REPORTs list the calendar itself among its members.
    pub lists_itself: bool,
    /// Whether a home lists an inbox, an outbox and a list of reminders beside the calendars.
    pub other_collections: bool,
    /// Whether there is a `getctag`.
    pub ctag: bool,
    /// Whether there are sync tokens and sync-collection.
    pub sync: bool,
    /// What a sync token meets that the server does not know (any more).
    pub lost_token: LostToken,
    /// Whether an initial sync-collection also lists, with 404, what is already deleted (Radicale).
    pub first_tells_gone: bool,
    /// Whether a sync-collection lists as deleted what was made and deleted since the token.
    pub tells_unseen_gone: bool,
    /// Objects that a sync-collection names as removed where they have changed, although they are
    /// there: those whose name contains this.
    pub buries: Option<&'static str>,
    /// Whether sync-collection lists a changed member twice, first with an ETag of the past; the
    /// last one counts.
    pub lists_twice: bool,
    /// How many members a sync-collection lists before it stops with 507 (RFC 6578, section 3.6).
    pub page: Option<usize>,
    /// What `DAV:limit` in a sync-collection does.
    pub limit: Limit,
    /// Whether a calendar-query without a comp-filter for VEVENT is refused.
    pub query_needs_event_filter: bool,
    /// Whether a calendar-query takes a prop-filter for the UID.
    pub finds_uids: bool,
    /// What calendar-multiget says about an href that leads nowhere.
    pub multiget_missing: Missing,
    /// Objects that multiget leaves out although they are there: those whose name contains this.
    pub multiget_withholds: Option<&'static str>,
    /// How many hrefs a calendar-multiget may have; more are refused with 403.
    pub multiget_limit: usize,
    /// Whether a PUT is answered with the ETag.
    pub etag_on_put: bool,
    /// The form of ETags.
    pub etags: Etags,
    /// What `If-Match: *` means.
    pub any_version: AnyVersion,
    /// Whether a UID has to be unique in a calendar, or in the account.
    pub uid_scope: UidScope,
    /// Status for a UID that is in use elsewhere.
    pub uid_conflict: u16,
    /// Whether an object may be overwritten by one with another UID. Where not, the status is that
    /// of a UID conflict.
    pub uid_may_change: bool,
    /// Status for data that break a precondition of RFC 4791.
    pub refusal: u16,
    /// Whether VEVENT must have DTEND (iCloud).
    pub dtend_required: bool,
    /// Largest object in octets.
    pub largest: usize,
    /// What is stored of what is sent.
    pub rewrite: Rewrite,
    /// What of the content is stored otherwise than it is sent.
    pub alters: Alters,
    /// Whether an event without an alarm is given one.
    pub default_alarm: bool,
    /// Whether `SCHEDULE-AGENT=CLIENT` keeps the server from mailing. Apple's code takes it off.
    pub heeds_schedule_agent: bool,
    /// The name under which a new object is stored.
    pub names: Names,
    /// Whether a new object is answered with 201 and then not there.
    pub swallows: bool,
    /// Whether each PUT is answered with success, and nothing is stored: something in front of the
    /// server answers, such as a captive portal or a filter.
    pub loses_writes: Option<LostWrite>,
    /// As `swallows`, where an object with equal DTSTART and SUMMARY exists: that object counts as the
    /// new one.
    pub merges: bool,
    /// How an object that is made from now on shows until [`super::Calendar::catch_up`].
    pub late: Late,
    /// If set, the UID of a deleted object is refused for new objects with this status and without
    /// a CalDAV precondition (the trash bin of Nextcloud), until [`super::Calendar::purge_trash`].
    pub trash: Option<u16>,
    /// Whether a share has the path of the original calendar as `calendarserver:shared-url`.
    pub shared_url: bool,
    /// The base of all paths, such as `/dav`; empty at first. [`super::CalDav::move_base`] changes
    /// it while the server runs.
    pub base: String,
    /// Former bases, and how the server answers there now.
    pub left: Vec<(String, OldBase)>,
    /// Prefixes under which everything is served as well, with the prefix in every href, as behind
    /// a reverse proxy.
    pub prefixes: Vec<String>,
    /// The redirect of every request.
    pub redirect: Option<Redirect>,
    /// It is no CalDAV server at all: every request gets a page of HTML and a 200.
    pub only_web_pages: bool,
    /// When it asks to come back later.
    pub throttle: Option<Throttle>,
    /// Whether requests are refused that only a careless client sends: no Depth, a wrong
    /// Content-Type, broken iCalendar.
    pub strict: bool,
}

/// See [`Manners::lost_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostToken {
    /// This status, with `DAV:valid-sync-token`.
    Refused(u16),
    /// This status, without a reason.
    RefusedBare(u16),
    /// Every member is listed as changed, with a new token and without a word about what was
    /// deleted.
    Everything,
    /// A 207 with a new token, and nothing else.
    Nothing,
}

/// See [`Manners::limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Cut with 507, to be continued with the new token.
    Honoured,
    /// As if it were not there.
    Ignored,
    /// Cut without 507, and the new token skips the rest.
    LosesTheRest,
}

/// See [`Manners::multiget_missing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A response with 404.
    Answered,
    /// Nothing.
    LeftOut,
}

/// See [`Manners::etags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Etags {
    /// As they should be.
    Strong,
    /// Weak everywhere; no condition with a weak ETag holds (RFC 9110 section 13.1.1), one with the
    /// same tag in strong form does.
    Weak,
    /// Weak everywhere, and no condition that names a version holds, in any form.
    NoCondition,
    /// Without quotes in listings, with quotes in headers; conditions are taken with quotes.
    Unquoted,
    /// As listed, but for the header of GET, which has the mark of a server that compresses.
    Compressed,
    /// As listed, but for the header of GET, which has the tag of the whole calendar.
    OfCalendar,
    /// Of another kind in listings than in headers; conditions take those of headers.
    OtherInListing,
}

impl Etags {
    /// As the header of an answer has it.
    pub(super) fn in_header(self, etag: &str, is_get: bool) -> String {
        match self {
            Self::Weak | Self::NoCondition => format!("W/{etag}"),
            Self::Compressed if is_get => format!("{}-gzip\"", etag.trim_end_matches('"')),
            Self::Strong
            | Self::Unquoted
            | Self::Compressed
            | Self::OfCalendar
            | Self::OtherInListing => etag.to_owned(),
        }
    }

    /// As a listing has it.
    pub(super) fn in_listing(self, etag: &str) -> String {
        match self {
            Self::Weak | Self::NoCondition => format!("W/{etag}"),
            Self::Unquoted => etag.trim_matches('"').to_owned(),
            Self::OtherInListing => format!("\"listed-{}\"", etag.trim_matches('"')),
            Self::Strong | Self::Compressed | Self::OfCalendar => etag.to_owned(),
        }
    }
}

/// See [`Manners::any_version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyVersion {
    /// As RFC 9110 has it.
    Honoured,
    /// An existing object is refused with 412, a missing one is made.
    Backwards,
}

/// See [`Manners::uid_scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UidScope {
    /// Once in a calendar (RFC 4791, section 4.1).
    Calendar,
    /// Once in all calendars of the account.
    Account,
}

/// See [`Manners::rewrite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Byte for byte.
    Kept,
    /// The properties in another order, with other folds, and with LF where XML makes it LF.
    Reordered,
    /// Without extension properties.
    Plain,
    /// Under a UID that the server makes, and without extension properties.
    Anew,
}

/// See [`Manners::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The requested name.
    Asked,
    /// A name that the server chooses. The requested name answers 404 afterwards.
    Own {
        /// Whether the answer has it as `Location`.
        location: bool,
    },
}

/// See [`Manners::loses_writes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostWrite {
    /// Answered with a web page and status 200.
    Page,
    /// Answered with 204, without an ETag.
    NoContent,
}

/// See [`Manners::late`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// At once, like everything.
    Not,
    /// No listing has it; a GET and a multiget have.
    Unlisted,
    /// No listing and no read has it; only a PUT meets it.
    Unread,
    /// As above, and a sync-collection lists it as deleted.
    Announced,
    /// No sync-collection has it; everything else has.
    Untold,
}

/// See [`Manners::left`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldBase {
    /// As at the new base, with the new base in every href.
    Answers,
    /// With a redirect to the new base, with this status.
    Redirects(u16),
    /// With 404.
    Gone,
}

/// See [`Manners::redirect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// To the same path at the partition's address, with this status; the partition's address
    /// answers.
    ToPartition(u16),
    /// To the same path at the same address, without end.
    InCircles(u16),
    /// To this address.
    To(u16, String),
}

/// See [`Manners::throttle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Requests answered between two refusals.
    pub every: u32,
    /// Requests refused in a row: more than one means that `Retry-After` was too short.
    pub refused: u32,
    /// 429 or 503.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: u64,
}

impl Manners {
    /// A server that keeps to the RFCs and is strict about them.
    pub fn generic() -> Self {
        Self {
            principal: "/principals/{}/",
            home: "/calendars/{}/",
            numbered_accounts: false,
            login: true,
            sign_in: SignIn::Basic,
            root_knows_principal: true,
            naming: Naming::Prefixed,
            partition: false,
            absolute_hrefs: false,
            at_sign_encoded: true,
            lists_itself: false,
            other_collections: true,
            ctag: true,
            sync: true,
            lost_token: LostToken::Refused(403),
            first_tells_gone: false,
            tells_unseen_gone: true,
            buries: None,
            lists_twice: false,
            page: None,
            limit: Limit::Honoured,
            query_needs_event_filter: false,
            finds_uids: false,
            multiget_missing: Missing::Answered,
            multiget_withholds: None,
            multiget_limit: 1_000,
            etag_on_put: true,
            etags: Etags::Strong,
            any_version: AnyVersion::Honoured,
            uid_scope: UidScope::Calendar,
            uid_conflict: 403,
            uid_may_change: false,
            refusal: 403,
            dtend_required: false,
            largest: 1024 * 1024,
            rewrite: Rewrite::Kept,
            alters: Alters::NOTHING,
            default_alarm: false,
            heeds_schedule_agent: true,
            names: Names::Asked,
            swallows: false,
            loses_writes: None,
            merges: false,
            late: Late::Not,
            trash: None,
            shared_url: false,
            base: String::new(),
            left: Vec::new(),
            prefixes: Vec::new(),
            redirect: None,
            only_web_pages: false,
            throttle: None,
            strict: true,
        }
    }

    /// As Radicale 3.9 behaves.
    pub fn radicale_like() -> Self {
        Self {
            principal: "/{}/",
            home: "/{}/",
            naming: Naming::Default,
            other_collections: false,
            first_tells_gone: true,
            limit: Limit::Ignored,
            uid_conflict: 409,
            refusal: 400,
            rewrite: Rewrite::Reordered,
            strict: false,
            ..Self::generic()
        }
    }

    /// As Xandikos 0.4 behaves.
    pub fn xandikos_like() -> Self {
        Self {
            principal: "/{}/",
            home: "/{}/calendars/",
            login: false,
            naming: Naming::Numbered,
            at_sign_encoded: false,
            other_collections: false,
            lost_token: LostToken::Refused(412),
            tells_unseen_gone: false,
            limit: Limit::LosesTheRest,
            uid_conflict: 412,
            uid_may_change: true,
            refusal: 412,
            rewrite: Rewrite::Reordered,
            strict: false,
            ..Self::generic()
        }
    }

    /// As iCloud behaves by the reports of its clients, and stricter where they are silent.
    pub fn icloud() -> Self {
        Self {
            principal: "/{}/principal/",
            home: "/{}/calendars/",
            numbered_accounts: true,
            naming: Naming::Default,
            partition: true,
            at_sign_encoded: false,
            lists_itself: true,
            lost_token: LostToken::Everything,
            limit: Limit::Ignored,
            query_needs_event_filter: true,
            finds_uids: false,
            multiget_missing: Missing::LeftOut,
            multiget_limit: 250,
            etag_on_put: false,
            any_version: AnyVersion::Backwards,
            uid_scope: UidScope::Account,
            dtend_required: true,
            default_alarm: true,
            heeds_schedule_agent: false,
            ..Self::generic()
        }
    }
}
