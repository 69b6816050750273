//! From a URL to the calendar homes behind it (RFC 6764, RFC 5397, RFC 4791 section 6.2.1).
//!
//! The URL may be anything that people copy: a host, the server's DAV root, a principal, a calendar
//! home or a single calendar. It is asked first what it is; only where it does not lead to a
//! principal is `/.well-known/caldav` tried. Then principal, then homes.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::account::account_key;
use super::address;
use super::dav::{Dav, DavRefusal, Hop, MAX_HOPS, MultistatusReply, circle, too_many_hops};
use super::endpoint::{Endpoint, Home, digest};
use super::flavour::Flavour;
use super::multistatus::Props;
use super::trusted_hosts::{Origin, TrustedHosts};
use super::{bodies, icloud};
use crate::http::{Credentials, Http};
use crate::{Error, Result};

/// Where a server says which one its calendars are on (RFC 6764 section 5).
const WELL_KNOWN: &str = "/.well-known/caldav";

/// Tries the credentials and finds the account's calendar homes.
///
/// # Errors
/// [`Error::Credentials`] for a password of the wrong form (before any request), [`Error::Address`]
/// for an address that may not be used, [`Error::Unauthorized`], [`Error::Forbidden`],
/// [`Error::BadAnswer`] where no CalDAV server answers, [`Error::Unreachable`].
pub async fn discover(
    http: &Arc<Http>,
    flavour: Flavour,
    url: &str,
    user: &str,
    password: &SecretString,
) -> Result<Endpoint> {
    let url = address::parse(url)?;
    http.access().check(&url)?;
    let user = user.trim();
    let (scope, password) = match flavour {
        Flavour::Generic => (TrustedHosts::Sites(vec![Origin::of(&url)]), password.clone()),
        Flavour::ICloud if icloud::is_china(&url) => {
            return Err(Error::Address(icloud::CHINA.into()));
        }
        Flavour::ICloud => (TrustedHosts::icloud(&url), icloud::app_password(password)?),
    };
    let dav = Dav {
        http: http.clone(),
        limit: http.rate_limit(&account_key(flavour, &url, user), flavour.limits()),
        credentials: Credentials::basic(user, &password)?,
        scope,
        route: None,
    };
    let mut search = Search { dav, flavour, base: url.clone() };
    let mut endpoint = match flavour {
        Flavour::Generic => search.search_generic(&url).await?,
        Flavour::ICloud => search.search_icloud(&url).await?,
    };
    if user.contains('@') {
        endpoint.me.push(digest(user));
    }
    endpoint.me.sort();
    endpoint.me.dedup();
    Ok(endpoint)
}

struct Search {
    dav: Dav,
    flavour: Flavour,
    /// The server that answered last.
    base: Url,
}

/// What there is at an address.
struct Place {
    url: Url,
    props: Props,
}

/// The answer to "what is here?".
enum Discovered {
    Here(Box<Place>),
    Nothing(DavRefusal),
    /// It is said to be on another host, to which the password does not go.
    Outside(Error),
}

impl Search {
    /// Any server.
    async fn search_generic(&mut self, url: &Url) -> Result<Endpoint> {
        let first = self.read_address(url).await;
        let first = match first {
            Ok(found) => found,
            // A web page instead of an answer: the server may still say where its calendars are.
            Err(Error::BadAnswer(why)) => {
                return self.well_known(url).await?.ok_or_else(|| not_found(url, &why));
            }
            Err(error) => return Err(error),
        };
        let here = match first {
            Discovered::Here(here) => here,
            // Where a server says so in the place that is made for it, the password follows.
            Discovered::Outside(error) => return self.well_known(url).await?.ok_or(error),
            Discovered::Nothing(refusal) => {
                let why = refusal.status.to_string();
                return self.well_known(url).await?.ok_or(match refusal.error() {
                    error @ (Error::Forbidden(_) | Error::Unreachable(_) | Error::NoAnswer(_)) => {
                        error
                    }
                    _ => not_found(url, &why),
                });
            }
        };
        if let Some(endpoint) = self.homes_of(&here).await? {
            return Ok(endpoint);
        }
        if let Some(endpoint) = self.well_known(url).await? {
            return Ok(endpoint);
        }
        Err(not_found(url, "it names no user and no calendars"))
    }

    async fn well_known(&mut self, url: &Url) -> Result<Option<Endpoint>> {
        let found = match self.read_address(&address::at(url, WELL_KNOWN)).await {
            Ok(found) => found,
            Err(Error::BadAnswer(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        match found {
            Discovered::Here(here) => self.homes_of(&here).await,
            Discovered::Outside(error) => Err(error),
            Discovered::Nothing(refusal) if refusal.status.as_u16() == 403 => Err(refusal.error()),
            Discovered::Nothing(_) => Ok(None),
        }
    }

    /// Apple: the root names the principal, the principal the home, and the home's host is the
    /// account's partition.
    async fn search_icloud(&mut self, url: &Url) -> Result<Endpoint> {
        let here = match self.read_address(&address::at(url, "/")).await? {
            Discovered::Here(here) => here,
            Discovered::Nothing(refusal) => return Err(refusal.error()),
            Discovered::Outside(error) => return Err(error),
        };
        let mut endpoint = self
            .homes_of(&here)
            .await?
            .ok_or_else(|| not_found(url, "it names no calendar home"))?;
        // The common host serves every account's paths. Should it not, the partition does.
        let home = address::parse(&endpoint.homes[0].url)?;
        let common = address::at(&self.base, home.path());
        if common.origin() != home.origin() && !self.answers(&common).await? {
            endpoint.base = address::at(&home, "/").to_string();
        }
        Ok(endpoint)
    }

    async fn answers(&self, url: &Url) -> Result<bool> {
        match self.dav.propfind(url, "0", bodies::STATE, |_| Ok(())).await {
            Ok(MultistatusReply::Read(_)) => Ok(true),
            Ok(MultistatusReply::Refused(_)) | Err(Error::BadAnswer(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// From any of these to the homes; `None` if it leads nowhere.
    async fn homes_of(&self, here: &Place) -> Result<Option<Endpoint>> {
        let Place { url, props } = here;
        let mut endpoint = Endpoint {
            base: address::at(&self.base, "/").to_string(),
            principal: None,
            homes: Vec::new(),
            me: Vec::new(),
        };
        let mut homes = self.homes(url, props, &mut endpoint)?;
        let principal =
            props.principal.as_deref().map(|href| self.elsewhere(url, href)).transpose()?;
        endpoint.principal = principal.as_ref().map(Url::to_string);
        if let Some(principal) = principal.filter(|_| homes.is_empty())
            && let Discovered::Here(principal) = self.ask(&principal, bodies::PRINCIPAL).await?
        {
            homes = self.homes(&principal.url, &principal.props, &mut endpoint)?;
        }
        let inside = homes.iter().any(|home| {
            address::collection_key(url.path()).starts_with(&address::collection_key(home.path()))
        });
        let above = homes.iter().any(|home| {
            address::collection_key(home.path()).starts_with(&address::collection_key(url.path()))
        });
        endpoint.homes =
            homes.iter().map(|home| Home { url: home.to_string(), is_calendar: false }).collect();
        if self.flavour == Flavour::ICloud || inside || (above && !endpoint.homes.is_empty()) {
            return Ok(Some(endpoint).filter(|endpoint| !endpoint.homes.is_empty()));
        }
        // A place outside the user's own homes, named on purpose: another person's home, a shared
        // calendar, or a server without principals.
        if props.kind.calendar {
            endpoint.homes.insert(0, Home { url: url.to_string(), is_calendar: true });
        } else if props.kind.collection && self.holds_calendars(url).await? {
            endpoint.homes.insert(0, Home { url: url.to_string(), is_calendar: false });
        }
        Ok(Some(endpoint).filter(|endpoint| !endpoint.homes.is_empty()))
    }

    async fn holds_calendars(&self, url: &Url) -> Result<bool> {
        let mut calendars = false;
        let reply = self.dav.propfind(url, "1", bodies::STATE, |entry| {
            calendars |= entry.props.kind.calendar;
            Ok(())
        });
        match reply.await {
            Ok(_) => Ok(calendars),
            Err(Error::BadAnswer(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The homes among some properties; the user's own addresses go to the endpoint.
    fn homes(&self, url: &Url, props: &Props, endpoint: &mut Endpoint) -> Result<Vec<Url>> {
        let mail = |href: &String| {
            href.get(..7)
                .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
                .map(|_| digest(&href[7..]))
        };
        endpoint.me.extend(props.addresses.iter().filter_map(mail));
        let mut homes = Vec::new();
        for href in &props.homes {
            let home = self.elsewhere(url, href)?;
            if !homes.contains(&home) {
                homes.push(home);
            }
        }
        Ok(homes)
    }

    /// An address that the server names, if the password may go there.
    fn elsewhere(&self, url: &Url, href: &str) -> Result<Url> {
        let mut named = address::resolve(url, href)?;
        // A server behind a proxy that ends TLS for it may not know that it is reached over https.
        if url.scheme() == "https" && named.scheme() == "http" && named.host() == url.host() {
            named = address::at(url, named.path());
        }
        self.dav.http.access().check(&named)?;
        self.dav.scope.check(&named)?;
        Ok(named)
    }

    async fn read_address(&mut self, url: &Url) -> Result<Discovered> {
        let mut url = url.clone();
        let mut seen = BTreeSet::new();
        while seen.insert(url.clone()) {
            if seen.len() > MAX_HOPS + 1 {
                return Err(too_many_hops());
            }
            let mut entries = Vec::new();
            let hop = self.dav.hop(&url, bodies::WHAT_IS_HERE, |entry| {
                entries.truncate(1);
                entries.push(entry);
                Ok(())
            });
            match hop.await? {
                Hop::To(next) => {
                    if icloud::is_china(&next) {
                        return Err(Error::Address(icloud::CHINA.into()));
                    }
                    self.dav.http.access().check(&next)?;
                    if url.path() == WELL_KNOWN {
                        self.dav.scope.extend(&next);
                    }
                    if let Err(error) = self.dav.scope.check(&next) {
                        return Ok(Discovered::Outside(error));
                    }
                    url = next;
                }
                Hop::Here(MultistatusReply::Refused(refusal)) => {
                    return Ok(Discovered::Nothing(refusal));
                }
                Hop::Here(MultistatusReply::Read(_)) => {
                    self.base = url.clone();
                    return discovered(url, entries);
                }
            }
        }
        Err(circle())
    }

    async fn ask(&self, url: &Url, body: &str) -> Result<Discovered> {
        let mut entries = Vec::new();
        let reply = self.dav.propfind(url, "0", body, |entry| {
            entries.truncate(1);
            entries.push(entry);
            Ok(())
        });
        match reply.await? {
            MultistatusReply::Refused(refusal) => Ok(Discovered::Nothing(refusal)),
            MultistatusReply::Read(_) => discovered(url.clone(), entries),
        }
    }
}

/// The one entry of an answer of depth 0. Its address is not compared: some servers call a
/// principal by another name.
fn discovered(url: Url, mut entries: Vec<super::multistatus::Entry>) -> Result<Discovered> {
    let entry =
        entries.drain(..).next().ok_or_else(|| Error::BadAnswer("its answer is empty".into()))?;
    if entry.props.unauthenticated {
        return Err(Error::Unauthorized);
    }
    Ok(Discovered::Here(Box::new(Place { url, props: entry.props })))
}

fn not_found(url: &Url, why: &str) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::BadAnswer(format!(
        "no CalDAV calendars were found on {host} ({why}). Check the address; the server's help \
        pages name it, often as \"CalDAV URL\""
    ))
}

#[cfg(test)]
mod tests;
