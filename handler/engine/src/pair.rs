//! A pair: from this calendar to that one, under these rules.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::calendar::{CalendarId, PairId};

/// A sync relationship between two calendars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Its id.
    pub id: PairId,
    /// Events of this calendar are copied…
    pub from: CalendarId,
    /// …to this one.
    pub to: CalendarId,
    /// Events of `to` are copied to `from` as well, and edits of copies flow back.
    pub two_way: bool,
    /// What is written to `to` shows only "Busy".
    pub private: bool,
    /// What is written to `from` shows only "Busy".
    pub private_back: bool,
    /// How far back events are looked at.
    pub window_past: Reach,
    /// How far ahead.
    pub window_future: Reach,
    /// Switched off by its owner.
    pub paused: bool,
    /// Made and never switched on: only a dry run reads its calendars. Rows of earlier releases
    /// lack it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
}

/// One end of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The calendar of `--from`.
    From,
    /// The calendar of `--to`.
    To,
}

impl Side {
    /// Both, in the order in which they are worked on.
    pub const BOTH: [Side; 2] = [Side::From, Side::To];

    /// The opposite end.
    pub fn other(self) -> Self {
        match self {
            Self::From => Self::To,
            Self::To => Self::From,
        }
    }
}

/// A value for each end of a pair. Stored as the array `[from, to]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerSide<T> {
    /// For the calendar of `--from`.
    pub from: T,
    /// For the calendar of `--to`.
    pub to: T,
}

impl<T> PerSide<T> {
    /// Makes each value from its side, `from` first.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        let from = make(Side::From);
        Self { from, to: make(Side::To) }
    }

    /// Makes each value from its side, `from` first; ends with the first error.
    pub fn try_from_fn<E>(mut make: impl FnMut(Side) -> Result<T, E>) -> Result<Self, E> {
        let from = make(Side::From)?;
        Ok(Self { from, to: make(Side::To)? })
    }

    /// References to both values.
    pub fn as_ref(&self) -> PerSide<&T> {
        PerSide { from: &self.from, to: &self.to }
    }

    /// Changes each value, `from` first.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PerSide<U> {
        let from = change(self.from);
        PerSide { from, to: change(self.to) }
    }

    /// Both values with their sides, `from` first.
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        self.as_ref().into_iter()
    }

    /// As [`PerSide::iter`], to change the values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Side, &mut T)> {
        PerSide { from: &mut self.from, to: &mut self.to }.into_iter()
    }

    /// Both values, `from` first.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        [&self.from, &self.to].into_iter()
    }
}

impl<T> Index<Side> for PerSide<T> {
    type Output = T;
    fn index(&self, side: Side) -> &T {
        match side {
            Side::From => &self.from,
            Side::To => &self.to,
        }
    }
}

impl<T> IndexMut<Side> for PerSide<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::From => &mut self.from,
            Side::To => &mut self.to,
        }
    }
}

impl<T> IntoIterator for PerSide<T> {
    type Item = (Side, T);
    type IntoIter = std::array::IntoIter<(Side, T), 2>;
    fn into_iter(self) -> Self::IntoIter {
        [(Side::From, self.from), (Side::To, self.to)].into_iter()
    }
}

impl<T> From<[T; 2]> for PerSide<T> {
    fn from([from, to]: [T; 2]) -> Self {
        Self { from, to }
    }
}

impl<T> From<PerSide<T>> for [T; 2] {
    fn from(PerSide { from, to }: PerSide<T>) -> Self {
        [from, to]
    }
}

impl<T: Serialize> Serialize for PerSide<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [&self.from, &self.to].serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerSide<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[T; 2]>::deserialize(deserializer).map(Self::from)
    }
}

impl Pair {
    /// The calendar at that end.
    pub fn calendar(&self, side: Side) -> &CalendarId {
        match side {
            Side::From => &self.from,
            Side::To => &self.to,
        }
    }

    /// Whether passes over the pair run: it was switched on and is not paused.
    pub fn is_active(&self) -> bool {
        !self.paused && !self.draft
    }

    /// Whether what is written to that end shows only "Busy".
    pub fn private_towards(&self, side: Side) -> bool {
        match side {
            Side::To => self.private,
            Side::From => self.private_back,
        }
    }

    /// Whether events that begin at that end are copied to the other.
    pub fn copies_from(&self, side: Side) -> bool {
        side == Side::From || self.two_way
    }

    /// The window on a day.
    pub fn window(&self, now: Timestamp) -> Window {
        let today = now.to_zoned(TimeZone::UTC).date();
        Window { start: self.window_past.before(today), end: self.window_future.after(today) }
    }
}

/// A span of days or months, as `90d` or `3mo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Reach {
    /// Days.
    Days(u16),
    /// Calendar months.
    Months(u16),
}

/// The longest reach that is taken: ten years.
const MAX_DAYS: u16 = 3660;
const MAX_MONTHS: u16 = 120;

impl Reach {
    fn before(self, day: Date) -> Date {
        match self {
            Self::Days(n) => day.saturating_sub(i64::from(n).days()),
            Self::Months(n) => day.saturating_sub(i64::from(n).months()),
        }
    }
    fn after(self, day: Date) -> Date {
        match self {
            Self::Days(n) => day.saturating_add(i64::from(n).days()),
            Self::Months(n) => day.saturating_add(i64::from(n).months()),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(n) => write!(f, "{n}d"),
            Self::Months(n) => write!(f, "{n}mo"),
        }
    }
}

impl From<Reach> for String {
    fn from(reach: Reach) -> Self {
        reach.to_string()
    }
}

impl TryFrom<String> for Reach {
    type Error = ReachError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A span that is not of the form `90d` or `3mo`, or longer than ten years.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a span: write days as 90d or months as 3mo, ten years at the most")]
pub struct ReachError(String);

impl FromStr for Reach {
    type Err = ReachError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReachError(text.chars().take(40).collect());
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let n: u16 = text[..digits].parse().map_err(|_| error())?;
        match &text[digits..] {
            "d" if n <= MAX_DAYS => Ok(Self::Days(n)),
            "mo" if n <= MAX_MONTHS => Ok(Self::Months(n)),
            _ => Err(error()),
        }
    }
}

/// The days that a pair looks at, in UTC; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First day.
    pub start: Date,
    /// The day after the last.
    pub end: Date,
}

impl Window {
    /// First instant.
    pub fn start_instant(self) -> Timestamp {
        instant(self.start)
    }
    /// First instant after.
    pub fn end_instant(self) -> Timestamp {
        instant(self.end)
    }
}

fn instant(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn pair(two_way: bool) -> Pair {
        let (window_past, window_future) = (Reach::Months(3), Reach::Days(10));
        let (from, to) = (CalendarId::new("a"), CalendarId::new("b"));
        Pair {
            id: PairId::new("p"),
            from,
            to,
            two_way,
            private: true,
            private_back: false,
            window_past,
            window_future,
            paused: false,
            draft: false,
        }
    }

    #[test]
    fn each_end_has_its_calendar_and_its_rules() {
        let pair = pair(false);
        assert_eq!(
            (pair.calendar(Side::From).as_str(), pair.calendar(Side::To).as_str()),
            ("a", "b")
        );
        assert_eq!(
            (pair.private_towards(Side::To), pair.private_towards(Side::From)),
            (true, false)
        );
        assert_eq!((Side::From.other(), Side::To.other()), (Side::To, Side::From));
    }

    #[test]
    fn values_of_both_ends_are_stored_as_an_array() {
        let mut values = PerSide::from_fn(|side| side == Side::To);
        assert_eq!(serde_json::to_string(&values).unwrap(), "[false,true]");
        assert_eq!(serde_json::from_str::<PerSide<bool>>("[false,true]").unwrap(), values);
        values[Side::From] = true;
        assert_eq!(values.iter().collect::<Vec<_>>(), [(Side::From, &true), (Side::To, &true)]);
        assert_eq!(<[bool; 2]>::from(values.map(|value| !value)), [false, false]);
    }

    #[test]
    fn only_a_two_way_pair_copies_back() {
        assert!(pair(false).copies_from(Side::From) && !pair(false).copies_from(Side::To));
        assert!(pair(true).copies_from(Side::From) && pair(true).copies_from(Side::To));
    }

    #[test]
    fn a_pair_of_an_earlier_release_is_no_draft() {
        let earlier = serde_json::to_value(pair(false)).unwrap();
        assert_eq!(earlier.get("draft"), None, "and its row stays as it was");
        let read: Pair = serde_json::from_value(earlier).unwrap();
        assert!(read.is_active() && !read.draft);
        let draft = Pair { draft: true, ..pair(false) };
        let read: Pair = serde_json::from_str(&serde_json::to_string(&draft).unwrap()).unwrap();
        assert!(read == draft && !read.is_active());
        assert!(!Pair { paused: true, ..pair(false) }.is_active());
    }

    #[test]
    fn a_window_is_counted_in_days_of_utc() {
        let window = pair(false).window("2026-05-31T23:30:00Z".parse().unwrap());
        assert_eq!(window, Window { start: date(2026, 2, 28), end: date(2026, 6, 10) });
        assert_eq!(window.start_instant().to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(window.end_instant().to_string(), "2026-06-10T00:00:00Z");
        let other =
            Pair { window_past: Reach::Days(31), window_future: Reach::Months(1), ..pair(false) };
        let window = other.window("2026-01-31T00:00:00Z".parse().unwrap());
        assert_eq!(window, Window { start: date(2025, 12, 31), end: date(2026, 2, 28) });
    }

    #[test]
    fn a_reach_is_days_or_months_up_to_ten_years() {
        for (text, reach) in [
            ("0d", Reach::Days(0)),
            ("90d", Reach::Days(90)),
            ("3660d", Reach::Days(3660)),
            ("120mo", Reach::Months(120)),
        ] {
            assert_eq!(text.parse::<Reach>().unwrap(), reach);
            assert_eq!(
                (reach.to_string(), String::from(reach)),
                (text.to_owned(), text.to_owned())
            );
            assert_eq!(Reach::try_from(text.to_owned()).unwrap(), reach);
        }
        for text in ["", "d", "3", "3661d", "121mo", "70000d", "3 mo", "-3d", "3w", "3dd"] {
            let error = text.parse::<Reach>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not a span")), "{error}");
        }
    }
}
