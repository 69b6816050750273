//! How many keys stay, and for how long.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::Error;

fn wrapped(number: u32) -> Wrapped {
    Wrapped { version: "v".into(), key: number.to_string() }
}

/// A cache, and a count of its calls.
struct Asked {
    cache: Cache,
    times: AtomicU32,
}

impl Asked {
    fn new(most: usize) -> Self {
        Self { cache: Cache::new(Duration::from_secs(300), most), times: AtomicU32::new(0) }
    }

    async fn get(&self, number: u32) -> CacheKey {
        let ask = async {
            self.times.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(Zeroizing::new(number.to_be_bytes().to_vec()))
        };
        self.cache.get(&wrapped(number), ask).await.unwrap()
    }

    fn times(&self) -> u32 {
        self.times.load(Ordering::SeqCst)
    }

    fn held(&self) -> usize {
        lock(&self.cache.slots).slots.len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_asked_for_once_and_again_when_its_time_is_over() {
    let asked = Asked::new(8);
    for _ in 0..5 {
        assert_eq!(*asked.get(7).await, 7_u32.to_be_bytes());
        tokio::time::advance(Duration::from_secs(50)).await;
    }
    assert_eq!(asked.times(), 1);
    tokio::time::advance(Duration::from_secs(51)).await;
    assert_eq!(*asked.get(7).await, 7_u32.to_be_bytes());
    assert_eq!(asked.times(), 2, "being used does not make it stay longer");
}

#[tokio::test(start_paused = true)]
async fn keys_leave_without_another_call() {
    let asked = Asked::new(8);
    asked.get(1).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    asked.get(2).await;
    assert_eq!(asked.held(), 2);
    tokio::time::sleep(Duration::from_secs(101)).await;
    assert_eq!(asked.held(), 1);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(asked.held(), 0);
    asked.get(3).await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(asked.held(), 0, "and those that come after the first sweep ended");
}

#[tokio::test(start_paused = true)]
async fn the_least_used_leaves_first() {
    let asked = Asked::new(3);
    for number in [1, 2, 3, 1, 4] {
        asked.get(number).await;
    }
    assert_eq!((asked.held(), asked.times()), (3, 4));
    asked.get(1).await;
    asked.get(3).await;
    assert_eq!(asked.times(), 4, "1 was used again, 3 came later than 2");
    asked.get(2).await;
    assert_eq!(asked.times(), 5);
    for number in 100..200 {
        asked.get(number).await;
        assert!(asked.held() <= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn many_at_once_ask_once() {
    let asked = Asked::new(8);
    let all = tokio::join!(asked.get(1), asked.get(1), asked.get(1), asked.get(2));
    assert_eq!((all.0, all.3), (all.1, Zeroizing::new(2_u32.to_be_bytes().to_vec())));
    assert_eq!(asked.times(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_remembered() {
    let asked = Asked::new(8);
    let failed =
        asked.cache.get(&wrapped(1), async { Err(Error::Unavailable("away".into())) }).await;
    assert!(matches!(failed, Err(Error::Unavailable(_))));
    assert_eq!(asked.held(), 0);
    assert_eq!(*asked.get(1).await, 1_u32.to_be_bytes());
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_of_two_versions_are_two_keys() {
    let cache = Cache::new(Duration::from_secs(300), 8);
    let of = |version: &str| Wrapped { version: version.into(), key: "k".into() };
    let one = cache.get(&of("1"), async { Ok(Zeroizing::new(vec![1])) }).await.unwrap();
    let two = cache.get(&of("2"), async { Ok(Zeroizing::new(vec![2])) }).await.unwrap();
    assert_ne!(one, two);
}
