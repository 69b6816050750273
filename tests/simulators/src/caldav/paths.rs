//! Which path leads where, by the manners of the server.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::bases::Route;
use super::manners::Manners;
use super::state::Records;

/// What is kept as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const SEGMENT_WITH_AT: &AsciiSet = &SEGMENT.remove(b'@');

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    WellKnown,
    Principal(String),
    Home(String),
    Calendar(String, String),
    Object(String, String, String),
    Nowhere,
}

impl Place {
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Principal(user)
            | Self::Home(user)
            | Self::Calendar(user, _)
            | Self::Object(user, _, _) => Some(user),
            Self::Root | Self::WellKnown | Self::Nowhere => None,
        }
    }
}

/// Paths, written and read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paths<'a> {
    pub manners: &'a Manners,
    pub records: &'a Records,
    /// The prefix of the request, written before every path.
    pub prefix: &'a str,
}

impl Paths<'_> {
    pub fn principal(&self, user: &str) -> String {
        self.below_base(self.manners.principal, user)
    }

    pub fn home(&self, user: &str) -> String {
        self.below_base(self.manners.home, user)
    }

    fn below_base(&self, template: &str, user: &str) -> String {
        format!(
            "{}{}{}",
            self.prefix,
            self.manners.base,
            template.replace("{}", &self.account(user))
        )
    }

    pub fn calendar(&self, user: &str, calendar: &str) -> String {
        format!("{}{}/", self.home(user), self.encode(calendar))
    }

    pub fn object(&self, user: &str, calendar: &str, name: &str) -> String {
        format!("{}{}", self.calendar(user, calendar), self.encode(name))
    }

    fn account<'b>(&self, user: &'b str) -> Cow<'b, str> {
        match self.records.accounts.get(user) {
            Some(account) if self.manners.numbered_accounts => account.number.to_string().into(),
            _ => self.encode(user),
        }
    }

    pub fn encode<'b>(&self, segment: &'b str) -> Cow<'b, str> {
        let set = if self.manners.at_sign_encoded { SEGMENT } else { SEGMENT_WITH_AT };
        Cow::from(utf8_percent_encode(segment, set))
    }

    /// Where a path or an absolute address leads.
    pub fn place(&self, address: &str) -> Place {
        let path = match address.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => address,
        };
        let (_, Route::Here(path)) = self.manners.route(path) else { return Place::Nowhere };
        let decoded: Option<Vec<String>> = path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(|s| percent_decode_str(s).decode_utf8().ok().map(Cow::into_owned))
            .collect();
        let Some(segments) = decoded else { return Place::Nowhere };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            [] if self.manners.root_knows_principal => return Place::Root,
            ["dav"] => return Place::Root,
            [".well-known", "caldav"] => return Place::WellKnown,
            _ => {}
        }
        let under = |template: &str| -> Option<(String, Vec<String>)> {
            let mut rest = segments.iter();
            let mut user = None;
            for part in template.split('/').filter(|s| !s.is_empty()) {
                let segment = rest.next()?;
                if part == "{}" {
                    user = self.records.accounts.iter().find(|(name, account)| {
                        if self.manners.numbered_accounts {
                            account.number.to_string() == *segment
                        } else {
                            name.as_str() == *segment
                        }
                    });
                    user?;
                } else if part != *segment {
                    return None;
                }
            }
            Some((user?.0.clone(), rest.map(ToString::to_string).collect()))
        };
        match under(self.manners.home) {
            Some((user, rest)) => match <[String; 1]>::try_from(rest) {
                Ok([calendar]) => Place::Calendar(user, calendar),
                Err(rest) if rest.is_empty() => Place::Home(user),
                Err(rest) => match <[String; 2]>::try_from(rest) {
                    Ok([calendar, name]) => Place::Object(user, calendar, name),
                    Err(_) => Place::Nowhere,
                },
            },
            None => match under(self.manners.principal) {
                Some((user, rest)) if rest.is_empty() => Place::Principal(user),
                _ => Place::Nowhere,
            },
        }
    }
}
