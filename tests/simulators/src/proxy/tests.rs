//! The proxy before a simulated server, which knows the requests that reached it.

use super::*;
use crate::caldav::{CalDav, Calendar, Manners, crlf};
use crate::client::Client;
use crate::faults::On;

struct World {
    server: CalDav,
    proxy: Proxy,
    work: Calendar,
    client: Client,
}

async fn world() -> World {
    let server = CalDav::start(Manners::generic()).await.unwrap();
    let work = server.account("alice", "secret").calendar("alice", "work");
    let proxy = Proxy::start(&server.url()).await.unwrap();
    let client = Client::new(&proxy.url()).login("alice", "secret");
    World { server, proxy, work, client }
}

fn event() -> String {
    crlf(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//T//EN\nBEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nDTSTART:20260310T100000Z\nEND:VEVENT\nEND:VCALENDAR\n",
    )
}

#[tokio::test]
async fn what_passes_is_unchanged_and_counted() {
    let w = world().await;
    let path = format!("{}a.ics", w.work.path());
    let put = w.client.put(&path, &event(), &[("if-none-match", "*")]).await.unwrap();
    assert_eq!((put.status, put.header("etag")), (201, w.work.etag("a.ics").unwrap().as_str()));
    assert_eq!(w.client.send("GET", &path, &[], "").await.unwrap().text(), event());
    assert_eq!(
        w.client.send("HEAD", &path, &[], "").await.unwrap().header("content-length"),
        event().len().to_string()
    );
    let sync = r#"<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"#;
    assert_eq!(w.client.xml("REPORT", &w.work.path(), "0", sync).await.unwrap().status, 207);
    assert_eq!(w.client.send("DELETE", &path, &[], "").await.unwrap().status, 204);
    let (seen, reached) = (w.proxy.counts(), w.server.counts());
    for kind in [Kind::Put, Kind::Get, Kind::SyncCollection, Kind::Delete] {
        assert_eq!(seen.tally(kind), reached.tally(kind), "{kind:?}");
    }
    assert_eq!((seen.total(), seen.peak), (5, 1));
}

#[tokio::test]
async fn faults_strike_before_and_after_the_server() {
    let w = world().await;
    let path = format!("{}a.ics", w.work.path());
    let put = async || {
        w.client
            .put(&path, &event(), &[("if-none-match", "*")])
            .await
            .map(|answer| answer.status)
            .ok()
    };
    let faults = w.proxy.faults();
    faults.next(On::kind(Kind::Put), Fault::DropBefore);
    faults.next(On::kind(Kind::Put), Fault::Status(503));
    assert_eq!((put().await, put().await, w.server.counts().total()), (None, Some(503), 0));
    faults.next(On::kind(Kind::Put), Fault::DropAfter);
    assert_eq!((put().await, w.work.len()), (None, 1));
    w.work.clear();
    faults.next(On::kind(Kind::Put), Fault::StatusAfter(504));
    assert_eq!((put().await, w.work.len()), (Some(504), 1));
    faults.next(On::kind(Kind::Get), Fault::Truncated);
    assert!(w.client.send("GET", &path, &[], "").await.is_err());
    assert_eq!(faults.struck().len(), 5);
}

#[tokio::test]
async fn parallel_requests_are_measured() {
    let w = world().await;
    w.server.faults().always(On::any(), Fault::Delay(std::time::Duration::from_millis(100)));
    let ask = || w.client.xml("PROPFIND", "/", "0", "");
    let (a, b, c) = futures::future::join3(ask(), ask(), ask()).await;
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!((w.proxy.counts().peak, w.proxy.counts().peak_writes), (3, 0));
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_bad_gateway() {
    let w = world().await;
    drop(w.server);
    tokio::task::yield_now().await;
    assert_eq!(w.client.xml("PROPFIND", "/", "0", "").await.unwrap().status, 502);
}

#[tokio::test]
async fn a_prefix_stands_before_paths_and_hrefs_and_can_move() {
    let w = world().await;
    let path = w.work.path();
    w.work.put("a.ics", &event());
    let multiget = |prefix: &str| {
        format!(
            r#"<c:calendar-multiget xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop><getetag/></prop><href>{prefix}{path}a.ics</href></c:calendar-multiget>"#
        )
    };
    for prefix in ["/cloud", "/elsewhere/dav"] {
        w.proxy.below(&[prefix]);
        assert_eq!(
            w.client.send("GET", &format!("{path}a.ics"), &[], "").await.unwrap().status,
            404
        );
        assert_eq!(
            w.client.send("GET", &format!("{prefix}{path}a.ics"), &[], "").await.unwrap().text(),
            event()
        );
        let read = w
            .client
            .xml("REPORT", &format!("{prefix}{path}"), "1", &multiget(prefix))
            .await
            .unwrap();
        assert!(
            read.status == 207 && read.text().contains(&format!(">{prefix}{path}a.ics</")),
            "{}",
            read.text()
        );
        assert!(!read.text().contains("404"), "{}", read.text());
        let known = w.client.send("GET", "/.well-known/caldav", &[], "").await.unwrap();
        assert_eq!((known.status, known.header("location")), (301, format!("{prefix}/").as_str()));
    }
    w.proxy.below(&["", "/cloud"]);
    for prefix in ["", "/cloud"] {
        assert_eq!(
            w.client.send("GET", &format!("{prefix}{path}a.ics"), &[], "").await.unwrap().text(),
            event()
        );
    }
}
