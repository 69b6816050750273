//! The changes in a calendar: sync-collection where there is a token (RFC 6578), a listing where
//! there is none.
//!
//! A cursor keeps the ctag that was seen *before* the reading began and the token that the reading
//! ended with: a change in between is listed twice, never missed. A server that has lost a
//! token says so in many ways; all of them come out as [`Error::CursorExpired`], unless the
//! calendar itself is gone.

use engine::change::{Cursor, Listed, StateTag};
use engine::pair::Window;
use url::Url;

use super::account::CalDav;
use super::address::{self, with_slash};
use super::dav::{DavRefusal, MultistatusReply};
use super::multistatus::{Entry, Tail};
use super::sync_position::SyncPosition;
use super::{bodies, name};
use crate::http::RetryPolicy;
use crate::{ChangeSet, Error, Result};

/// The most truncated answers (507) of one list of changes.
const MAX_ROUNDS: usize = 1000;

/// What one report came to.
enum Round {
    Read { tail: Tail, cut_off: bool },
    Refused(DavRefusal),
}

impl CalDav {
    /// What happened since a cursor.
    pub(super) async fn changes(
        &self,
        calendar: &str,
        cursor: &Cursor,
        state: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        let mut token = SyncPosition::read(&cursor.0)
            .and_then(|mark| mark.token)
            .ok_or(Error::CursorExpired)?;
        let ctag = state.and_then(|state| SyncPosition::read(&state.0)).and_then(|mark| mark.ctag);
        let mut listing = MemberListing::new(calendar, self.url(calendar)?);
        for _ in 0..MAX_ROUNDS {
            let (tail, cut_off) = match self.sync_collection(&mut listing, &token).await? {
                Round::Read { tail, cut_off } => (tail, cut_off),
                Round::Refused(refusal) => {
                    return Err(self.refused_report(calendar, &refusal).await?);
                }
            };
            // A server that does not know the token may answer with nothing at all; without a new
            // token there is no going on either.
            let next = tail.sync_token.ok_or(Error::CursorExpired)?;
            if !cut_off {
                return Ok(ChangeSet::new(
                    listing.finish(),
                    SyncPosition { ctag, token: Some(next) }.cursor(),
                ));
            }
            if next == token {
                return Err(Error::CursorExpired);
            }
            token = next;
        }
        Err(Error::CursorExpired)
    }

    async fn sync_collection(&self, listing: &mut MemberListing, token: &str) -> Result<Round> {
        let body = bodies::sync_collection(token);
        let url = listing.url.clone();
        let mut round = None;
        // Depth 0 is the standard; servers from before it want 1.
        for depth in ["0", "1"] {
            let mut cut_off = false;
            let reply = self.dav.report(&url, depth, &body, RetryPolicy::ReadUnless500, |entry| {
                cut_off |= listing.add(entry);
                Ok(())
            });
            match reply.await? {
                MultistatusReply::Read(tail) => return Ok(Round::Read { tail, cut_off }),
                MultistatusReply::Refused(refusal)
                    if refusal.status.as_u16() == 400
                        && !refusal.has_condition("valid-sync-token") =>
                {
                    round = Some(Round::Refused(refusal))
                }
                MultistatusReply::Refused(refusal) => return Ok(Round::Refused(refusal)),
            }
        }
        round.ok_or(Error::CursorExpired)
    }

    /// What a refused sync-collection means.
    async fn refused_report(&self, calendar: &str, refusal: &DavRefusal) -> Result<Error> {
        Ok(match refusal.status.as_u16() {
            404 | 410 if !self.calendar_is_there(calendar).await? => Error::CalendarMissing,
            500 if refusal.has_condition("valid-sync-token") => Error::CursorExpired,
            400..=499 if !matches!(refusal.status.as_u16(), 401 | 407 | 408 | 425 | 429) => {
                Error::CursorExpired
            }
            501 | 507 => Error::CursorExpired,
            _ => refusal.error(),
        })
    }

    /// Everything in a window, or at all, and a cursor from before the listing began. Where the
    /// server cannot search, more than the window.
    pub(super) async fn listing(
        &self,
        calendar: &str,
        window: Option<Window>,
        state: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        let mark = match state
            .and_then(|state| SyncPosition::read(&state.0))
            .filter(|mark| mark.token.is_some())
        {
            Some(mark) => mark,
            None => self.read_position(calendar).await?,
        };
        let url = self.url(calendar)?;
        for window in [window, None].into_iter().skip(usize::from(window.is_none())) {
            let body = bodies::calendar_query(window);
            let mut listing = MemberListing::new(calendar, url.clone());
            let mut cut_off = false;
            let reply = self.dav.report(&url, "1", &body, RetryPolicy::ReadUnless500, |entry| {
                cut_off |= listing.add(entry);
                Ok(())
            });
            match reply.await? {
                MultistatusReply::Read(_) if cut_off => break,
                MultistatusReply::Read(_) => {
                    return Ok(ChangeSet::new(listing.finish(), mark.cursor()));
                }
                MultistatusReply::Refused(refusal)
                    if matches!(refusal.status.as_u16(), 404 | 410) =>
                {
                    break;
                }
                MultistatusReply::Refused(refusal)
                    if matches!(refusal.status.as_u16(), 400..=499 | 500 | 501 | 507) => {}
                MultistatusReply::Refused(refusal) => return Err(refusal.error()),
            }
        }
        let mut listing = MemberListing::new(calendar, url.clone());
        let mut cut_off = false;
        let reply = self.dav.propfind(&url, "1", bodies::MEMBERS, |entry| {
            cut_off |= listing.add(entry);
            Ok(())
        });
        match reply.await? {
            MultistatusReply::Read(_) if cut_off => {
                Err(Error::BadAnswer("the server does not list the whole calendar".into()))
            }
            MultistatusReply::Read(_) => Ok(ChangeSet::new(listing.finish(), mark.cursor())),
            MultistatusReply::Refused(refusal) if refusal.is_gone() => Err(Error::CalendarMissing),
            MultistatusReply::Refused(refusal) => Err(refusal.error()),
        }
    }
}

/// Members of a calendar as they are listed.
pub(super) struct MemberListing {
    url: Url,
    calendar: String,
    listed: Vec<Listed>,
}

impl MemberListing {
    pub(super) fn new(calendar: &str, url: Url) -> Self {
        Self { url, calendar: with_slash(calendar), listed: Vec::new() }
    }

    /// Takes an entry; says whether it is the mark of an answer that was cut off (RFC 6578 section
    /// 3.6).
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        if entry.status == Some(507) {
            return true;
        }
        // Collections end in a slash, and some servers list the calendar itself without it: neither
        // is a member.
        let member = name::member(&self.calendar, &address::path(&self.url, &entry.href));
        let Some(id) = member.filter(|_| !entry.props.kind.collection).map(|member| member.id)
        else {
            return false;
        };
        match entry.status {
            Some(404 | 410) => self.listed.push(Listed::Removed { id }),
            _ if entry.props.may_be_event() => {
                self.listed.push(Listed::Present { id, etag: entry.props.etag, event: None })
            }
            _ => {}
        }
        false
    }

    /// How many entries were taken.
    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    /// Every id once; what was said last counts.
    pub(super) fn finish(mut self) -> Vec<Listed> {
        self.listed.reverse();
        self.listed.sort_by(|a, b| a.id().cmp(b.id()));
        self.listed.dedup_by(|earlier, last| earlier.id() == last.id());
        self.listed
    }
}

#[cfg(test)]
mod tests;
