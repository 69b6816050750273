//! How quick a pair is: from a change at the provider to the write of this program, as a histogram
//! of fixed size over the last seven days.

use engine::pair::PerSide;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The number of days that count.
pub const DAYS: i64 = 7;

/// Each bucket ends at √2 times the end of the bucket before; the first at this many seconds, the
/// last at more than an hour.
const FIRST_END: f64 = 0.5;
const BUCKETS: u8 = 27;

/// A change that took longer was not waited for: the program was off, or the provider away.
const LONGEST: f64 = 3_600.0;
/// A change may lie so many seconds ahead, because the provider's clock is ahead.
const AHEAD: f64 = 5.0;
/// A change may lie so many seconds before the pass that has not seen it, for the same reason.
const BEHIND: i64 = 60;

/// How long changes took, by day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quickness {
    /// The oldest first: the buckets that are not empty, with their counts.
    days: Vec<(Date, Vec<(u8, u32)>)>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Measured {
    /// Half of the changes were written within so many seconds.
    pub p50_seconds: f64,
    pub p95_seconds: f64,
    /// The number of changes.
    pub changes: u64,
    /// The days in which they were made.
    pub days: i64,
}

impl Quickness {
    pub(super) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Notes how many seconds some changes took.
    pub(super) fn note(&mut self, today: Date, seconds: &[f64]) {
        let last = today.saturating_add(1.day());
        self.days.retain(|(day, _)| *day >= first(today) && *day <= last);
        if seconds.is_empty() {
            return;
        }
        let at = match self.days.binary_search_by_key(&today, |(day, _)| *day) {
            Ok(at) => at,
            Err(at) => {
                self.days.insert(at, (today, Vec::new()));
                at
            }
        };
        for seconds in seconds {
            let counts = &mut self.days[at].1;
            let bucket = bucket_of(*seconds);
            match counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
                Ok(at) => counts[at].1 = counts[at].1.saturating_add(1),
                Err(at) => counts.insert(at, (bucket, 1)),
            }
        }
    }

    /// What the last seven days show; `None` where nothing was measured.
    pub fn measured(&self, today: Date) -> Option<Measured> {
        let mut counts = [0_u64; BUCKETS as usize];
        let recent = self.days.iter().filter(|(day, _)| *day >= first(today));
        for (bucket, count) in recent.flat_map(|(_, counts)| counts) {
            counts[usize::from((*bucket).min(BUCKETS - 1))] += u64::from(*count);
        }
        let changes: u64 = counts.iter().sum();
        (changes > 0).then(|| Measured {
            p50_seconds: percentile(&counts, changes, 50),
            p95_seconds: percentile(&counts, changes, 95),
            changes,
            days: DAYS,
        })
    }
}

/// How many seconds a change took that its provider dates to `changed` and that was written at
/// `now`; `None` where that is no latency. `unseen_since` is when the last pass began that has not
/// seen it, for each calendar.
pub fn seconds_taken(
    changed: Timestamp,
    now: Timestamp,
    unseen_since: PerSide<Timestamp>,
) -> Option<f64> {
    let since = unseen_since.from.min(unseen_since.to);
    let is_news = changed.as_second() >= since.as_second().saturating_sub(BEHIND);
    let seconds = now.duration_since(changed).as_secs_f64();
    (is_news && (-AHEAD..=LONGEST).contains(&seconds)).then_some(seconds.max(0.0))
}

/// The first day that counts.
fn first(today: Date) -> Date {
    today.saturating_sub((DAYS - 1).days())
}

/// Where a bucket ends.
fn end(bucket: u8) -> f64 {
    FIRST_END * (f64::from(bucket) / 2.0).exp2()
}

fn bucket_of(seconds: f64) -> u8 {
    (0..BUCKETS - 1).find(|bucket| seconds <= end(*bucket)).unwrap_or(BUCKETS - 1)
}

/// So many per cent of the changes took no longer, in tenths of a second. Within a bucket they are
/// taken to be spread evenly.
fn percentile(counts: &[u64], changes: u64, percent: u64) -> f64 {
    let rank = (changes * percent).div_ceil(100).max(1);
    let mut before = 0;
    for (bucket, count) in (0..BUCKETS).zip(counts) {
        if before + count >= rank {
            let begin = if bucket == 0 { 0.0 } else { end(bucket - 1) };
            #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
            let share = (rank - before) as f64 / *count as f64;
            let seconds = (end(bucket) - begin).mul_add(share, begin);
            return (seconds * 10.0).round() / 10.0;
        }
        before += count;
    }
    end(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 3, 10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_773_136_800 + second).unwrap()
    }

    proptest! {
        /// A percentile is off by less than a bucket.
        #[test]
        fn a_percentile_is_near_that_of_the_changes(
            mut all in prop::collection::vec(0.0_f64..3_600.0, 1..300),
        ) {
            let mut quickness = Quickness::default();
            for part in all.chunks(7) {
                quickness.note(TODAY, part);
            }
            let measured = quickness.measured(TODAY).unwrap();
            prop_assert_eq!(measured.changes, all.len() as u64);
            all.sort_by(f64::total_cmp);
            for (shown, percent) in [(measured.p50_seconds, 50), (measured.p95_seconds, 95)] {
                let real = all[(all.len() * percent).div_ceil(100).max(1) - 1];
                let factor = std::f64::consts::SQRT_2;
                prop_assert!(shown <= (real * factor).max(FIRST_END) + 0.06, "{shown} {real}");
                prop_assert!(shown >= real / factor - 0.06 - FIRST_END, "{shown} {real}");
            }
            prop_assert!(measured.p50_seconds <= measured.p95_seconds);
        }

        /// However long it is noted, and whatever the clock does, it stays small, is read as it was
        /// written, and holds the changes of seven days.
        #[test]
        fn it_has_a_fixed_size(
            passes in prop::collection::vec((-2_i64..4, prop::collection::vec(-9.0_f64..1e9, 0..40)), 1..60),
        ) {
            let (mut quickness, mut today) = (Quickness::default(), TODAY);
            for (days, seconds) in passes {
                today = today.saturating_add(days.days());
                quickness.note(today, &seconds);
            }
            let text = serde_json::to_string(&quickness).unwrap();
            prop_assert!(text.len() < 3_000, "{}", text.len());
            prop_assert_eq!(serde_json::from_str::<Quickness>(&text).unwrap(), quickness.clone());
            prop_assert_eq!(quickness.measured(today.saturating_add(9.days())), None);
        }

        /// What counts is never negative and never older than the pass that has not seen it.
        #[test]
        fn only_what_was_waited_for_counts(changed in -9_000_i64..9_000, since in -9_000_i64..0) {
            let since = PerSide::from_fn(|_| at(since));
            match seconds_taken(at(changed), at(0), since) {
                Some(seconds) => {
                    prop_assert!((0.0..=LONGEST).contains(&seconds));
                    prop_assert!(at(changed).as_second() >= since.from.as_second() - BEHIND);
                }
                None => prop_assert!(
                    changed > 5 || -changed > 3_600
                        || at(changed).as_second() < since.from.as_second() - BEHIND
                ),
            }
        }
    }

    #[test]
    fn changes_of_seven_days_count() {
        let mut quickness = Quickness::default();
        assert_eq!(quickness.measured(TODAY), None);
        for days in 0..10 {
            quickness.note(TODAY.saturating_add(days.days()), &[1.0, 2.0]);
        }
        let measured = quickness.measured(TODAY.saturating_add(9.days())).unwrap();
        assert_eq!((measured.changes, measured.days), (14, 7));
        assert_eq!(quickness.measured(TODAY.saturating_add(15.days())).unwrap().changes, 2);
    }
}
