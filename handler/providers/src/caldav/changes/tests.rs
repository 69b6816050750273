use jiff::civil::date;

use super::super::stub::{Received, Say, Stub, found};
use super::*;
use crate::{CollectionState, Provider, Since};

const CALENDAR: &str = "/home/work/";
const WINDOW: Window = Window { start: date(2026, 8, 21), end: date(2027, 11, 21) };

fn cursor(token: &str) -> Cursor {
    SyncPosition { ctag: Some("c1".into()), token: Some(token.into()) }.cursor()
}

fn state_tag(ctag: &str, token: Option<&str>) -> StateTag {
    SyncPosition { ctag: Some(ctag.into()), token: token.map(str::to_owned) }.state_tag().unwrap()
}

fn changed(name: &str, etag: &str) -> String {
    found(&format!("{CALENDAR}{name}"), &format!("<d:getetag>\"{etag}\"</d:getetag>"))
}

fn removed(name: &str) -> String {
    format!(
        "<d:response><d:href>{CALENDAR}{name}</d:href><d:status>HTTP/1.1 404 Not \
        Found</d:status></d:response>"
    )
}

fn token(token: &str) -> String {
    format!("<d:sync-token>{token}</d:sync-token>")
}

/// `+name etag` for what is there, `-name` for what was removed.
fn brief(changes: &ChangeSet) -> Vec<String> {
    let name = |line: &Listed| line.id().as_str().to_owned();
    let line = |line: &Listed| match line {
        Listed::Present { etag, .. } => {
            format!("+{} {}", name(line), etag.as_deref().unwrap_or("-").trim_matches('"'))
        }
        Listed::Removed { .. } => format!("-{}", name(line)),
    };
    changes.listed.iter().map(line).collect()
}

#[tokio::test]
async fn a_sync_collection_says_what_changed_and_where_to_go_on() {
    let stub = Stub::new(|_| {
        Say::multistatus(
            &[
                found("/home/work", "<d:getetag>\"0\"</d:getetag>"),
                changed("a.ics", "1"),
                changed("b%40x.ics", "2"),
                removed("c.ics"),
                changed("a.ics", "3"),
                changed("sub/", "4"),
                found(
                    &format!("{CALENDAR}task.ics"),
                    "<d:getetag>\"5\"</d:getetag><d:getcontenttype>text/calendar; \
                    component=vtodo</d:getcontenttype>",
                ),
                found(
                    "http://elsewhere.example/home/work/no-suffix",
                    "<d:getetag>\"6\"</d:getetag>",
                ),
                token("t2"),
            ]
            .concat(),
        )
    })
    .await;
    let dav = stub.account();
    let changes = dav
        .list_changes(CALENDAR, Since::Cursor(&cursor("t1")), Some(&state_tag("c2", Some("x"))))
        .await
        .unwrap();
    assert_eq!(brief(&changes), ["+a.ics 3", "+b@x.ics 2", "-c.ics", "+no-suffix 6"]);
    assert_eq!(changes.listed[1].id().address(), Some("b%40x.ics"));
    assert!(
        dav.is_current(&changes.cursor, &state_tag("c2", Some("y"))),
        "the ctag decides where there is one"
    );
    assert!(!dav.is_current(&changes.cursor, &state_tag("c3", Some("t2"))));

    let asked = stub.take();
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str(), asked[0].header("depth")),
        ("REPORT", CALENDAR, "0")
    );
    assert!(
        asked[0].body.contains("<d:sync-token>t1</d:sync-token>")
            && !asked[0].body.contains("limit")
    );
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_calendar_that_has_another_path_by_now_lists_the_same_events() {
    let stub = Stub::new(|_| {
        let there = |path: &str| found(path, "<d:getetag>\"1\"</d:getetag>");
        Say::multistatus(
            &[
                there("/remote/dav/work"),
                there("/remote/dav/work/"),
                there("/remote/dav/work/a%40.ics"),
                there("/home/work/a@.ics"),
                there("/remote/dav/work/sub/b.ics"),
                removed("c.ics").replace(CALENDAR, "/remote/dav/work/"),
                token("t2"),
            ]
            .concat(),
        )
    })
    .await;
    let changes =
        stub.account().list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None).await.unwrap();
    assert_eq!(brief(&changes), ["+a@.ics 1", "-c.ics", "+sub/b.ics 1"]);
    assert_eq!(
        changes.listed[2].id().address(),
        Some("/remote/dav/work/sub/b.ics"),
        "the path that the server names is used"
    );
}

#[tokio::test]
async fn an_answer_that_the_server_cut_off_is_continued() {
    let stub = Stub::new(|asked| {
        let cut = format!(
            "<d:response><d:href>{CALENDAR}</d:href><d:status>HTTP/1.1 507 \
        Insufficient Storage</d:status></d:response>"
        );
        match asked.body.contains(">t1<") {
            true => Say::multistatus(&[changed("a.ics", "1"), cut, token("t2")].concat()),
            false => {
                Say::multistatus(&[changed("b.ics", "2"), removed("a.ics"), token("t3")].concat())
            }
        }
    })
    .await;
    let changes =
        stub.account().list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None).await.unwrap();
    assert_eq!(brief(&changes), ["-a.ics", "+b.ics 2"]);
    assert_eq!(SyncPosition::read(&changes.cursor.0).unwrap().token.as_deref(), Some("t3"));

    let circling = Stub::new(|_| {
        Say::multistatus(
            "<d:response><d:href>/home/work/</d:href><d:status>HTTP/1.1 507 \
            No</d:status></d:response><d:sync-token>t1</d:sync-token>",
        )
    })
    .await;
    let error = circling
        .account()
        .list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::CursorExpired));
}

#[tokio::test]
async fn a_server_from_before_the_standard_is_asked_with_depth_1() {
    let stub = Stub::new(|asked| {
        if asked.header("depth") == "0" { Say::status(400) } else { Say::multistatus(&token("t2")) }
    })
    .await;
    let changes =
        stub.account().list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None).await.unwrap();
    assert!(changes.listed.is_empty());
}

#[tokio::test]
async fn a_lost_token_is_known_in_all_its_forms() {
    let state = found(CALENDAR, "<cs:getctag>1</cs:getctag>");
    let forms = [
        Say::condition(403, "d:valid-sync-token"),
        Say::condition(409, "d:valid-sync-token"),
        Say::condition(412, "d:valid-sync-token"),
        Say::condition(500, "d:valid-sync-token"),
        Say::status(400),
        Say::status(404),
        Say::status(410),
        Say::status(415),
        Say::status(501),
        Say::status(507),
        Say::multistatus(""),
    ];
    for form in forms {
        let (form, state) = (form.clone(), state.clone());
        let what = format!("{form:?}");
        let stub = Stub::new(move |asked| {
            if asked.method == "REPORT" { form.clone() } else { Say::multistatus(&state) }
        })
        .await;
        let answer =
            stub.account().list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None).await;
        assert!(matches!(answer, Err(Error::CursorExpired)), "{what}: {answer:?}");
    }
    let stub = Stub::new(|_| Say::status(500)).await;
    for unusable in ["", "{}", "nonsense", r#"{"c":"only"}"#] {
        let answer = stub
            .account()
            .list_changes(CALENDAR, Since::Cursor(&Cursor(unusable.into())), None)
            .await;
        assert!(matches!(answer, Err(Error::CursorExpired)), "{unusable}");
    }
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn failures_are_not_lost_tokens() {
    for (status, expected) in
        [(401, "Unauthorized"), (500, "Unreachable"), (502, "NoAnswer"), (429, "RateLimited")]
    {
        let stub = Stub::new(move |_| Say::status(status).header("retry-after", "36000")).await;
        let error = stub
            .account()
            .list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None)
            .await
            .unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
    }
    for (status, is) in [
        (404, (|error| matches!(error, Error::CalendarMissing)) as fn(&Error) -> bool),
        (403, |error| matches!(error, Error::Forbidden(_))),
    ] {
        let stub = Stub::new(move |_| Say::status(status)).await;
        let account = stub.account();
        assert!(account.ask(CALENDAR).await.is_err_and(|error| is(&error)), "{status}");
        let error = account.list_changes(CALENDAR, Since::Window(WINDOW), None).await.unwrap_err();
        assert!(is(&error), "{status}: {error:?}");
    }
    let gone = Stub::new(|_| Say::status(404)).await;
    let error = gone
        .account()
        .list_changes(CALENDAR, Since::Cursor(&cursor("t1")), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::CalendarMissing));
}

/// A calendar with one event, on a server that can do what `can` allows.
fn server(
    can: impl Fn(&Received) -> bool + Send + Sync + 'static,
) -> impl Fn(&Received) -> Say + Send + Sync + 'static {
    move |asked| match () {
        () if !can(asked) => Say::status(403),
        () if asked.header("depth") == "0" => Say::multistatus(&found(
            CALENDAR,
            "<cs:getctag>c1</cs:getctag><d:sync-token>t1</d:sync-token>",
        )),
        () => Say::multistatus(
            &[
                found(CALENDAR, "<d:resourcetype><d:collection/></d:resourcetype>"),
                changed("a.ics", "1"),
            ]
            .concat(),
        ),
    }
}

#[tokio::test]
async fn a_listing_takes_its_cursor_first_and_needs_no_request_for_what_is_known() {
    let stub = Stub::new(server(|_| true)).await;
    let dav = stub.account();
    let changes = dav.list_changes(CALENDAR, Since::Window(WINDOW), None).await.unwrap();
    assert_eq!(brief(&changes), ["+a.ics 1"]);
    assert_eq!(changes.cursor, cursor("t1"));
    assert_eq!(stub.asked(), ["PROPFIND /home/work/", "REPORT /home/work/"]);

    let changes = dav
        .list_changes(CALENDAR, Since::Window(WINDOW), Some(&state_tag("c7", Some("t7"))))
        .await
        .unwrap();
    assert!(dav.is_current(&changes.cursor, &state_tag("c7", None)));
    let asked = stub.take();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body.contains(r#"start="20260821T000000Z" end="20271121T000000Z""#));
}

#[tokio::test]
async fn a_server_that_cannot_search_is_listed() {
    let cannot_filter_by_time = Stub::new(server(|asked| !asked.body.contains("time-range"))).await;
    let cannot_query = Stub::new(server(|asked| asked.method != "REPORT")).await;
    for (stub, requests) in [(cannot_filter_by_time, 2), (cannot_query, 3)] {
        let changes = stub
            .account()
            .list_changes(CALENDAR, Since::Window(WINDOW), Some(&state_tag("c1", Some("t1"))))
            .await
            .unwrap();
        assert_eq!(brief(&changes), ["+a.ics 1"]);
        assert_eq!(stub.asked().len(), requests);
    }
    let closed = Stub::new(server(|_| false)).await;
    let error = closed
        .account()
        .list_changes(CALENDAR, Since::Window(WINDOW), Some(&state_tag("c1", Some("t1"))))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)), "a refused listing is not an empty one");
}

#[tokio::test]
async fn a_listing_that_the_server_shortens_is_an_error() {
    let stub = Stub::new(|_| {
        Say::multistatus(
            &(changed("a.ics", "1")
                + "<d:response><d:href>/home/work/</d:href><d:status>HTTP/1.1 \
            507 No</d:status></d:response>"),
        )
    })
    .await;
    let error = stub
        .account()
        .list_changes(CALENDAR, Since::Window(WINDOW), Some(&state_tag("c1", None)))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadAnswer(_)));
}

fn calendars(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("/home/{name}/")).collect()
}

#[tokio::test]
async fn one_request_looks_at_all_calendars_of_a_home() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        "/home/" => Say::multistatus(
            &[
                found("/home/", "<d:resourcetype><d:collection/></d:resourcetype>"),
                found("/home/a", "<cs:getctag>1</cs:getctag>"),
                found("/home/b%40/", ""),
                found("/home/c/", ""),
            ]
            .concat(),
        ),
        "/home/a" => Say::multistatus(&found("/home/a", "<cs:getctag>1</cs:getctag>")),
        "/home/b%40/" => Say::multistatus(&found("/home/b%40/", "<d:sync-token>t</d:sync-token>")),
        "/home/c/" => {
            Say::multistatus(&found("/home/c/", "<d:displayname>no mark</d:displayname>"))
        }
        "/home/e/" => Say::multistatus(&found("/home/e/", "<cs:getctag>2</cs:getctag>")),
        "/home/f/" => Say::status(403),
        _ => Say::status(404),
    })
    .await;
    let dav = stub.account();
    let states =
        dav.collection_states(&calendars(&["e", "c", "b@", "a", "d", "f", "a"])).await.unwrap();
    let a = CollectionState::Tagged(state_tag("1", None));
    let b = CollectionState::Tagged(
        SyncPosition { ctag: None, token: Some("t".into()) }.state_tag().unwrap(),
    );
    let e = CollectionState::Tagged(state_tag("2", None));
    assert_eq!(
        states,
        [
            e,
            CollectionState::Untagged,
            b,
            a.clone(),
            CollectionState::Missing,
            CollectionState::Closed,
            a
        ]
    );
    let single = ["e", "c", "b%40", "d", "f"].map(|name| format!("PROPFIND /home/{name}/"));
    assert_eq!(
        stub.asked(),
        [vec!["PROPFIND /home/".to_owned()], single.to_vec()].concat(),
        "those without a ctag are asked for their token"
    );

    dav.collection_states(&calendars(&["a", "a"])).await.unwrap();
    assert_eq!(
        stub.asked(),
        ["PROPFIND /home/a"],
        "the same calendar twice is one, in the server's own spelling"
    );
    dav.collection_states(&calendars(&["a", "c"])).await.unwrap();
    assert_eq!(stub.asked(), ["PROPFIND /home/", "PROPFIND /home/c/"]);
    dav.collection_states(&calendars(&["e"])).await.unwrap();
    assert_eq!(stub.asked(), ["PROPFIND /home/e/"], "a single calendar is asked itself");
    let _ = dav
        .list_changes("/home/b@/", Since::Window(WINDOW), Some(&state_tag("1", Some("t"))))
        .await;
    assert_eq!(stub.asked()[0], "REPORT /home/b%40/", "in the server's own spelling");
}

#[tokio::test]
async fn a_home_that_cannot_be_listed_costs_one_request_a_calendar() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        "/home/" => Say::status(403),
        path => Say::multistatus(&found(path, "<cs:getctag>1</cs:getctag>")),
    })
    .await;
    let states = stub.account().collection_states(&calendars(&["a", "b"])).await.unwrap();
    assert!(states.iter().all(|state| matches!(state, CollectionState::Tagged(_))));
    assert_eq!(stub.asked(), ["PROPFIND /home/", "PROPFIND /home/a/", "PROPFIND /home/b/"]);
}

#[tokio::test]
async fn a_failed_request_for_states_is_an_error_and_not_a_missing_calendar() {
    let wrong_password = Stub::new(|_| Say::status(401)).await;
    assert!(matches!(
        wrong_password.account().collection_states(&calendars(&["a", "b"])).await,
        Err(Error::Unauthorized)
    ));
    let down = Stub::new(|_| Say::status(503)).await;
    assert!(matches!(
        down.account().collection_states(&calendars(&["a"])).await,
        Err(Error::NoAnswer(_))
    ));
    let cut_off = Stub::new(|_| Say::status(207).body("<d:multistatus xmlns:d='DAV:'>")).await;
    assert!(matches!(
        cut_off.account().collection_states(&calendars(&["a"])).await,
        Err(Error::BadAnswer(_))
    ));
}
