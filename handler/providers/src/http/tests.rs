use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use reqwest::Method;
use secrecy::SecretString;
use url::Url;

use super::*;

const LIMITS: RateLimits = RateLimits {
    parallel: 8,
    spacing: Duration::ZERO,
    doubling: false,
    patience: SHORT_WAIT,
    persistent: false,
};

/// A server that gives these bytes for the first connection, these for the second, and the last
/// ones ever after; then it closes.
async fn server(answers: &'static [&'static [u8]]) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        Url::parse(&format!("http://{}/secret-path?secret=1", listener.local_addr().unwrap()))
            .unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let n = counter.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answers[n]).await;
        }
    });
    (url, count)
}

fn request(url: &Url, retry: RetryPolicy) -> HttpRequest<'_> {
    HttpRequest {
        method: Method::GET,
        url,
        credentials: None,
        headers: HeaderMap::new(),
        body: Vec::new(),
        retry,
        slow: false,
        single: false,
        units: 1,
    }
}

async fn send(url: &Url, retry: RetryPolicy) -> Result<HttpAnswer> {
    let http = Http::new(AddressPolicy { allow_private: true }).unwrap();
    http.send(&request(url, retry), &RateLimit::new(LIMITS, 1)).await
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine";
const DOWN: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const CLOSED: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_read_is_tried_again_a_few_times() {
    let (url, count) = server(&[DOWN, b"", OK]).await;
    assert_eq!(
        send(&url, RetryPolicy::Read).await.unwrap().bytes(100).await.unwrap().unwrap(),
        b"fine"
    );
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (url, count) = server(&[DOWN]).await;
    assert_eq!(send(&url, RetryPolicy::Read).await.unwrap().status(), 502);
    assert_eq!(count.load(Ordering::SeqCst), 1 + RETRIES);
}

#[tokio::test]
async fn a_write_is_not_repeated_where_the_server_may_have_acted_on_it() {
    for answer in [[DOWN], [b"".as_slice()], [b"HTTP/1.1 200 O".as_slice()]] {
        let (url, count) = server(Box::leak(Box::new(answer))).await;
        let result = send(&url, RetryPolicy::Write).await;
        assert!(result.is_err() || result.is_ok_and(|answer| answer.status() == 502));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_short_wait_is_waited_out_and_a_long_one_is_the_callers() {
    let (url, _) = server(&[BUSY, OK]).await;
    let begun = Instant::now();
    assert_eq!(send(&url, RetryPolicy::Write).await.unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let (url, count) = server(&[CLOSED]).await;
    let Err(Error::RateLimited { retry_after: Some(wait) }) = send(&url, RetryPolicy::Read).await
    else {
        panic!()
    };
    assert_eq!(wait, Duration::from_secs(600));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_means_more_than_it_says_is_waited_for() {
    let http = Http::hurried(AddressPolicy { allow_private: true }).unwrap();
    let persistent = http
        .rate_limit("persistent", RateLimits { patience: LONG_WAIT, persistent: true, ..LIMITS });
    let (url, count) = server(&[BUSY, BUSY, BUSY, BUSY, BUSY, OK]).await;
    assert_eq!(
        http.send(&request(&url, RetryPolicy::Write), &persistent).await.unwrap().status(),
        200
    );
    assert_eq!(count.load(Ordering::SeqCst), 6);
    let (url, count) = server(&[BUSY]).await;
    let refused =
        http.send(&request(&url, RetryPolicy::Write), &http.rate_limit("other", LIMITS)).await;
    assert!(matches!(refused, Err(Error::RateLimited { .. })));
    assert_eq!(count.load(Ordering::SeqCst), 1 + RETRIES);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_one_that_is_away() {
    const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    let (mut url, _) = server(&[PLAIN]).await;
    url.set_scheme("https").unwrap();
    let Err(Error::NoAnswer(why)) = send(&url, RetryPolicy::Write).await else { panic!() };
    assert!(
        ["begins with http://", "CALRELAY_ALLOW_PRIVATE_HOSTS"]
            .iter()
            .all(|part| why.contains(part)),
        "{why}"
    );
    let (mut url, _) = server(&[b""]).await;
    url.set_scheme("https").unwrap();
    let Err(Error::NoAnswer(why)) = send(&url, RetryPolicy::Write).await else { panic!() };
    assert!(!why.contains("http://"), "{why}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let (url, _) = server(&[b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nonly this"]).await;
    let answer = send(&url, RetryPolicy::Read).await.unwrap();
    assert!(matches!(answer.bytes(1000).await, Err(Error::Unreachable(_))));
}

/// 64 KiB of zeros, compressed.
const BOMB: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n\
    \x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x6a\xeb\x8e\x97\xd7\x00\x00\x01\x00";

#[tokio::test]
async fn a_limit_counts_what_comes_out_of_compression() {
    let (url, _) = server(&[BOMB]).await;
    assert_eq!(
        send(&url, RetryPolicy::Read).await.unwrap().bytes(1 << 20).await.unwrap().unwrap(),
        vec![0; 1 << 16]
    );
    assert_eq!(send(&url, RetryPolicy::Read).await.unwrap().bytes(1 << 15).await.unwrap(), None);
    let mut reader = send(&url, RetryPolicy::Read).await.unwrap().reader(1 << 15);
    assert!(reader.read_to_end(&mut Vec::new()).await.is_err());
}

#[tokio::test]
async fn no_failure_repeats_the_path_or_the_query() {
    let closed = Url::parse("http://127.0.0.1:9/secret-path?secret=1").unwrap();
    let (breaks, _) = server(&[b"nonsense\r\n\r\n"]).await;
    for url in [closed, breaks] {
        let Err(error) = send(&url, RetryPolicy::Write).await else { panic!() };
        assert!(matches!(error, Error::NoAnswer(_)));
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_the_private_network_is_refused_not_unreachable() {
    let http = Http::new(AddressPolicy::default()).unwrap();
    let url = Url::parse("https://localhost/").unwrap();
    let request = HttpRequest {
        method: Method::GET,
        url: &url,
        credentials: None,
        headers: HeaderMap::new(),
        body: Vec::new(),
        retry: RetryPolicy::Read,
        slow: false,
        single: false,
        units: 1,
    };
    assert!(matches!(
        http.send(&request, &RateLimit::new(LIMITS, 1)).await,
        Err(Error::NotPublic(_))
    ));
}

#[test]
fn credentials_that_cannot_be_sent_are_refused_and_never_shown() {
    let basic =
        |user: &str, password: &str| Credentials::basic(user, &SecretString::from(password));
    assert!(matches!(basic("a:b", "x"), Err(Error::Credentials(_))));
    assert!(
        matches!(basic("a", "x\n"), Err(Error::Credentials(why)) if why.contains("line break"))
    );
    let header = basic("Jürgen", "pässword").unwrap().header;
    assert!(header.is_sensitive());
    assert_eq!(header.as_bytes(), b"Basic SsO8cmdlbjpww6Rzc3dvcmQ=");
}

#[test]
fn paces_are_shared_by_account_and_forgotten_when_nobody_uses_them() {
    let http = Http::new(AddressPolicy::default()).unwrap();
    let held = http.rate_limit("held", LIMITS);
    let throttled = http.rate_limit("throttled", LIMITS);
    throttled.throttled(Some(Duration::from_secs(600)));
    drop(throttled);
    for n in 0..2 * MAX_ACCOUNTS {
        http.rate_limit(&n.to_string(), LIMITS);
    }
    let rate_limits = http.rate_limits.lock().unwrap();
    assert!(rate_limits.len() <= MAX_ACCOUNTS);
    assert!(Arc::ptr_eq(&rate_limits["held"], &held) && rate_limits.contains_key("throttled"));
}
