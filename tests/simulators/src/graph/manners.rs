//! What a test may choose about the server: everything that Microsoft's documents leave open, or
//! that differs between mailboxes. The README of this folder names the section of `microsoft.md`
//! for each.

use std::collections::BTreeSet;
use std::time::Duration;

/// Which names of zones a mailbox takes. `UTC` is always taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneNames {
    /// Windows names, and the documented list of IANA names.
    Documented,
    /// Windows names, and every IANA name.
    All,
    /// Windows names alone.
    Windows,
    /// None.
    UtcOnly,
}

/// What a create with a `transactionId` that was used before is answered with. Never a second
/// event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// 201, and the event that exists.
    Event,
    /// 400 or 409 `ErrorDuplicateTransactionId`.
    Refused {
        /// 400 or 409.
        status: u16,
        /// Whether the error has the id of the event (`@event.existingEventId`).
        names_it: bool,
    },
}

/// How a sync state that is not known any more is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostState {
    /// 410 `SyncStateNotFound`, with a `Location`.
    Gone,
    /// 400 `SyncStateInvalid`.
    Invalid,
    /// 400 `resyncRequired`.
    ResyncRequired,
}

/// How the scopes of a token are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeForm {
    /// As they were asked for.
    Asked,
    /// `Calendars.ReadWrite`.
    Short,
    /// `https://graph.microsoft.com/Calendars.ReadWrite`.
    Long,
}

/// What is wrong with an id_token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdToken {
    /// Nothing.
    Right,
    /// There is none.
    Missing,
    /// The signature is another text's.
    Forged,
    /// No algorithm and no signature.
    Unsigned,
    /// Its `kid` is not among the keys.
    UnknownKey,
    /// It is for another client.
    OtherAudience,
    /// Another nonce.
    OtherNonce,
    /// Another tenant's issuer.
    OtherIssuer,
    /// It is over.
    Expired,
}

/// How the server behaves where Microsoft's may behave in more than one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Every answer takes this long.
    pub latency: Duration,
    /// So many requests to one mailbox at once; the next is throttled.
    pub concurrency: usize,
    /// The status of a throttled request: 429 or 503.
    pub throttled_with: u16,
    /// Seconds in its `Retry-After`.
    pub retry_after: u64,
    /// So many requests to one mailbox in ten minutes; the next is throttled with 429.
    pub requests_in_ten_minutes: usize,

    /// Entries on a page of delta where the request names no size. A series is never split.
    pub delta_page: usize,
    /// A round of delta begins with an empty page.
    pub empty_pages: bool,
    /// The last entry of a page comes again on the next, and the last of a round in the next round.
    pub repeats_entries: bool,
    /// A round of delta with entries never ends: its last page comes again under new links.
    pub endless_round: bool,
    /// A deleted occurrence makes no entry of delta. Otherwise its series comes again without it.
    pub silent_occurrences: bool,
    /// A deleted series is one entry with the master's id. Otherwise one for each occurrence.
    pub deleted_series_is_one: bool,
    /// The master of a series comes as an entry of delta, with the times of its first occurrence.
    pub names_masters: bool,
    /// Events outside the range that change make `@removed` entries.
    pub removes_outsiders: bool,
    /// How a forgotten sync state is refused.
    pub lost_state: LostState,
    /// An expanded property is there only if `$select` names it too.
    pub expanded_needs_select: bool,
    /// Occurrences of a series have the extended properties of their master.
    pub occurrences_inherit: bool,
    /// `$filter` for the presence of an extended property (`ep/value ne null`) works. Otherwise it
    /// is refused.
    pub presence_filter: bool,
    /// Ids are of the regular kind, although the immutable kind was asked for.
    pub regular_ids: bool,
    /// Answers have members that the metadata does not have.
    pub extra_members: bool,
    /// `responseStatus` of an own event without guests is `organizer`; otherwise `none`.
    pub organizer_responds: bool,

    /// A deleted event goes on answering by its immutable id, and a second DELETE is 403
    /// `ErrorCannotDeleteObject`. Otherwise both are 404.
    pub deleted_answers: bool,
    /// It answers within its calendar's path and with its instances too. Otherwise only by itself.
    pub deleted_answers_everywhere: bool,
    /// A `transactionId` again, with the same body.
    pub same_again: Repeated,
    /// A `transactionId` again, with another body. [`Repeated::Event`] counts as a refusal by 409.
    pub other_again: Repeated,
    /// A `transactionId` stays used after its event was deleted.
    pub used_for_ever: bool,
    /// Subjects of more than 255 characters are cut; otherwise refused.
    pub cuts_subjects: bool,
    /// Members of a recurrence that its type does not have are refused even where they are neutral
    /// (`month: 0`).
    pub refuses_neutral: bool,
    /// The largest interval of a recurrence.
    pub largest_interval: i64,
    /// The largest count of a recurrence.
    pub largest_count: i64,
    /// The 31st is the last day of a shorter month; otherwise there is no occurrence in it.
    pub clamps_days: bool,
    /// `last` and seven days of the week are the last day of the month; otherwise the first day of
    /// its last seven.
    pub last_of_seven: bool,
    /// The `iCalUId` of an occurrence follows from the start that its rule gives it; otherwise from
    /// the day.
    pub uids_of_starts: bool,
    /// The day of a deleted occurrence stays closed to its neighbours.
    pub boundary_counts_deleted: bool,
    /// A refused `If-Match` is 412; otherwise 409. Both with `ErrorIrresolvableConflict`.
    pub stale_is_412: bool,
    /// What a client writes is saved again by the service at once: another `changeKey`, the same
    /// content.
    pub saves_again: bool,
    /// Names of zones that are taken.
    pub zone_names: ZoneNames,
    /// The Windows names of 2026 are taken.
    pub newer_zone_names: bool,
    /// Names that are refused, although the rest of the rules would take them.
    pub refused_zones: BTreeSet<String>,

    /// A subscription lives so many minutes at most.
    pub subscription_minutes: i64,
    /// The second subscription of an app to a resource is refused with 409.
    pub one_subscription: bool,
    /// Personal mailboxes can be subscribed to.
    pub personal_subscriptions: bool,
    /// Subscriptions of one mailbox; the next is 403.
    pub subscriptions: usize,
    /// Notifications of personal mailboxes bear Exchange's tenant instead of Entra's.
    pub exchange_tenant: bool,
    /// Notifications that follow the `created` of a creation.
    pub updates_after_creation: u32,

    /// How long an access token lives, in seconds.
    pub access_token_seconds: i64,
    /// How long a refresh token lives, in days.
    pub refresh_token_days: i64,
    /// A refresh token goes on working after it was used.
    pub old_refresh_tokens_work: bool,
    /// How scopes are written.
    pub scope_form: ScopeForm,
    /// Scopes that a token names beside those that were asked for.
    pub earlier_scopes: Vec<String>,
    /// The number in the refusal of a user whose administrator has to consent: 90094, or 65004 as
    /// after the way back from the page.
    pub administrator_number: u32,
    /// A grant that needs the user again is refused with `invalid_grant` and a suberror; otherwise
    /// with `interaction_required`.
    pub interaction_is_invalid_grant: bool,
    /// `error` and `suberror` of a number that no table has.
    pub unknown_number: (&'static str, &'static str),
    /// What is wrong with id_tokens.
    pub id_token: IdToken,
    /// What comes before the tenant in `iss`.
    pub issuer: String,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            concurrency: 4,
            throttled_with: 429,
            retry_after: 1,
            requests_in_ten_minutes: 10_000,
            delta_page: 50,
            empty_pages: false,
            repeats_entries: false,
            endless_round: false,
            silent_occurrences: false,
            deleted_series_is_one: true,
            names_masters: false,
            removes_outsiders: true,
            lost_state: LostState::Gone,
            expanded_needs_select: true,
            occurrences_inherit: true,
            presence_filter: false,
            regular_ids: false,
            extra_members: true,
            organizer_responds: true,
            deleted_answers: true,
            deleted_answers_everywhere: true,
            same_again: Repeated::Event,
            other_again: Repeated::Refused { status: 409, names_it: true },
            used_for_ever: true,
            cuts_subjects: false,
            refuses_neutral: true,
            largest_interval: 999,
            largest_count: 999,
            clamps_days: true,
            last_of_seven: true,
            uids_of_starts: false,
            boundary_counts_deleted: true,
            stale_is_412: true,
            saves_again: false,
            zone_names: ZoneNames::Documented,
            newer_zone_names: true,
            refused_zones: BTreeSet::new(),
            subscription_minutes: 10_070,
            one_subscription: true,
            personal_subscriptions: true,
            subscriptions: 1_000,
            exchange_tenant: true,
            updates_after_creation: 2,
            access_token_seconds: 3_599,
            refresh_token_days: 90,
            old_refresh_tokens_work: true,
            scope_form: ScopeForm::Asked,
            earlier_scopes: Vec::new(),
            administrator_number: 90_094,
            interaction_is_invalid_grant: false,
            unknown_number: ("invalid_grant", ""),
            id_token: IdToken::Right,
            issuer: "https://login.microsoftonline.com".to_owned(),
        }
    }
}
