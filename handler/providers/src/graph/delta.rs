//! Rounds of changes (`calendarView/delta`).
//!
//! # What is not relied upon
//! * That a round ends: in some service faults the same page comes again and again. A round is left
//!   at its second page without news, and so is one without an end of its own.
//! * That a page brings something: empty ones are followed.
//! * That something comes once: what is said last of an id counts.
//! * That a link leads to Microsoft: any other is no cursor.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde_json::value::RawValue;

use super::GraphCalendar;
use super::address::PAGE;
use super::address::is_segment;
use super::api::{ApiCall, ApiReply};
use super::errors::GraphRefusal;
use super::wire::{self, ItemHead};
use crate::Result;

/// The most pages of a round.
const MAX_PAGES: usize = 500;
/// The most pages in a row that bring nothing at all.
const MAX_EMPTY: usize = 20;

/// How a round ended.
pub(super) enum RoundEnd {
    /// The link to the next round.
    Link(String),
    /// It did not end, or its state is lost: the window has to be listed.
    Lost,
    /// It was refused.
    Refused(GraphRefusal),
}

impl GraphCalendar {
    /// Walks through a round, and passes on each entry with its head.
    pub(super) async fn round(
        &self,
        mut call: ApiCall,
        each: &mut (dyn FnMut(ItemHead, &RawValue) + Send),
    ) -> Result<RoundEnd> {
        let mut news = News::default();
        for _ in 0..MAX_PAGES {
            let page: wire::Page = match self.api.call(&call).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) if refusal.is_sync_state_lost() => {
                    return Ok(RoundEnd::Lost);
                }
                ApiReply::Refused(refusal) => return Ok(RoundEnd::Refused(refusal)),
            };
            let heads = page.value.iter().filter_map(|json| {
                let head: ItemHead = serde_json::from_str(json.get()).ok()?;
                is_segment(&head.id).then_some((head, json))
            });
            let heads: Vec<_> = heads.collect();
            let is_stuck = news.is_stuck(heads.iter().map(|(head, _)| head));
            for (head, json) in heads {
                each(head, json);
            }
            match (page.next_link, page.delta_link) {
                (_, Some(link)) if self.api.addresses.link(&link).is_ok() => {
                    return Ok(RoundEnd::Link(link));
                }
                (Some(_), None) if is_stuck => {
                    tracing::warn!(
                        "Microsoft's round of changes does not end; the calendar is listed instead"
                    );
                    return Ok(RoundEnd::Lost);
                }
                (Some(link), None) => call = ApiCall::round(self.api.addresses.link(&link)?, PAGE),
                (None, _) | (_, Some(_)) => return Ok(RoundEnd::Lost),
            }
        }
        Ok(RoundEnd::Lost)
    }
}

/// What a round has brought so far.
#[derive(Default)]
struct News {
    hasher: RandomState,
    seen: HashSet<u64>,
    /// Pages in a row with entries of which none was new.
    old: usize,
    empty: usize,
}

impl News {
    /// Takes a page; whether the round leads nowhere.
    fn is_stuck<'a>(&mut self, page: impl Iterator<Item = &'a ItemHead>) -> bool {
        let (mut is_empty, mut is_new) = (true, false);
        for head in page {
            is_empty = false;
            let entry = (&head.id, &head.etag, head.is_removed());
            is_new |= self.seen.insert(self.hasher.hash_one(entry));
        }
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if !is_empty {
            self.old = if is_new { 0 } else { self.old + 1 };
        }
        self.old >= 2 || self.empty > MAX_EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(id: &str, etag: &str) -> ItemHead {
        ItemHead { id: id.into(), etag: Some(etag.into()), ..ItemHead::default() }
    }

    #[test]
    fn the_second_page_without_news_ends_a_round_and_empty_ones_do_not() {
        let mut news = News::default();
        let page = [head("a", "1"), head("b", "1")];
        assert!(!news.is_stuck(page.iter()));
        assert!(!news.is_stuck(page.iter()), "a replay");
        assert!(!news.is_stuck([].iter()));
        assert!(news.is_stuck(page.iter()), "again");
        let mut news = News::default();
        for version in 0..50 {
            assert!(!news.is_stuck([head("a", &version.to_string())].iter()), "a new version");
        }
        let mut news = News::default();
        assert!((0..MAX_EMPTY).all(|_| !news.is_stuck([].iter())));
        assert!(news.is_stuck([].iter()));
    }
}
