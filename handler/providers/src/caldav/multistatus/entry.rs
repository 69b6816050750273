//! One response of a multistatus answer, and how it is put together from its elements.

use super::limits::{CALDAV, CALENDARSERVER, DAV, MAX_HREFS, bad};
use crate::Result;

/// One response: what the server says about one address.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The address in the server's own spelling.
    pub href: String,
    /// The status of the whole response, where it has one (a removed member, RFC 6578 section
    /// 3.5.2; a truncation, section 3.6).
    pub status: Option<u16>,
    /// The properties that the server gave.
    pub props: Props,
}

/// The properties that we ask for, as far as a server has them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Props {
    pub etag: Option<String>,
    pub ctag: Option<String>,
    pub sync_token: Option<String>,
    pub display_name: Option<String>,
    pub content_type: Option<String>,
    pub data: Option<Data>,
    pub kind: ResourceType,
    /// Whether events may be stored; `None` where the server does not say, which means yes (RFC
    /// 4791 section 5.2.3).
    pub events: Option<bool>,
    /// `None` where the server has no access control (RFC 3744).
    pub privileges: Option<Privileges>,
    /// A VTIMEZONE (RFC 4791 section 5.2.2).
    pub zone_object: Option<String>,
    /// An IANA zone (RFC 7809 section 5.2).
    pub zone_id: Option<String>,
    pub principal: Option<String>,
    /// The server treats the request as unauthenticated.
    pub unauthenticated: bool,
    /// The address of a shared calendar at its owner.
    pub shared_url: Option<String>,
    pub homes: Vec<String>,
    pub addresses: Vec<String>,
}

/// A calendar object in an answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Object(String),
    TooLarge,
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Object(_) => "Object",
            Self::TooLarge => "TooLarge",
        })
    }
}

/// The content of `resourcetype`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceType {
    pub collection: bool,
    pub calendar: bool,
    /// A calendar that the server fetches from elsewhere.
    pub subscribed: bool,
    /// An inbox or outbox of scheduling (RFC 6638).
    pub scheduling: bool,
}

/// The content of `current-user-privilege-set`, as far as it concerns writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Privileges {
    pub all: bool,
    pub write: bool,
    pub write_content: bool,
    pub bind: bool,
}

impl Props {
    /// Whether events may be written here. A server without access control says nothing, and then
    /// everything may be tried.
    pub(crate) fn writable(&self) -> bool {
        !self.kind.subscribed
            && self.privileges.is_none_or(|p| p.all || p.write || (p.write_content && p.bind))
    }

    /// Whether this may be an event, as far as the content type says (`component=VTODO` occurs in
    /// calendars that also keep tasks).
    pub(crate) fn may_be_event(&self) -> bool {
        let Some(kind) = &self.content_type else { return true };
        let component = kind
            .split(';')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("component"));
        component
            .is_none_or(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("VEVENT"))
    }

    /// Takes over what a further propstat brought.
    fn merge(&mut self, other: Props) {
        fn take<T>(mine: &mut Option<T>, other: Option<T>) {
            if other.is_some() {
                *mine = other;
            }
        }
        take(&mut self.etag, other.etag);
        take(&mut self.ctag, other.ctag);
        take(&mut self.sync_token, other.sync_token);
        take(&mut self.display_name, other.display_name);
        take(&mut self.content_type, other.content_type);
        take(&mut self.data, other.data);
        take(&mut self.events, other.events);
        take(&mut self.privileges, other.privileges);
        take(&mut self.zone_object, other.zone_object);
        take(&mut self.zone_id, other.zone_id);
        take(&mut self.principal, other.principal);
        take(&mut self.shared_url, other.shared_url);
        self.unauthenticated |= other.unauthenticated;
        self.kind.collection |= other.kind.collection;
        self.kind.calendar |= other.kind.calendar;
        self.kind.subscribed |= other.kind.subscribed;
        self.kind.scheduling |= other.kind.scheduling;
        self.homes.extend(other.homes);
        self.addresses.extend(other.addresses);
    }
}

/// An element with a known meaning at its place; any other element is [`PropertyTag::Other`], and
/// so is everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PropertyTag {
    Multistatus,
    Response,
    SyncTokenOfAll,
    Href,
    Status,
    Propstat,
    PropstatStatus,
    Prop,
    Etag,
    Ctag,
    SyncToken,
    DisplayName,
    ContentType,
    Data,
    ResourceType,
    Components,
    Component,
    Privileges,
    Privilege,
    ZoneObject,
    ZoneId,
    Principal,
    PrincipalHref,
    SharedUrl,
    SharedHref,
    Homes,
    HomeHref,
    Addresses,
    AddressHref,
    Flag,
    Other,
}

impl PropertyTag {
    pub(super) fn of(parent: Option<Self>, namespace: &str, local: &str) -> Self {
        match (parent, namespace, local) {
            (None, DAV, "multistatus") => Self::Multistatus,
            (Some(Self::Multistatus), DAV, "response") => Self::Response,
            (Some(Self::Multistatus), DAV, "sync-token") => Self::SyncTokenOfAll,
            (Some(Self::Response), DAV, "href") => Self::Href,
            (Some(Self::Response), DAV, "status") => Self::Status,
            (Some(Self::Response), DAV, "propstat") => Self::Propstat,
            (Some(Self::Propstat), DAV, "status") => Self::PropstatStatus,
            (Some(Self::Propstat), DAV, "prop") => Self::Prop,
            (Some(Self::Prop), DAV, "getetag") => Self::Etag,
            (Some(Self::Prop), CALENDARSERVER, "getctag") => Self::Ctag,
            (Some(Self::Prop), DAV, "sync-token") => Self::SyncToken,
            (Some(Self::Prop), DAV, "displayname") => Self::DisplayName,
            (Some(Self::Prop), DAV, "getcontenttype") => Self::ContentType,
            (Some(Self::Prop), CALDAV, "calendar-data") => Self::Data,
            (Some(Self::Prop), DAV, "resourcetype") => Self::ResourceType,
            (Some(Self::Prop), CALDAV, "supported-calendar-component-set") => Self::Components,
            (Some(Self::Components), CALDAV, "comp") => Self::Component,
            (Some(Self::Prop), DAV, "current-user-privilege-set") => Self::Privileges,
            (Some(Self::Privileges), DAV, "privilege") => Self::Privilege,
            (Some(Self::Prop), CALDAV, "calendar-timezone") => Self::ZoneObject,
            (Some(Self::Prop), CALDAV, "calendar-timezone-id") => Self::ZoneId,
            (Some(Self::Prop), DAV, "current-user-principal") => Self::Principal,
            (Some(Self::Principal), DAV, "href") => Self::PrincipalHref,
            (Some(Self::Prop), CALENDARSERVER, "shared-url") => Self::SharedUrl,
            (Some(Self::SharedUrl), DAV, "href") => Self::SharedHref,
            (Some(Self::Prop), CALDAV, "calendar-home-set") => Self::Homes,
            (Some(Self::Homes), DAV, "href") => Self::HomeHref,
            (Some(Self::Prop), CALDAV, "calendar-user-address-set") => Self::Addresses,
            (Some(Self::Addresses), DAV, "href") => Self::AddressHref,
            (Some(Self::ResourceType | Self::Privilege | Self::Principal), ..) => Self::Flag,
            _ => Self::Other,
        }
    }

    pub(super) fn has_text(self) -> bool {
        matches!(
            self,
            Self::SyncTokenOfAll
                | Self::Href
                | Self::Status
                | Self::PropstatStatus
                | Self::Etag
                | Self::Ctag
                | Self::SyncToken
                | Self::DisplayName
                | Self::ContentType
                | Self::Data
                | Self::ZoneObject
                | Self::ZoneId
                | Self::PrincipalHref
                | Self::SharedHref
                | Self::HomeHref
                | Self::AddressHref
        )
    }
}

/// A response that is being read.
#[derive(Default)]
pub(super) struct Building {
    hrefs: Vec<String>,
    status: Option<u16>,
    props: Props,
    /// The properties of the propstat that is open; they count once its status is known.
    pending: Props,
    pending_status: Option<u16>,
}

impl Building {
    pub(super) fn start(
        &mut self,
        parent: Option<PropertyTag>,
        tag: PropertyTag,
        namespace: &str,
        local: &str,
        component: Option<bool>,
    ) {
        let pending = &mut self.pending;
        match tag {
            PropertyTag::Propstat => {
                self.pending = Props::default();
                self.pending_status = None;
            }
            PropertyTag::Components => pending.events = Some(false),
            PropertyTag::Component if component == Some(true) => pending.events = Some(true),
            PropertyTag::Privileges => pending.privileges = Some(Privileges::default()),
            PropertyTag::Flag => match (parent, namespace, local) {
                (Some(PropertyTag::ResourceType), DAV, "collection") => {
                    pending.kind.collection = true
                }
                (Some(PropertyTag::ResourceType), CALDAV, "calendar") => {
                    pending.kind.calendar = true
                }
                (Some(PropertyTag::ResourceType), CALENDARSERVER, "subscribed") => {
                    pending.kind.subscribed = true
                }
                (Some(PropertyTag::ResourceType), CALDAV, "schedule-inbox" | "schedule-outbox") => {
                    pending.kind.scheduling = true
                }
                (Some(PropertyTag::Principal), DAV, "unauthenticated") => {
                    pending.unauthenticated = true
                }
                (Some(PropertyTag::Privilege), DAV, name) => {
                    let privileges = pending.privileges.get_or_insert_default();
                    match name {
                        "all" => privileges.all = true,
                        "write" => privileges.write = true,
                        "write-content" => privileges.write_content = true,
                        "bind" => privileges.bind = true,
                        _ => {}
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    pub(super) fn end(&mut self, tag: PropertyTag, text: String, too_large: bool) -> Result<()> {
        let trimmed = || Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let pending = &mut self.pending;
        let many = |list: &mut Vec<String>| {
            if list.len() >= MAX_HREFS {
                return Err(bad("one response names too many addresses"));
            }
            list.extend(trimmed());
            Ok(())
        };
        match tag {
            PropertyTag::Href => many(&mut self.hrefs)?,
            PropertyTag::HomeHref => many(&mut pending.homes)?,
            PropertyTag::AddressHref => many(&mut pending.addresses)?,
            PropertyTag::Status => {
                self.status =
                    Some(status(&text).ok_or_else(|| bad("a status line cannot be read"))?)
            }
            PropertyTag::PropstatStatus => self.pending_status = status(&text),
            PropertyTag::Propstat => {
                let props = std::mem::take(pending);
                if self.pending_status.is_some_and(|status| (200..300).contains(&status)) {
                    self.props.merge(props);
                }
            }
            PropertyTag::Etag => pending.etag = trimmed(),
            PropertyTag::Ctag => pending.ctag = trimmed(),
            PropertyTag::SyncToken => pending.sync_token = trimmed(),
            PropertyTag::DisplayName => {
                pending.display_name = Some(text).filter(|name| !name.is_empty())
            }
            PropertyTag::ContentType => pending.content_type = trimmed(),
            PropertyTag::Data if too_large => pending.data = Some(Data::TooLarge),
            PropertyTag::Data => {
                pending.data = Some(text).filter(|data| !data.is_empty()).map(Data::Object)
            }
            PropertyTag::ZoneObject => pending.zone_object = trimmed(),
            PropertyTag::ZoneId => pending.zone_id = trimmed(),
            PropertyTag::PrincipalHref => pending.principal = trimmed(),
            PropertyTag::SharedHref => pending.shared_url = trimmed(),
            _ => {}
        }
        Ok(())
    }

    /// The entries of the response: one an address.
    pub(super) fn finish(self) -> impl Iterator<Item = Entry> {
        let Self { hrefs, status, props, .. } = self;
        let last = hrefs.len().saturating_sub(1);
        let mut props = Some(props);
        hrefs.into_iter().enumerate().map(move |(n, href)| {
            let props = if n == last { props.take() } else { props.clone() };
            Entry { href, status, props: props.unwrap_or_default() }
        })
    }
}

/// The code in a status line: `HTTP/1.1 200 OK`, but `200 OK` and `HTTP/2 200` occur too.
fn status(line: &str) -> Option<u16> {
    let code = line
        .split_ascii_whitespace()
        .find(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit()))?;
    code.parse().ok().filter(|code| (100..600).contains(code))
}
