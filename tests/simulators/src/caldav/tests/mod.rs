//! The server as a client sees it.

mod identity;

use std::time::Duration;

use super::*;
use crate::client::{Answer, Client};
use crate::faults::{Fault, On};
use crate::traffic::Kind;
use crate::xml::{CALDAV, CALENDAR_SERVER, DAV, Node};

const SYNC: &str = r#"<d:sync-collection xmlns:d="DAV:"><d:sync-token>TOKEN</d:sync-token><d:sync-level>1</d:sync-level>LIMIT<d:prop><d:getetag/></d:prop></d:sync-collection>"#;

fn event(uid: &str, lines: &str) -> String {
    crlf(&format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//T//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20260310T100000Z\nDTEND:20260310T110000Z\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    ))
}

struct World {
    server: CalDav,
    work: Calendar,
    client: Client,
}

async fn world(manners: Manners) -> World {
    let server = CalDav::start(manners).await.unwrap();
    let work = server.account("alice", "secret").calendar("alice", "work");
    let client = Client::new(&server.url()).login("alice", "secret");
    World { server, work, client }
}

impl World {
    async fn put(&self, name: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        self.client.put(&format!("{}{name}", self.work.path()), body, headers).await.unwrap()
    }

    /// Hrefs by their last segment with the status of each, then the token.
    async fn sync(&self, token: &str, limit: &str) -> (u16, Vec<String>, String) {
        let body = SYNC.replace("TOKEN", token).replace("LIMIT", limit);
        let answer = self.client.xml("REPORT", &self.work.path(), "0", &body).await.unwrap();
        let Ok(root) = answer.xml() else { return (answer.status, vec![], String::new()) };
        let token = root.find(DAV, "sync-token").map(|t| t.text.clone()).unwrap_or_default();
        (answer.status, listed(&root), token)
    }

    async fn report(&self, body: &str) -> (u16, Vec<String>) {
        let answer = self.client.xml("REPORT", &self.work.path(), "1", body).await.unwrap();
        (answer.status, answer.xml().map(|root| listed(&root)).unwrap_or_default())
    }
}

fn listed(root: &Node) -> Vec<String> {
    let one = |response: &Node| {
        let href = &response.find(DAV, "href").unwrap().text;
        let name = href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
        match response.find(DAV, "status") {
            Some(status) => format!("{name} {}", status.text.split(' ').nth(1).unwrap()),
            None => name,
        }
    };
    root.all(DAV, "response").map(one).collect()
}

#[tokio::test]
async fn a_client_finds_its_calendars() {
    for manners in
        [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like(), Manners::icloud()]
    {
        let World { server, work, client } = world(manners).await;
        server.calendar("alice", "hidden").set_hidden(true);
        let ask = async |path: &str, depth: &str, props: &str| {
            let body = format!(
                r#"<propfind xmlns="DAV:" xmlns:c="{CALDAV}" xmlns:s="{CALENDAR_SERVER}"><prop>{props}</prop></propfind>"#
            );
            client.xml("PROPFIND", path, depth, &body).await.unwrap()
        };
        let href = |answer: &Answer, property: (&str, &str)| {
            fn find<'a>(node: &'a Node, ns: &str, name: &str) -> Option<&'a Node> {
                if node.is(ns, name) {
                    Some(node)
                } else {
                    node.children.iter().find_map(|c| find(c, ns, name))
                }
            }
            let root = answer.xml().unwrap();
            find(&root, property.0, property.1)
                .and_then(|p| p.find(DAV, "href"))
                .map(|h| h.text.clone())
                .unwrap()
        };
        let principal = href(
            &ask("/", "0", "<current-user-principal/>").await,
            (DAV, "current-user-principal"),
        );
        let home = href(
            &ask(&principal, "0", "<c:calendar-home-set/>").await,
            (CALDAV, "calendar-home-set"),
        );
        let listing = ask(&home, "1", "<resourcetype/><s:getctag/><sync-token/>").await;
        let names = listed(&listing.xml().unwrap());
        assert!(
            names.contains(&"work".to_owned()) && !names.contains(&"hidden".to_owned()),
            "{names:?}"
        );
        assert!(
            home.starts_with("http://") == server.shared.manners().partition
                && work.path().ends_with("/work/"),
            "{home}"
        );
        assert_eq!(
            client.send("PROPFIND", "/.well-known/caldav", &[], "").await.unwrap().status,
            301
        );
    }
}

#[tokio::test]
async fn strangers_and_careless_clients_are_refused() {
    let World { server, work, client } = world(Manners::generic()).await;
    server.account("bob@x.example", "other").calendar("bob@x.example", "private");
    let stranger = Client::new(&server.url()).login("alice", "wrong");
    assert_eq!(stranger.xml("PROPFIND", "/", "0", "").await.unwrap().status, 401);
    assert_eq!(
        client
            .xml("PROPFIND", "/calendars/bob%40x.example/private/", "0", "")
            .await
            .unwrap()
            .status,
        403
    );
    assert_eq!(
        client.send("PROPFIND", &work.path(), &[], "").await.unwrap().status,
        400,
        "no Depth"
    );
    let json = [("content-type", "application/json"), ("depth", "0")];
    assert_eq!(client.send("PROPFIND", "/", &json, "<propfind/>").await.unwrap().status, 415);
    assert_eq!(
        client
            .send("PUT", &format!("{}a.ics", work.path()), &json, event("a", "X-A:1"))
            .await
            .unwrap()
            .status,
        415
    );
    assert_eq!(
        client
            .xml("REPORT", &work.path(), "1", &SYNC.replace("TOKEN", "").replace("LIMIT", ""))
            .await
            .unwrap()
            .status,
        400
    );
    server.account("alice", "new");
    assert_eq!(
        client.xml("PROPFIND", "/", "0", "").await.unwrap().status,
        401,
        "the password is another one now"
    );
}

#[tokio::test]
async fn writes_keep_to_their_conditions() {
    let w = world(Manners::generic()).await;
    let created = w.put("a.ics", &event("a", "SUMMARY:1"), &[("if-none-match", "*")]).await;
    assert_eq!(
        (created.status, created.header("etag")),
        (201, w.work.etag("a.ics").unwrap().as_str())
    );
    assert_eq!(
        w.put("a.ics", &event("a", "SUMMARY:2"), &[("if-none-match", "*")]).await.status,
        412
    );
    assert_eq!(
        w.put("a.ics", &event("a", "SUMMARY:2"), &[("if-match", "\"old\"")]).await.status,
        412
    );
    assert_eq!(w.put("b.ics", &event("b", "SUMMARY:2"), &[("if-match", "*")]).await.status, 412);
    assert_eq!(
        w.put("b.ics", &event("a", "SUMMARY:2"), &[]).await.status,
        403,
        "another resource has the UID"
    );
    assert_eq!(w.put("a.ics", &event("b", "SUMMARY:2"), &[]).await.status, 403, "another UID");
    assert_eq!(w.put("b.ics", "nonsense", &[]).await.status, 403);
    assert_eq!(
        w.put("a.ics", &event("a", "SUMMARY:2"), &[("if-match", created.header("etag"))])
            .await
            .status,
        204
    );
    assert_eq!(w.work.get("a.ics").unwrap(), event("a", "SUMMARY:2"), "byte for byte");
    let path = format!("{}a.ics", w.work.path());
    assert_eq!(
        w.client
            .send("DELETE", &path, &[("if-match", created.header("etag"))], "")
            .await
            .unwrap()
            .status,
        412
    );
    assert_eq!(w.client.send("GET", &path, &[], "").await.unwrap().text(), event("a", "SUMMARY:2"));
    assert_eq!(w.client.send("DELETE", &path, &[], "").await.unwrap().status, 204);
    assert_eq!(w.client.send("DELETE", &path, &[], "").await.unwrap().status, 404);
    w.work.set_writable(false);
    assert_eq!(w.put("c.ics", &event("c", "X-A:1"), &[]).await.status, 403);
    assert_eq!((w.server.mails_sent(), w.server.complaints()), (0, vec![]));
}

#[tokio::test]
async fn guests_are_counted_and_a_falling_sequence_is_noticed() {
    let w = world(Manners::generic()).await;
    let meeting =
        "SEQUENCE:2\nORGANIZER:mailto:alice@calendars.example\nATTENDEE:mailto:g@x.example";
    w.work.put("m.ics", &event("m", meeting));
    assert_eq!(w.server.mails_sent(), 0, "a person's own business");
    w.put("m.ics", &event("m", &meeting.replace('2', "1")), &[]).await;
    assert_eq!((w.server.mails_sent(), w.server.complaints().len()), (1, 1));
    w.client.send("DELETE", &format!("{}m.ics", w.work.path()), &[], "").await.unwrap();
    assert_eq!(w.server.mails_sent(), 2);
}

#[tokio::test]
async fn a_token_tells_what_happened_since() {
    let w = world(Manners::generic()).await;
    for name in ["a", "b", "c"] {
        w.work.put(&format!("{name}.ics"), &event(name, "X-A:1"));
    }
    let (_, all, token) = w.sync("", "").await;
    assert_eq!(all, ["a.ics", "b.ics", "c.ics"]);
    assert_eq!(w.sync(&token, "").await, (207, vec![], token.clone()));
    w.work.edit("b.ics", |ics| ics.replace("X-A:1", "X-A:2"));
    w.work.delete("a.ics");
    assert_eq!(w.sync(&token, "").await.1, ["b.ics", "a.ics 404"]);
    let (_, first, next) = w.sync(&token, "<d:limit><d:nresults>1</d:nresults></d:limit>").await;
    assert_eq!(first, ["b.ics", "work 507"]);
    assert_eq!(w.sync(&next, "").await.1, ["a.ics 404"]);
}

#[tokio::test]
async fn tokens_are_lost_in_every_way() {
    let w = world(Manners::generic()).await;
    w.work.put("a.ics", &event("a", "X-A:1"));
    let (_, _, token) = w.sync("", "").await;
    w.work.delete("a.ics");
    w.work.put("b.ics", &event("b", "X-A:1"));
    w.work.forget_tokens();
    let after = async |lost| {
        w.server.manners(|m| m.lost_token = lost);
        let (status, members, _) = w.sync(&token, "").await;
        (status, members)
    };
    assert_eq!(after(LostToken::Refused(412)).await.0, 412);
    assert_eq!(after(LostToken::RefusedBare(410)).await.0, 410);
    assert_eq!(after(LostToken::Everything).await, (207, vec!["b.ics".to_owned()]));
    assert_eq!(after(LostToken::Nothing).await, (207, vec![]));
    w.server.manners(|m| m.limit = Limit::LosesTheRest);
    w.work.put("c.ics", &event("c", "X-A:1"));
    let (_, members, next) = w.sync("", "<d:limit><d:nresults>1</d:nresults></d:limit>").await;
    assert_eq!((members, w.sync(&next, "").await.1), (vec!["b.ics".to_owned()], vec![]));
}

#[tokio::test]
async fn reports_of_a_range_and_of_names() {
    let w = world(Manners::generic()).await;
    w.work.put("a b.ics", &event("a", "X-A:1"));
    w.work.put("old.ics", &event("old", "X-A:1").replace(":2026031", ":2020031"));
    let query = |inner: &str| {
        format!(
            r#"<c:calendar-query xmlns:c="{CALDAV}" xmlns="DAV:"><prop><getetag/></prop><c:filter><c:comp-filter name="VCALENDAR">{inner}</c:comp-filter></c:filter></c:calendar-query>"#
        )
    };
    let range = query(
        r#"<c:comp-filter name="VEVENT"><c:time-range start="20260101T000000Z" end="20270101T000000Z"/></c:comp-filter>"#,
    );
    assert_eq!(w.report(&range).await, (207, vec!["a%20b.ics".into()]));
    assert_eq!(w.report(&query("")).await.1.len(), 2);
    let by_uid = query(
        r#"<c:comp-filter name="VEVENT"><c:prop-filter name="UID"><c:text-match>a</c:text-match></c:prop-filter></c:comp-filter>"#,
    );
    assert_eq!(w.report(&by_uid).await.0, 403);
    let get = |hrefs: &[String]| {
        let hrefs: String = hrefs.iter().map(|h| format!("<href>{h}</href>")).collect();
        format!(
            r#"<c:calendar-multiget xmlns:c="{CALDAV}" xmlns="DAV:"><prop><getetag/><c:calendar-data/></prop>{hrefs}</c:calendar-multiget>"#
        )
    };
    let names = get(&[format!("{}a%20b.ics", w.work.path()), format!("{}none.ics", w.work.path())]);
    assert_eq!(w.report(&names).await, (207, vec!["a%20b.ics".into(), "none.ics 404".into()]));
    w.work.set_unreadable("a b.ics", true);
    assert_eq!(w.report(&names).await.1, ["a%20b.ics 404", "none.ics 404"]);
    w.server.manners(|m| {
        (m.multiget_missing, m.lists_itself, m.query_needs_event_filter) =
            (Missing::LeftOut, true, true)
    });
    assert_eq!(w.report(&names).await, (207, vec![]));
    assert_eq!(w.report(&range).await.1, ["work", "a%20b.ics"]);
    assert_eq!(w.report(&query("")).await.0, 403);
}

#[tokio::test]
async fn icloud_has_manners_of_its_own() {
    let w = world(Manners::icloud()).await;
    let home = w.server.calendar("alice", "home");
    home.put("x.ics", &event("x", "X-A:1"));
    assert_eq!(
        w.put("y.ics", &event("x", "X-A:1"), &[]).await.status,
        403,
        "a UID once in the account"
    );
    let created = w.put("y.ics", &event("y", "X-A:1"), &[("if-match", "*")]).await;
    assert_eq!(
        (created.status, created.header("etag")),
        (201, ""),
        "backwards, and without an ETag"
    );
    assert_eq!(w.put("y.ics", &event("y", "X-A:2"), &[("if-match", "*")]).await.status, 412);
    assert!(w.work.get("y.ics").unwrap().contains("X-APPLE-DEFAULT-ALARM"));
    assert_eq!(
        w.put("z.ics", &event("z", "X-A:1").replace("DTEND:20260310T110000Z\r\n", ""), &[])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_server_that_rewrites_keeps_the_meaning() {
    let w = world(Manners::generic()).await;
    w.server.manners(|m| m.rewrite = Rewrite::Reordered);
    let body = event("a", &format!("SUMMARY:{}", "é".repeat(30)));
    assert_eq!(w.put("a.ics", &body, &[]).await.status, 201);
    let stored = w.work.get("a.ics").unwrap();
    assert_ne!(stored, body);
    assert!(crate::lint::check(&stored).is_ok(), "{stored}");
    assert_eq!(w.work.agenda()[0].summary(), "é".repeat(30));
}

#[tokio::test]
async fn faults_strike_before_and_after_the_write() {
    let w = world(Manners::generic()).await;
    let path = format!("{}a.ics", w.work.path());
    let put = async || {
        w.client
            .put(&path, &event("a", "X-A:1"), &[("if-none-match", "*")])
            .await
            .map(|answer| answer.status)
            .ok()
    };
    w.server.faults().next(On::kind(Kind::Put), Fault::DropBefore);
    assert_eq!((put().await, w.work.len()), (None, 0));
    w.server.faults().next(On::writes(), Fault::Throttled { status: 429, retry_after: 7 });
    assert_eq!((put().await, w.work.len()), (Some(429), 0));
    w.server.faults().next(On::writes().at("a.ics"), Fault::DropAfter);
    assert_eq!((put().await, w.work.len()), (None, 1));
    assert_eq!(put().await, Some(412));
    w.work.clear();
    w.server.faults().next(On::any(), Fault::StatusAfter(504));
    assert_eq!((put().await, w.work.len()), (Some(504), 1));
    w.server.faults().next(On::kind(Kind::SyncCollection), Fault::LostToken);
    let (_, _, token) = w.sync("", "").await;
    assert_eq!(w.sync(&token, "").await.0, 403);
    w.server.faults().next(On::kind(Kind::Get), Fault::Truncated);
    assert!(w.client.send("GET", &path, &[], "").await.is_err());
    w.server.faults().next(On::kind(Kind::SyncCollection), Fault::EmptyListing);
    assert_eq!(w.sync("", "").await, (207, vec![], String::new()));
    w.server.faults().next(On::any(), Fault::Delay(Duration::from_millis(20)));
    let start = std::time::Instant::now();
    put().await;
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert!(!w.server.faults().waiting());
}

#[tokio::test]
async fn redirects_and_web_pages() {
    let w = world(Manners::generic()).await;
    let ask = async |client: &Client| {
        let answer = client.xml("PROPFIND", "/", "0", "").await.unwrap();
        (answer.status, answer.header("location").to_owned())
    };
    w.server.manners(|m| m.redirect = Some(Redirect::ToPartition(307)));
    assert_eq!(ask(&w.client).await, (307, w.server.partition_url().to_string()));
    assert_eq!(ask(&Client::new(&w.server.partition_url()).login("alice", "secret")).await.0, 207);
    w.server.manners(|m| m.redirect = Some(Redirect::InCircles(302)));
    assert_eq!(ask(&w.client).await, (302, "/".to_owned()));
    w.server.manners(|m| m.only_web_pages = true);
    assert_eq!(ask(&w.client).await.0, 200);
}

#[tokio::test]
async fn a_member_may_be_listed_twice() {
    let w = world(Manners::generic()).await;
    w.work.put("a.ics", &event("a", "X-A:1"));
    w.server.manners(|m| m.lists_twice = true);
    assert_eq!(w.sync("", "").await.1, ["a.ics", "a.ics"]);
}

#[tokio::test]
async fn throttling_asks_for_too_short_a_wait() {
    let w = world(Manners::generic()).await;
    w.server.manners(|m| {
        m.throttle = Some(Throttle { every: 2, refused: 2, status: 503, retry_after: 1 })
    });
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = w.client.xml("PROPFIND", "/", "0", "").await.unwrap();
        statuses.push((answer.status, answer.header("retry-after").to_owned()));
    }
    assert_eq!(statuses.iter().map(|(s, _)| *s).collect::<Vec<_>>(), [207, 207, 503, 503, 207]);
    assert_eq!(statuses[2].1, "1");
}

#[tokio::test]
async fn requests_are_counted() {
    let w = world(Manners::generic()).await;
    w.put("a.ics", &event("a", "X-A:1"), &[]).await;
    w.sync("", "").await;
    w.work.delete("a.ics");
    let counts = w.server.counts();
    assert_eq!(
        (counts.of(Kind::Put), counts.of(Kind::SyncCollection), counts.total(), counts.writes()),
        (1, 1, 2, 1)
    );
    assert_eq!(counts.tally(Kind::Put).bytes_up as usize, event("a", "X-A:1").len());
    w.server.reset_counts();
    assert_eq!(w.server.counts().total(), 0);
}
