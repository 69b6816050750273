use super::super::stub::{Say, Stub, found};
use super::*;
use crate::Provider;

const CALENDAR: &str = "/home/work/";

fn event(more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261101T000000Z\r\n{more}SUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const AT_TEN: &str = "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n";

fn data(name: &str, object: &str) -> String {
    found(
        &format!("{CALENDAR}{name}"),
        &format!("<d:getetag>\"{name}\"</d:getetag><c:calendar-data>{object}</c:calendar-data>"),
    )
}

fn missing(name: &str) -> String {
    format!(
        "<d:response><d:href>{CALENDAR}{name}</d:href><d:status>HTTP/1.1 404 Not \
        Found</d:status></d:response>"
    )
}

fn ids(names: &[&str]) -> Vec<EventId> {
    names.iter().map(|name| EventId::new(*name)).collect()
}

/// What was found, a word an id.
fn brief(fetched: &[Fetched]) -> Vec<String> {
    let word = |found: &Found| match found {
        Found::Event(event) => format!("event {}", event.etag.as_deref().unwrap_or("-")),
        Found::NotFound => "not found".into(),
        Found::NoEvent => "no event".into(),
        Found::Refused(why) => format!("refused, {why}"),
        Found::Unreadable { etag, .. } => format!("unreadable {}", etag.as_deref().unwrap_or("-")),
    };
    fetched.iter().map(|f| format!("{}: {}", f.id, word(&f.found))).collect()
}

#[tokio::test]
async fn one_request_reads_many_and_each_stands_for_itself() {
    let stub = Stub::new(|asked| {
        if asked.method == "GET" {
            return Say::status(404);
        }
        Say::multistatus(
            &[
                data("a%40x.ics", &event(AT_TEN)),
                missing("b.ics"),
                data("c.ics", "no calendar object"),
                data("d.ics", &"x".repeat(2 << 20)),
                data("t.ics", "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:t\nEND:VTODO\nEND:VCALENDAR\n"),
            ]
            .concat(),
        )
    })
    .await;
    let fetched = stub
        .account()
        .fetch(CALENDAR, &ids(&["a@x.ics", "b.ics", "c.ics", "d.ics", "t.ics", "b.ics"]))
        .await
        .unwrap();
    assert_eq!(
        brief(&fetched),
        [
            "a@x.ics: event \"a%40x.ics\"",
            "b.ics: not found",
            "c.ics: unreadable \"c.ics\"",
            "d.ics: unreadable \"d.ics\"",
            "t.ics: no event"
        ]
    );
    let asked = stub.take();
    assert_eq!(
        (asked.len(), asked[0].method.as_str(), asked[0].header("depth")),
        (2, "REPORT", "1")
    );
    assert!(asked[0].body.contains("<d:href>/home/work/a@x.ics</d:href>"));
    assert!(
        asked[1].method == "GET" && asked[1].path.ends_with("b.ics"),
        "what was not found is asked for by itself"
    );
}

#[tokio::test]
async fn an_answer_under_another_path_is_matched_by_the_name() {
    let stub = Stub::new(|_| {
        let answer = |path: &str| {
            found(
                path,
                &format!(
                    "<d:getetag>\"{path}\"</d:getetag><c:calendar-data>{}</c:calendar-data>",
                    event(AT_TEN)
                ),
            )
        };
        let answers = [
            "/remote/home/work/a.ics",
            "http://inside.example/work/b%2b.ics",
            "/remote/work/sub/c.ics",
            "/home/work/d%20.ics",
        ];
        Say::multistatus(&answers.map(answer).concat())
    })
    .await;
    let mut asked_for = ids(&["a.ics", "sub/c.ics"]);
    asked_for.push(EventId::with_address("b+", "b%2B"));
    asked_for.push(EventId::with_address("b+.ics", "/old/work/b%2B.ics"));
    // As it was stored by earlier versions.
    asked_for.push(EventId::new("/home/work/d .ics"));
    let fetched = stub.account().fetch(CALENDAR, &asked_for[..2]).await.unwrap();
    assert_eq!(
        brief(&fetched),
        ["a.ics: event \"/remote/home/work/a.ics\"", "sub/c.ics: event \"/remote/work/sub/c.ics\""]
    );
    let fetched = stub.account().fetch(CALENDAR, &asked_for[3..]).await.unwrap();
    assert_eq!(
        brief(&fetched),
        [
            "b+.ics: event \"http://inside.example/work/b%2b.ics\"",
            "/home/work/d .ics: event \"/home/work/d%20.ics\""
        ]
    );
    let _ = stub.account().fetch(CALENDAR, &asked_for).await;
    let hrefs = "<d:href>/home/work/a.ics</d:href><d:href>/home/work/sub/c.ics</d:href><d:href>/home/work/b%2B</d:href>\
                 <d:href>/old/work/b%2B.ics</d:href><d:href>/home/work/d%20.ics</d:href>";
    assert!(stub.take()[2].body.contains(hrefs), "each in the server's own spelling");
}

#[tokio::test]
async fn an_event_that_was_listed_under_an_old_path_is_gone_only_if_its_name_is() {
    let old = |name: &str| EventId::with_address(name, format!("/old/work/{name}"));
    let stub = Stub::new(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PROPFIND", _) => Say::multistatus(&found(CALENDAR, "<cs:getctag>1</cs:getctag>")),
        ("REPORT", _) => Say::multistatus(
            &["a.ics", "b.ics"].map(missing).concat().replace(CALENDAR, "/old/work/"),
        ),
        ("GET", "/home/work/a.ics") => Say::status(200).header("etag", "\"a\"").body(event(AT_TEN)),
        _ => Say::status(404),
    })
    .await;
    let dav = stub.account();
    let fetched = dav.fetch(CALENDAR, &[old("a.ics"), old("b.ics")]).await.unwrap();
    assert_eq!(brief(&fetched), ["a.ics: event \"a\"", "b.ics: not found"]);
    stub.take();
    assert!(dav.exists(CALENDAR, &old("a.ics")).await.unwrap());
    assert_eq!(stub.asked(), ["GET /old/work/a.ics", "GET /home/work/a.ics"]);
    assert!(!dav.exists(CALENDAR, &old("b.ics")).await.unwrap());
    assert_eq!(
        stub.asked(),
        ["GET /old/work/b.ics", "GET /home/work/b.ics", "PROPFIND /home/work/"]
    );
}

#[tokio::test]
async fn an_id_that_no_event_can_have_is_not_requested() {
    let stub = Stub::new(|asked| match asked.method.as_str() {
        "PROPFIND" => Say::multistatus(&found(CALENDAR, "<cs:getctag>1</cs:getctag>")),
        "REPORT" => Say::multistatus(&data("a.ics", &event(AT_TEN))),
        _ => Say::status(200).body(event(AT_TEN)),
    })
    .await;
    let dav = stub.account();
    let fetched = dav.fetch(CALENDAR, &ids(&["a.ics", "../other/x.ics", ""])).await.unwrap();
    assert_eq!(
        brief(&fetched),
        ["a.ics: event \"a.ics\"", "../other/x.ics: not found", ": not found"]
    );
    assert!(!dav.exists(CALENDAR, &EventId::new("..")).await.unwrap());
    assert_eq!(stub.asked(), ["REPORT /home/work/", "PROPFIND /home/work/"]);
}

#[tokio::test]
async fn what_an_answer_leaves_out_is_read_by_itself() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        CALENDAR => Say::multistatus(
            &(data("a.ics", &event(AT_TEN))
                + &found("/home/work/b.ics", "<d:getetag>\"b\"</d:getetag>")),
        ),
        "/home/work/b.ics" => Say::status(200).header("etag", "\"b\"").body(event(AT_TEN)),
        _ => Say::status(404),
    })
    .await;
    let fetched = stub.account().fetch(CALENDAR, &ids(&["a.ics", "b.ics", "c.ics"])).await.unwrap();
    assert_eq!(
        brief(&fetched),
        ["a.ics: event \"a.ics\"", "b.ics: event \"b\"", "c.ics: not found"]
    );
    assert_eq!(
        stub.asked(),
        ["REPORT /home/work/", "GET /home/work/b.ics", "GET /home/work/c.ics"]
    );
}

#[tokio::test]
async fn one_object_that_spoils_the_answer_spoils_only_itself() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        CALENDAR => Say::multistatus(&data("a.ics", "&nbsp;")),
        "/home/work/a.ics" => Say::status(200).header("etag", "\"a\"").body("garbage"),
        _ => Say::status(200).header("etag", "\"b\"").body(event(AT_TEN)),
    })
    .await;
    let fetched = stub.account().fetch(CALENDAR, &ids(&["a.ics", "b.ics"])).await.unwrap();
    assert_eq!(brief(&fetched), ["a.ics: unreadable \"a\"", "b.ics: event \"b\""]);
}

#[tokio::test]
async fn a_failure_is_never_taken_for_an_absence() {
    for status in [401, 403, 500, 503] {
        let stub = Stub::new(move |_| Say::status(status)).await;
        let dav = stub.account();
        assert!(dav.fetch(CALENDAR, &ids(&["a.ics"])).await.is_err(), "{status}");
        assert!(dav.fetch(CALENDAR, &ids(&["a.ics", "b.ics"])).await.is_err(), "{status}");
        assert!(dav.exists(CALENDAR, &ids(&["a.ics"])[0]).await.is_err(), "{status}");
    }
    let gone = Stub::new(|_| Say::status(404)).await;
    assert!(matches!(
        gone.account().fetch(CALENDAR, &ids(&["a.ics", "b.ics"])).await,
        Err(Error::CalendarMissing)
    ));
    assert!(matches!(
        gone.account().exists(CALENDAR, &ids(&["a.ics"])[0]).await,
        Err(Error::CalendarMissing)
    ));
}

#[tokio::test]
async fn an_event_is_gone_only_from_a_calendar_that_is_there() {
    let stub = Stub::new(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PROPFIND", _) => Say::multistatus(&found(CALENDAR, "<cs:getctag>1</cs:getctag>")),
        (_, "/home/work/a.ics") => Say::status(200).body("anything"),
        _ => Say::status(410),
    })
    .await;
    let dav = stub.account();
    assert!(dav.exists(CALENDAR, &ids(&["a.ics"])[0]).await.unwrap());
    assert!(!dav.exists(CALENDAR, &ids(&["b.ics"])[0]).await.unwrap());
}

#[tokio::test]
async fn the_calendars_zone_is_asked_for_when_a_floating_time_turns_up_and_only_once() {
    let stub = Stub::new(|asked| match asked.method.as_str() {
        "PROPFIND" => Say::multistatus(&found(
            CALENDAR,
            "<c:calendar-timezone-id>Europe/Tallinn</c:calendar-timezone-id>",
        )),
        _ if asked.path.ends_with("floating.ics") => Say::status(200)
            .header("etag", "\"1\"")
            .body(event("DTSTART:20261201T100000\r\nDTEND:20261201T110000\r\n")),
        _ => Say::status(200).header("etag", "\"1\"").body(event(AT_TEN)),
    })
    .await;
    let dav = stub.account();
    dav.fetch(CALENDAR, &ids(&["utc.ics"])).await.unwrap();
    assert_eq!(stub.asked().len(), 1);
    dav.fetch(CALENDAR, &ids(&["floating.ics"])).await.unwrap();
    dav.fetch(CALENDAR, &ids(&["floating.ics"])).await.unwrap();
    assert_eq!(
        stub.asked(),
        ["GET /home/work/floating.ics", "PROPFIND /home/work/", "GET /home/work/floating.ics"]
    );
}

#[test]
fn a_task_is_no_event_but_a_broken_event_is_one() {
    assert!(is_no_event(
        b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:BEGIN:VEVENT\r\nEND:VTODO\r\n"
    ));
    assert!(!is_no_event(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nBEGIN:VTODO\r\n"));
    assert!(!is_no_event(b"not a calendar object"));
}

/// Answers what asks for one of these events as if it were asked too much; its calendar too where
/// it `throttles_all`.
async fn throttling(names: &'static [&'static str], throttles_all: bool) -> Stub {
    Stub::new(move |asked| {
        let wait = || Say::status(429).header("retry-after", "600");
        match asked.method.as_str() {
            "REPORT" => Say::multistatus(&data("a.ics", &event(AT_TEN))),
            "PROPFIND" if throttles_all => wait(),
            "PROPFIND" => Say::multistatus(&found(
                CALENDAR,
                "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>",
            )),
            _ if names.iter().any(|name| asked.path.ends_with(name)) => wait(),
            _ => Say::status(200).header("etag", "\"1\"").body(event(AT_TEN)),
        }
    })
    .await
}

#[tokio::test]
async fn events_that_are_throttled_alone_are_refused_and_the_account_where_it_is_meant() {
    const WORDS: &str =
        "refused, it asks to wait each time that it is asked for this event, and for nothing else";
    let asked_for = ids(&["a.ics", "b.ics", "c.ics", "d.ics", "e.ics", "f.ics"]);
    let stub = throttling(&["b.ics", "d.ics", "e.ics"], false).await;
    let fetched = stub.account().fetch(CALENDAR, &asked_for).await.unwrap();
    let refused = |name: &str| format!("{name}: {WORDS}");
    let given = |name: &str| format!("{name}: event \"1\"");
    let expected =
        [refused("b.ics"), given("c.ics"), refused("d.ics"), refused("e.ics"), given("f.ics")];
    assert_eq!(brief(&fetched)[1..], expected);

    let all = throttling(&["b.ics"], true).await;
    let ended = all.account().fetch(CALENDAR, &asked_for).await;
    assert!(matches!(ended, Err(Error::RateLimited { .. })), "{ended:?}");
    let many = throttling(&["b.ics", "c.ics", "d.ics", "e.ics"], false).await;
    let ended = many.account().fetch(CALENDAR, &asked_for).await;
    assert!(matches!(ended, Err(Error::RateLimited { .. })), "{ended:?}");
}

/// Throttling that ends within a minute is waited out; the question whose failure it is does not
/// wait as long again.
#[tokio::test]
async fn the_calendar_is_not_waited_for_as_long_as_an_event() {
    let stub = Stub::new(|_| Say::status(429)).await;
    let ended = stub.account().fetch(CALENDAR, &ids(&["a.ics"])).await;
    assert!(matches!(ended, Err(Error::RateLimited { .. })), "{ended:?}");
    let asked = stub.asked();
    let of = |method: &str| asked.iter().filter(|asked| asked.starts_with(method)).count();
    assert!(of("GET") > 2 * of("PROPFIND") && of("PROPFIND") == 3, "{asked:?}");
}
