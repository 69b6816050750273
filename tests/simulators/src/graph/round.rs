//! What a round of delta is, and the token that it ends with.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::item::Left;

/// The rest of a round that is read page by page.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub calendar: u64,
    pub pages: Vec<Vec<Entry>>,
    /// The next page.
    pub next: usize,
    pub end: State,
    pub looped: bool,
}

/// What a delta token is: everything from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub calendar: u64,
    pub from: Timestamp,
    pub to: Timestamp,
    pub version: u64,
    pub generation: u32,
    /// The event that changed last, which may come again.
    pub last: Option<u64>,
}

/// An entry, shown as it is when its page is read.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Event(u64, Option<Date>),
    Removed(Left),
}

impl State {
    pub fn write(&self) -> String {
        let said = json!([
            self.calendar,
            self.from.to_string(),
            self.to.to_string(),
            self.version,
            self.generation,
            self.last,
        ]);
        format!("R{}", BASE64URL_NOPAD.encode(said.to_string().as_bytes()))
    }

    pub fn read(token: &str) -> Option<Self> {
        let raw = BASE64URL_NOPAD.decode(token.strip_prefix('R')?.as_bytes()).ok()?;
        let said: Value = serde_json::from_slice(&raw).ok()?;
        let time = |n: usize| said[n].as_str()?.parse().ok();
        Some(Self {
            calendar: said[0].as_u64()?,
            from: time(1)?,
            to: time(2)?,
            version: said[3].as_u64()?,
            generation: said[4].as_u64()?.try_into().ok()?,
            last: said[5].as_u64(),
        })
    }
}
