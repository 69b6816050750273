//! Numbers, and how they are read.

use std::time::Duration;

/// The one in the middle; of an even number the mean of both.
pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => Duration::ZERO,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2,
    }
}

/// How many times `b` fits into `a`.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(1e-9)
}

/// A time in the unit that suits it.
pub fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.1 => format!("{:.1} ms", seconds * 1e3),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// Memory, from KiB.
pub fn memory(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

/// An amount of data.
pub fn bytes(bytes: u64) -> String {
    if bytes < 10_240 { format!("{bytes} B") } else { format!("{:.0} KiB", bytes as f64 / 1024.0) }
}

/// A count with its thousands set apart.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(all: &[u64]) -> Vec<Duration> {
        all.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(median(&seconds(&[9, 1, 5])), Duration::from_secs(5));
        assert_eq!(median(&seconds(&[4, 1, 100, 2])), Duration::from_secs(3));
        assert_eq!(median(&[]), Duration::ZERO);
    }

    #[test]
    fn numbers_are_read_with_ease() {
        assert_eq!(
            (time(Duration::from_micros(4_260)), time(Duration::from_millis(640))),
            ("4.3 ms".into(), "640 ms".into())
        );
        assert_eq!(time(Duration::from_millis(12_340)), "12.34 s");
        assert_eq!(
            (count(1), count(1_000), count(12_345_678)),
            ("1".into(), "1,000".into(), "12,345,678".into())
        );
        assert_eq!(
            (memory(65_536), bytes(900), bytes(20_480)),
            ("64.0 MiB".into(), "900 B".into(), "20 KiB".into())
        );
        assert!((ratio(Duration::from_secs(3), Duration::from_secs(2)) - 1.5).abs() < 1e-9);
    }
}
