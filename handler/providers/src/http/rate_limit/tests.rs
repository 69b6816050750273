use super::*;

use super::super::SHORT_WAIT;

const APPLE: RateLimits = RateLimits {
    parallel: 2,
    spacing: Duration::from_millis(250),
    doubling: true,
    patience: SHORT_WAIT,
    persistent: false,
};

#[tokio::test(start_paused = true)]
async fn requests_keep_their_distance() {
    let limit = RateLimit::new(APPLE, 1);
    let begun = Instant::now();
    for _ in 0..9 {
        drop(limit.admit(1).await.unwrap());
    }
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_request_may_count_as_several() {
    let limit = RateLimit::new(APPLE, 1);
    let begun = Instant::now();
    for _ in 0..3 {
        drop(limit.admit(3).await.unwrap());
    }
    drop(limit.admit(1).await.unwrap());
    assert_eq!(begun.elapsed(), Duration::from_millis(9 * 250));
}

/// Counted when it begins: those that are under way at once do not all begin before the first
/// has been counted.
#[tokio::test(start_paused = true)]
async fn what_counts_as_several_keeps_its_distance_from_the_beginning() {
    let limit = RateLimit::new(RateLimits { parallel: 8, ..APPLE }, 1);
    let begun = Instant::now();
    let mut under_way = Vec::new();
    for _ in 0..4 {
        under_way.push(limit.admit(50).await.unwrap());
    }
    assert_eq!(begun.elapsed(), Duration::from_millis(3 * 50 * 250));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_to_slow_down_does_and_comes_back() {
    let limit = RateLimit::new(APPLE, 1);
    let between = async || {
        drop(limit.admit(1).await.unwrap());
        let begun = Instant::now();
        drop(limit.admit(1).await.unwrap());
        begun.elapsed().as_millis()
    };
    assert_eq!(between().await, 250);
    for expected in [500, 1000, 2000, 2000] {
        // All that was under way is refused at once.
        (0..8).for_each(|_| limit.slow_down());
        assert_eq!(between().await, expected);
        tokio::time::advance(ONE_COMPLAINT).await;
    }
    for expected in [1000, 500, 250, 250] {
        tokio::time::advance(SLOW).await;
        assert_eq!(between().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_at_once() {
    let limit = RateLimit::new(APPLE, 1);
    let _one = limit.admit(1).await.unwrap();
    let two = limit.admit(1).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(60), limit.admit(1)).await.is_err());
    drop(two);
    drop(limit.admit(1).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_is_too_short_is_doubled_each_time() {
    let limit = RateLimit::new(APPLE, 1);
    let one = Some(Duration::from_secs(1));
    assert_eq!(limit.throttled(one), Some(Duration::from_secs(2)));
    assert_eq!(limit.throttled(one), Some(Duration::from_secs(4)));
    assert_eq!(limit.throttled(Some(Duration::from_secs(60))), Some(Duration::from_secs(60)));
    limit.reset();
    assert_eq!(limit.throttled(one), Some(Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn while_the_server_wants_peace_nothing_is_sent() {
    let limit = RateLimit::new(APPLE, 1);
    limit.throttled(Some(Duration::from_secs(100)));
    assert!(
        matches!(limit.admit(1).await, Err(Error::RateLimited { retry_after: Some(wait) }) if wait <= Duration::from_secs(100))
    );
    tokio::time::advance(Duration::from_secs(96)).await;
    let begun = Instant::now();
    drop(limit.admit(1).await.unwrap());
    assert!(begun.elapsed() >= Duration::from_secs(3));
}

#[tokio::test]
async fn changes_begin_one_at_a_time_and_become_more_where_none_is_locked() {
    let limit = RateLimit::new(RateLimits { parallel: 3, ..APPLE }, 1);
    let mut at_once = Vec::new();
    for _ in 0..2 * GONE_WELL + 1 {
        at_once.push(limit.changes.available_permits());
        drop(limit.change_permit().await.unwrap());
        limit.record_success();
    }
    let [first, then, last] = [0, GONE_WELL as usize, 2 * GONE_WELL as usize].map(|n| at_once[n]);
    assert_eq!((first, then, last), (1, 2, 3));
}

#[tokio::test]
async fn a_lock_takes_the_turns_back_for_good() {
    let limit = RateLimit::new(RateLimits { parallel: 8, ..APPLE }, 1);
    for _ in 0..10 * GONE_WELL {
        limit.record_success();
    }
    assert_eq!(limit.changes.available_permits(), 8);
    for _ in 0..20 {
        limit.record_lock(limit.change_permit().await.unwrap());
        limit.record_success();
    }
    assert_eq!(limit.changes.available_permits(), 1);
}

#[test]
fn retry_after_in_both_forms() {
    let headers = |pairs: &[(&'static str, &'static str)]| {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>()
    };
    assert_eq!(retry_after(&headers(&[("retry-after", "120")])), Some(Duration::from_secs(120)));
    let date = [
        ("retry-after", "Fri, 20 Nov 2026 10:00:30 GMT"),
        ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
    ];
    assert_eq!(retry_after(&headers(&date)), Some(Duration::from_secs(30)));
    assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
    assert_eq!(retry_after(&headers(&[("retry-after", "99999999999999")])), Some(LONGEST));
}
