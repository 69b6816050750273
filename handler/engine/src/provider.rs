//! Facts about providers: one table, one row a provider.
//!
//! A rule that depends on the provider reads a fact here and names no provider. To add a provider:
//! add a variant to [`ProviderKind`], its name in [`ProviderKind::as_str`], its row in
//! [`ProviderKind::facts`], a module in `providers` with its entry in the registry of `host`, and
//! the words that users read.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The provider of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Any CalDAV server (RFC 4791).
    Caldav,
    /// Apple's CalDAV server.
    Icloud,
    /// Google Calendar, through its own API.
    Google,
    /// Microsoft 365 and Outlook.com, through Microsoft Graph.
    Microsoft,
}

/// The protocol that a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// CalDAV (RFC 4791): calendars are collections, events are objects with paths.
    CalDav,
    /// The Google Calendar API.
    GoogleCalendar,
    /// Microsoft Graph, version 1.0.
    MicrosoftGraph,
}

/// How the owner of an account proves to be its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// With a user name and a password, which is stored.
    Password,
    /// On the provider's own page (RFC 6749 section 4.1); a refresh token is stored.
    OAuth(OAuthFacts),
}

/// How a provider signs in by OAuth 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthFacts {
    /// The scopes by purpose; each is needed.
    pub scopes: &'static [(ScopePurpose, &'static str)],
    /// Scopes of the sign-in, which are requested too; an answer need not name them.
    pub sign_in_scopes: &'static [&'static str],
    /// Whether consent can be withdrawn by a request (RFC 7009).
    pub can_revoke: bool,
    /// Whether every use of a refresh token replaces it. The new one is then stored before the
    /// access token is used.
    pub rotates_refresh_tokens: bool,
    /// Whether a redirect address on the machine itself (RFC 8252 section 7.3) must have the name
    /// `localhost`, with any port, and not an address of the loopback.
    pub redirects_to_localhost: bool,
}

/// What an OAuth scope is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopePurpose {
    /// To list calendars.
    ListCalendars,
    /// To read and write events.
    Events,
}

/// Whether and how a provider sends notifications of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// Never: its calendars are polled.
    Never,
    /// By watches, each of one calendar.
    ByCalendar(WatchFacts),
    /// By watches, each of a whole account.
    ByAccount(WatchFacts),
}

/// How the watches of a provider live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchFacts {
    /// The lifetime that is asked for.
    pub lifetime: Duration,
    /// A watch is renewed when less than this is left, give or take [`WatchFacts::spread`].
    pub renew_before: Duration,
    /// Watches that were created together are renewed at times that are up to this far from
    /// [`WatchFacts::renew_before`]; later only, where that is [`Renewal::InPlace`].
    pub spread: Duration,
    /// With less than this left, the operator is warned.
    pub warn_before: Duration,
    /// Whether a watch that lives can get a later end, or another watch has to replace it.
    pub renewal: Renewal,
    /// The provider is asked whether a watch exists, once between two renewals and this long after
    /// the first, give or take [`WatchFacts::spread`]. `None` where the provider cannot say.
    pub check_after: Option<Duration>,
    /// Whether calendars that no watch covers are read at each poll. Otherwise the nightly pass
    /// reads them.
    pub polled_without: bool,
}

/// How a watch is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The provider moves the end of the watch.
    InPlace,
    /// Another watch is created, and then the first one is stopped.
    Replace,
}

/// What makes two calendars of a provider one calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarIdentity {
    /// The calendar's id, whichever account sees it.
    Id,
    /// The server and the path.
    ServerAndPath,
    /// The path: all hosts of the provider are one server.
    Path,
}

/// What events of a provider can show of what is written to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFacts {
    /// Times without a zone (RFC 5545 section 3.3.5, form 1).
    pub floating_times: bool,
    /// Events of no length.
    pub zero_length: bool,
    /// Recurrence rules of hours and minutes.
    pub rules_below_days: bool,
    /// An event may block its time tentatively.
    pub tentative: bool,
    /// An event may say that its owner is out of office, or works elsewhere.
    pub whereabouts: bool,
    /// The visibility has a value for the calendar's own setting.
    pub default_visibility: bool,
    /// An event keeps the UID that it is created with.
    pub keeps_uid: bool,
    /// An event is created with its mark, and keeps it.
    pub keeps_marks: bool,
    /// An event that is restored gets back the ETag that it had.
    pub restores_etag: bool,
    /// A series that this program did not write is listed by its occurrences.
    pub series_by_occurrence: bool,
}

/// What is known of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderFacts {
    /// The protocol.
    pub protocol: Protocol,
    /// How an account is connected.
    pub sign_in: SignIn,
    /// The host whose subdomains are one server with it, where the provider has one.
    pub common_host: Option<&'static str>,
    /// Whether the user name is an e-mail address, and so compared without regard to case.
    pub user_name_is_email: bool,
    /// Whether one person signs in by several user names to the same account.
    pub has_aliases: bool,
    /// Notifications of changes.
    pub push: Push,
    /// When two calendars are one.
    pub calendar_identity: CalendarIdentity,
    /// A calendar may appear under another id, and is known by its name then.
    pub calendar_ids_change: bool,
    /// What its events can show.
    pub events: EventFacts,
}

const HOUR: u64 = 3600;

const CALDAV: ProviderFacts = ProviderFacts {
    protocol: Protocol::CalDav,
    sign_in: SignIn::Password,
    common_host: None,
    user_name_is_email: false,
    has_aliases: false,
    push: Push::Never,
    calendar_identity: CalendarIdentity::ServerAndPath,
    calendar_ids_change: false,
    events: EventFacts {
        floating_times: true,
        zero_length: true,
        rules_below_days: true,
        tentative: true,
        whereabouts: false,
        // CLASS has no such value: absent and PUBLIC are equal (RFC 5545 section 3.8.1.3).
        default_visibility: false,
        keeps_uid: true,
        keeps_marks: false,
        restores_etag: true,
        series_by_occurrence: false,
    },
};

const ICLOUD: ProviderFacts = ProviderFacts {
    common_host: Some("caldav.icloud.com"),
    user_name_is_email: true,
    has_aliases: true,
    calendar_identity: CalendarIdentity::Path,
    ..CALDAV
};

const GOOGLE: ProviderFacts = ProviderFacts {
    protocol: Protocol::GoogleCalendar,
    sign_in: SignIn::OAuth(OAuthFacts {
        scopes: &[
            (
                ScopePurpose::ListCalendars,
                "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
            ),
            (ScopePurpose::Events, "https://www.googleapis.com/auth/calendar.events"),
        ],
        sign_in_scopes: &[],
        can_revoke: true,
        rotates_refresh_tokens: false,
        redirects_to_localhost: false,
    }),
    common_host: None,
    user_name_is_email: true,
    has_aliases: false,
    push: Push::ByCalendar(WatchFacts {
        // Google grants seven days at most.
        lifetime: Duration::from_secs(6 * 24 * HOUR),
        renew_before: Duration::from_secs(24 * HOUR),
        spread: Duration::from_secs(2 * HOUR),
        warn_before: Duration::from_secs(6 * HOUR),
        renewal: Renewal::Replace,
        check_after: None,
        polled_without: false,
    }),
    calendar_identity: CalendarIdentity::Id,
    calendar_ids_change: false,
    events: EventFacts {
        floating_times: false,
        zero_length: false,
        rules_below_days: false,
        // `status` holds the answer of the calendar's owner, and is not written.
        tentative: false,
        whereabouts: false,
        default_visibility: true,
        keeps_uid: false,
        keeps_marks: true,
        restores_etag: false,
        series_by_occurrence: false,
    },
};

const MICROSOFT: ProviderFacts = ProviderFacts {
    protocol: Protocol::MicrosoftGraph,
    sign_in: SignIn::OAuth(OAuthFacts {
        scopes: &[(ScopePurpose::Events, "https://graph.microsoft.com/Calendars.ReadWrite")],
        // OpenID Connect Core 1.0, sections 5.4 and 11: whose grant it is, and a refresh token.
        sign_in_scopes: &["openid", "email", "profile", "offline_access"],
        can_revoke: false,
        rotates_refresh_tokens: true,
        redirects_to_localhost: true,
    }),
    common_host: None,
    user_name_is_email: true,
    has_aliases: true,
    push: Push::ByAccount(WatchFacts {
        // The service grants 10,070 minutes at most.
        lifetime: Duration::from_secs(2 * 24 * HOUR),
        renew_before: Duration::from_secs(24 * HOUR),
        spread: Duration::from_secs(2 * HOUR),
        warn_before: Duration::from_secs(6 * HOUR),
        renewal: Renewal::InPlace,
        check_after: Some(Duration::from_secs(12 * HOUR)),
        polled_without: true,
    }),
    calendar_identity: CalendarIdentity::Id,
    calendar_ids_change: true,
    events: EventFacts {
        floating_times: false,
        zero_length: true,
        rules_below_days: false,
        tentative: true,
        whereabouts: true,
        default_visibility: true,
        keeps_uid: false,
        keeps_marks: true,
        restores_etag: false,
        series_by_occurrence: true,
    },
};

impl ProviderKind {
    /// All providers.
    pub const ALL: [Self; 4] = [Self::Caldav, Self::Icloud, Self::Google, Self::Microsoft];

    /// The name in `--json`, in addresses and in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caldav => "caldav",
            Self::Icloud => "icloud",
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    /// The provider of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The row of the table.
    pub const fn facts(self) -> &'static ProviderFacts {
        match self {
            Self::Caldav => &CALDAV,
            Self::Icloud => &ICLOUD,
            Self::Google => &GOOGLE,
            Self::Microsoft => &MICROSOFT,
        }
    }

    /// Whether it speaks CalDAV, in whichever flavour.
    pub fn is_caldav(self) -> bool {
        self.facts().protocol == Protocol::CalDav
    }

    /// Whether accounts are connected by consent, and hold a grant instead of a password.
    pub fn is_connected_by_consent(self) -> bool {
        matches!(self.facts().sign_in, SignIn::OAuth(_))
    }

    /// How accounts sign in by OAuth; `None` where they have a password.
    pub fn oauth_facts(self) -> Option<OAuthFacts> {
        match self.facts().sign_in {
            SignIn::OAuth(facts) => Some(facts),
            SignIn::Password => None,
        }
    }

    /// Whether the provider sends notifications of changes, so that its calendars are not polled
    /// while a watch covers them.
    pub fn pushes(self) -> bool {
        self.watch_facts().is_some()
    }

    /// How its watches live; `None` where it has none.
    pub fn watch_facts(self) -> Option<WatchFacts> {
        match self.facts().push {
            Push::Never => None,
            Push::ByCalendar(facts) | Push::ByAccount(facts) => Some(facts),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_one_name_wherever_it_is_written() {
        for (kind, name) in
            ProviderKind::ALL.into_iter().zip(["caldav", "icloud", "google", "microsoft"])
        {
            assert_eq!((kind.as_str(), kind.to_string()), (name, name.to_owned()));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
            assert_eq!(ProviderKind::from_name(name), Some(kind));
        }
        assert_eq!(ProviderKind::from_name("Google"), None);
    }

    #[test]
    fn a_watch_is_renewed_long_before_its_end() {
        for facts in ProviderKind::ALL.into_iter().filter_map(ProviderKind::watch_facts) {
            assert!(facts.renew_before + facts.spread < facts.lifetime);
            assert!(facts.warn_before < facts.renew_before - facts.spread);
            // A check comes before the renewal, and after the one before.
            assert!(facts.check_after.is_none_or(|after| {
                facts.spread < after
                    && after + facts.spread < facts.lifetime - facts.renew_before - facts.spread
            }));
        }
    }
}
