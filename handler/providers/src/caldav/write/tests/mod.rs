mod names;
mod not_stored;
mod versions;

use engine::event::{Busy, Content, Draft, Field, Parts, Span, Visibility};
use jiff::civil::date;

use super::refusal::words;
use super::*;
use crate::Version;
use crate::caldav::stub::{Say, Stub, found};

const CALENDAR: &str = "/home/work/";
const UID: &str = "calrelay-abc";
const COPY_NAME: &str = "calrelay-abc.ics";
const COPY_PATH: &str = "/home/work/calrelay-abc.ics";
const OWN_PATH: &str = "/home/work/own.ics";

fn draft(title: &str) -> Draft {
    Draft {
        content: Content {
            span: Span::AllDay { start: date(2026, 12, 1), end: date(2026, 12, 2) },
            title: title.into(),
            description: String::new(),
            location: String::new(),
            attendees: Vec::new(),
            visibility: Visibility::Default,
            busy: Busy::Busy,
        },
        series: None,
    }
}

fn copy(draft: &Draft) -> NewCopy<'_> {
    NewCopy { uid: UID, marker: "h1.k.m.t", draft, now: "2026-11-21T08:00:00Z".parse().unwrap() }
}

fn object(more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20261101T000000Z\r\nSEQUENCE:4\r\n\
         DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261202\r\nSUMMARY:Mine\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const GUESTS: &str = "ORGANIZER:mailto:me@example.org\r\nATTENDEE:mailto:guest@example.net\r\n";

fn version(etag: Option<&str>, sequence: u32) -> Version {
    Version { etag: etag.map(str::to_owned), sequence }
}

fn own() -> EventId {
    EventId::new("own.ics")
}

/// A server that keeps what it is sent; `answer` says what it answers to a PUT.
async fn server(answer: impl Fn() -> Say + Send + Sync + 'static) -> Stub {
    let stored = std::sync::Mutex::new(String::new());
    Stub::new(move |asked| {
        let mut stored = stored.lock().unwrap();
        if asked.method == "PUT" {
            stored.clone_from(&asked.body);
            return answer();
        }
        Say::status(200).header("etag", "\"1\"").body(stored.clone())
    })
    .await
}

/// The calendar exists.
fn calendar_is_there(asked: &crate::caldav::stub::Received) -> Option<Say> {
    (asked.method == "PROPFIND")
        .then(|| Say::multistatus(&found(CALENDAR, "<cs:getctag>1</cs:getctag>")))
}

#[tokio::test]
async fn a_create_never_overwrites() {
    let stub = server(|| Say::status(201).header("etag", "\"1\"")).await;
    let draft = draft("Title");
    let written = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap();
    assert_eq!(
        (written.id.as_str(), written.etag.as_deref(), written.sequence),
        (COPY_NAME, Some("\"1\""), 0)
    );
    let asked = stub.take();
    assert_eq!(
        asked.iter().filter(|asked| asked.method != "GET").count(),
        1,
        "one write, which is read again"
    );
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str(), asked[0].header("if-none-match")),
        ("PUT", COPY_PATH, "*")
    );
    assert_eq!(asked[0].header("content-type"), "text/calendar; charset=utf-8");
    assert!(!asked[0].body.contains("ATTENDEE") && !asked[0].body.contains("ORGANIZER"));
}

#[tokio::test]
async fn a_refused_create_says_what_can_be_done_about_it() {
    type Standing = fn(&Error) -> bool;
    let cases: [(Say, Standing); 12] = [
        (Say::status(412), |e| matches!(e, Error::Exists)),
        (Say::condition(409, "c:no-uid-conflict"), |e| matches!(e, Error::Exists)),
        (Say::condition(403, "c:no-uid-conflict"), |e| matches!(e, Error::Exists)),
        (
            Say::condition(403, "c:max-resource-size"),
            |e| matches!(e, Error::Refused(why) if why.contains("larger")),
        ),
        (Say::condition(403, "c:valid-calendar-data"), |e| matches!(e, Error::Refused(_))),
        (
            Say::condition(409, "c:supported-calendar-component"),
            |e| matches!(e, Error::Refused(why) if why.contains("events")),
        ),
        (
            Say::status(403),
            |e| matches!(e, Error::NameRefused(why) if matches!(**why, Error::Forbidden(_))),
        ),
        (Say::condition(403, "d:need-privileges"), |e| matches!(e, Error::Forbidden(_))),
        (Say::status(413), |e| matches!(e, Error::Refused(_))),
        (Say::status(507), |e| matches!(e, Error::Refused(_))),
        (Say::status(401), |e| matches!(e, Error::Unauthorized)),
        (Say::status(500), |e| matches!(e, Error::Unreachable(_))),
    ];
    for (say, is) in cases {
        let what = format!("{say:?}");
        let stub =
            Stub::new(move |asked| calendar_is_there(asked).unwrap_or_else(|| say.clone())).await;
        let draft = draft("Title");
        let error = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap_err();
        assert!(is(&error), "{what}: {error:?}");
        assert_eq!(
            stub.take().iter().filter(|asked| asked.method == "PUT").count(),
            1,
            "{what}: a write is not repeated blindly"
        );
    }
    for status in [404, 409] {
        let stub =
            Stub::new(move |asked| Say::status(if asked.method == "PUT" { status } else { 404 }))
                .await;
        let draft = draft("Title");
        assert!(matches!(
            stub.account().create(CALENDAR, &copy(&draft)).await,
            Err(Error::CalendarMissing)
        ));
    }
}

#[tokio::test]
async fn a_server_without_an_etag_in_its_answer_is_read_again() {
    let stub = Stub::new(|asked| match asked.method.as_str() {
        "PUT" => Say::status(201),
        _ => Say::status(200).header("etag", "\"7\"").body(object("")),
    })
    .await;
    let draft = draft("Title");
    let written = stub.account().create(CALENDAR, &copy(&draft)).await.unwrap();
    assert_eq!(written.etag.as_deref(), Some("\"7\""));
    assert!(written.event.is_some());

    let then_down =
        Stub::new(|asked| Say::status(if asked.method == "PUT" { 204 } else { 500 })).await;
    let written = then_down.account().create(CALENDAR, &copy(&draft)).await.unwrap();
    assert_eq!(written.etag, None, "the write counts, even if the read fails");
}

#[tokio::test]
async fn a_rewrite_keeps_to_the_version_it_is_based_on() {
    let stub = Stub::new(|_| Say::status(204).header("etag", "\"2\"")).await;
    let draft = draft("Title");
    let id = EventId::new(COPY_NAME);
    let written = stub
        .account()
        .rewrite(CALENDAR, &id, &version(Some("\"1\""), 3), &copy(&draft))
        .await
        .unwrap();
    assert_eq!(written.sequence, 4);
    let asked = stub.take();
    assert_eq!((asked[0].method.as_str(), asked[0].header("if-match")), ("PUT", "\"1\""));
    assert!(
        asked[0].body.contains("SEQUENCE:4")
            && asked.iter().skip(1).all(|asked| asked.method == "GET")
    );
}

#[tokio::test]
async fn a_failed_condition_is_a_change_or_a_deletion() {
    let id = EventId::new(COPY_NAME);
    for (after, gone) in [(200, false), (404, true)] {
        let stub = Stub::new(move |asked| match asked.method.as_str() {
            "GET" => Say::status(after).body(object("")),
            "PROPFIND" => calendar_is_there(asked).unwrap(),
            _ => Say::status(412),
        })
        .await;
        let (dav, draft) = (stub.account(), draft("Title"));
        let rewrite = dav.rewrite(CALENDAR, &id, &version(Some("\"1\""), 0), &copy(&draft)).await;
        let delete = dav.delete(CALENDAR, &id, Some("\"1\"")).await;
        if gone {
            assert!(matches!(rewrite, Err(Error::Gone)));
            assert!(delete.is_ok());
        } else {
            assert!(matches!(rewrite, Err(Error::ChangedMeanwhile)));
            assert!(matches!(delete, Err(Error::ChangedMeanwhile)));
        }
    }
}

#[tokio::test]
async fn without_a_known_version_a_copy_is_rewritten_only_as_we_left_it() {
    let server = |marker| serving("\"9\"", object(marker));
    let (id, draft) = (EventId::new(COPY_NAME), draft("Title"));
    let ours = Stub::new(server("X-CALRELAY-ORIGIN:h1.k.m.t\r\n")).await;
    ours.account().rewrite(CALENDAR, &id, &version(None, 4), &copy(&draft)).await.unwrap();
    assert_eq!(ours.take()[1].header("if-match"), "\"9\"");
    let edited = ours.account().rewrite(CALENDAR, &id, &version(None, 3), &copy(&draft)).await;
    assert!(matches!(edited, Err(Error::ChangedMeanwhile)));
    let theirs = Stub::new(server("")).await;
    assert!(matches!(
        theirs.account().rewrite(CALENDAR, &id, &version(None, 4), &copy(&draft)).await,
        Err(Error::ChangedMeanwhile)
    ));
    assert_eq!(theirs.asked(), [format!("GET {COPY_PATH}")]);
}

/// Edits the title of the user's own event; gives the answer and what the server was asked.
async fn edit(stub: &Stub, etag: Option<&str>) -> Result<Written> {
    let (draft, parts) =
        (draft("New"), Parts { fields: [Field::Title].into(), ..Parts::default() });
    let edit = Edit {
        parts: &parts,
        draft: &draft,
        marker: None,
        now: "2026-11-21T08:00:00Z".parse().unwrap(),
    };
    stub.account().edit(CALENDAR, &own(), &version(etag, 4), &edit).await
}

/// A server with one event, which keeps what it is sent.
fn serving(
    etag: &'static str,
    body: String,
) -> impl Fn(&crate::caldav::stub::Received) -> Say + Send + Sync {
    let stored = std::sync::Mutex::new((etag, body));
    move |asked| {
        let mut stored = stored.lock().unwrap();
        match (asked.method.as_str(), stored.0) {
            ("PUT", _) => {
                *stored = ("\"2\"", asked.body.clone());
                Say::status(204).header("etag", "\"2\"")
            }
            ("GET", "") => Say::status(200).body(stored.1.clone()),
            ("GET", etag) => Say::status(200).header("etag", etag).body(stored.1.clone()),
            _ => Say::status(204),
        }
    }
}

#[tokio::test]
async fn an_edit_reads_first_and_keeps_what_it_does_not_know() {
    let stub = Stub::new(serving("\"1\"", object("X-MINE:keep\r\n"))).await;
    let written = edit(&stub, Some("\"1\"")).await.unwrap();
    assert_eq!(written.sequence, 5);
    let asked = stub.take();
    assert_eq!(asked[1].header("if-match"), "\"1\"");
    assert!(asked[1].body.contains("SUMMARY:New\r\n") && asked[1].body.contains("X-MINE:keep\r\n"));

    let stub = Stub::new(serving("\"1\"", object(""))).await;
    edit(&stub, None).await.unwrap();
    assert_eq!(stub.take()[1].header("if-match"), "\"1\"", "any version, but that very one");
}

#[tokio::test]
async fn an_edit_is_not_made_on_another_version_on_guests_or_blindly() {
    let changed = Stub::new(serving("\"other\"", object(""))).await;
    assert!(matches!(edit(&changed, Some("\"1\"")).await, Err(Error::ChangedMeanwhile)));
    let meeting = Stub::new(serving("\"1\"", object(GUESTS))).await;
    assert!(matches!(edit(&meeting, Some("\"1\"")).await, Err(Error::HasGuests)));
    let no_versions = Stub::new(serving("", object(""))).await;
    assert!(matches!(edit(&no_versions, None).await, Err(Error::Refused(_))));
    let broken = Stub::new(serving("\"1\"", "no calendar object".into())).await;
    assert!(matches!(edit(&broken, Some("\"1\"")).await, Err(Error::Refused(_))));
    assert!(changed.take().iter().all(|asked| asked.method != "PUT"));
    for stub in [meeting, no_versions, broken] {
        assert_eq!(stub.asked(), [format!("GET {OWN_PATH}")]);
    }
}

#[tokio::test]
async fn an_edit_that_changes_nothing_writes_nothing() {
    let stub = Stub::new(serving("\"1\"", object("").replace("Mine", "New"))).await;
    let written = edit(&stub, Some("\"1\"")).await.unwrap();
    assert_eq!((written.etag.as_deref(), written.sequence), (Some("\"1\""), 4));
    assert_eq!(stub.asked(), [format!("GET {OWN_PATH}")]);
}

#[tokio::test]
async fn a_deletion_tells_no_guest() {
    let meeting = Stub::new(serving("\"1\"", object(GUESTS))).await;
    assert!(matches!(
        meeting.account().delete(CALENDAR, &own(), Some("\"1\"")).await,
        Err(Error::HasGuests)
    ));
    assert_eq!(meeting.asked(), [format!("GET {OWN_PATH}")]);

    let alone = Stub::new(serving("\"1\"", object(""))).await;
    assert!(matches!(
        alone.account().delete(CALENDAR, &own(), Some("\"0\"")).await,
        Err(Error::ChangedMeanwhile)
    ));
    alone.take();
    alone.account().delete(CALENDAR, &own(), Some("\"1\"")).await.unwrap();
    let asked = alone.take();
    assert_eq!(
        (asked[1].method.as_str(), asked[1].header("if-match"), asked[1].header("schedule-reply")),
        ("DELETE", "\"1\"", "F")
    );
}

#[tokio::test]
async fn a_copy_is_deleted_by_one_request() {
    let stub = Stub::new(|_| Say::status(204)).await;
    stub.account().delete(CALENDAR, &EventId::new(COPY_NAME), Some("\"1\"")).await.unwrap();
    assert_eq!(stub.asked(), [format!("DELETE {COPY_PATH}")]);
}

#[tokio::test]
async fn what_is_gone_already_is_deleted_unless_the_calendar_is_gone() {
    let gone =
        Stub::new(|asked| calendar_is_there(asked).unwrap_or_else(|| Say::status(404))).await;
    for id in [own(), EventId::new(COPY_NAME)] {
        gone.account().delete(CALENDAR, &id, Some("\"1\"")).await.unwrap();
    }
    let all_gone = Stub::new(|_| Say::status(404)).await;
    assert!(matches!(
        all_gone.account().delete(CALENDAR, &own(), None).await,
        Err(Error::CalendarMissing)
    ));
}

#[tokio::test]
async fn what_is_there_after_a_404_to_its_deletion_is_refused_and_not_deleted() {
    let stub = Stub::new(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", COPY_PATH) => Say::status(200).header("etag", "\"1\"").body(object("")),
        _ => calendar_is_there(asked).unwrap_or_else(|| Say::status(404)),
    })
    .await;
    let answer = stub.account().delete(CALENDAR, &EventId::new(COPY_NAME), Some("\"1\"")).await;
    assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
}

#[test]
fn what_a_server_forbids_has_words() {
    let organizer =
        ["allowed-organizer-scheduling-object-change", "allowed-attendee-scheduling-object-change"];
    assert!(
        organizer
            .iter()
            .all(|condition| words(condition).is_some_and(|words| words.contains("organizer")))
    );
    assert_eq!((words("need-privileges"), words("x-unheard-of")), (None, None));
}
