use engine::event::{Busy, Content, Draft, Span, Visibility};
use jiff::civil::date;
use std::sync::{Arc, Mutex};

use super::super::stub::{Say, Stub};
use super::*;
use crate::{NewCopy, Provider, Written};

const CALENDAR: &str = "/home/work/";

fn draft(description: &str) -> Draft {
    let content = Content {
        span: Span::AllDay { start: date(2026, 12, 1), end: date(2026, 12, 2) },
        title: "Lunch".into(),
        description: description.into(),
        location: String::new(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    };
    Draft { content, series: None }
}

/// A server that stores what `alter` makes of an object, answers a PUT with `"new"`, and a GET with
/// the tag `"new"` or another one.
async fn server(alter: fn(&str) -> String, get_tag: &'static str) -> Stub {
    let stored: Arc<Mutex<String>> = Arc::default();
    Stub::new(move |asked| match asked.method.as_str() {
        "PUT" => {
            *stored.lock().unwrap() = alter(&asked.body);
            Say::status(201).header("etag", "\"new\"")
        }
        "GET" => Say::status(200).header("etag", get_tag).body(stored.lock().unwrap().clone()),
        _ => Say::status(404),
    })
    .await
}

async fn make(account: &CalDav, description: &str) -> Written {
    let draft = draft(description);
    let copy = NewCopy {
        uid: "calrelay-abc",
        marker: "h1.k.m.t",
        draft: &draft,
        now: "2026-11-21T08:00:00Z".parse().unwrap(),
    };
    account.create(CALENDAR, &copy).await.unwrap()
}

fn described(written: &Written) -> Option<&str> {
    written.event.as_ref().map(|event| event.content.description.as_str())
}

fn cut(object: &str) -> String {
    let keeps = |line: &str| {
        if line.starts_with("DESCRIPTION:") {
            line.chars().take(22).collect()
        } else {
            line.to_owned()
        }
    };
    object.replace("\r\n ", "").split("\r\n").map(keeps).collect::<Vec<_>>().join("\r\n")
}

#[tokio::test]
async fn what_comes_back_as_it_was_sent_is_read_once_a_kind() {
    let stub = server(str::to_owned, "\"new\"").await;
    let account = stub.account();
    let mut asked = Vec::new();
    for words in ["Ten words", "Nine", &"x".repeat(30), &"x".repeat(29), &"x".repeat(31)] {
        let written = make(&account, words).await;
        assert_eq!(
            (written.etag.as_deref(), described(&written), written.rewritten),
            (Some("\"new\""), None, false)
        );
        asked.push(stub.asked().len());
    }
    assert_eq!(asked, [2, 1, 2, 1, 2]);
    // A provider that is reminded of it does not ask again.
    let again = stub.account();
    again.recall(CALENDAR, &account.fidelity(CALENDAR).unwrap());
    make(&again, &"x".repeat(31)).await;
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn what_a_server_alters_is_said_as_it_stands_there_each_time() {
    let stub = server(cut, "\"new\"").await;
    let account = stub.account();
    for _ in 0..2 {
        let written = make(&account, "A text that is cut").await;
        assert_eq!(
            (written.etag.as_deref(), described(&written), written.rewritten),
            (Some("\"new\""), Some("A text tha"), true)
        );
        assert_eq!(stub.asked().len(), 2);
    }
}

/// A server whose answer names a version that no event has: its later ETags are not believed
/// either.
#[tokio::test]
async fn an_etag_that_nothing_has_is_not_believed_again() {
    let stub = server(cut, "\"stored\"").await;
    let account = stub.account();
    for words in ["A text that is cut", "Short"] {
        let written = make(&account, words).await;
        let shown = &words[..words.len().min(10)];
        assert_eq!(
            (written.etag.as_deref(), described(&written), written.rewritten),
            (Some("\"stored\""), Some(shown), true)
        );
    }
    assert!(account.fidelity(CALENDAR).unwrap().misleads);
}

async fn rewrite(account: &CalDav, description: &str) -> Written {
    let draft = draft(description);
    let copy = NewCopy {
        uid: "calrelay-abc",
        marker: "h1.k.m.t",
        draft: &draft,
        now: "2026-11-21T08:00:00Z".parse().unwrap(),
    };
    let version = crate::Version { etag: Some("\"old\"".into()), sequence: 1 };
    account.rewrite(CALENDAR, &EventId::new("calrelay-abc.ics"), &version, &copy).await.unwrap()
}

/// Another client may have written between the two requests, unless the event was just made: its
/// write is not taken for the server's change.
#[tokio::test]
async fn another_version_after_a_change_is_an_edit_unless_it_shows_less() {
    let theirs = |object: &str| object.replace("A text that is cut", "Another text");
    let stub = server(theirs, "\"theirs\"").await;
    let account = stub.account();
    let written = rewrite(&account, "A text that is cut").await;
    assert_eq!(
        (written.etag.as_deref(), described(&written), written.rewritten),
        (Some("\"new\""), None, false)
    );
    assert!(!account.fidelity(CALENDAR).unwrap().misleads);

    let stub = server(cut, "\"stored\"").await;
    let account = stub.account();
    let written = rewrite(&account, "A text that is cut").await;
    assert_eq!(
        (written.etag.as_deref(), described(&written), written.rewritten),
        (Some("\"stored\""), Some("A text tha"), true)
    );
    assert!(account.fidelity(CALENDAR).unwrap().misleads);
}

/// The stored event is unknown then; the next listing shows it.
#[tokio::test]
async fn what_cannot_be_read_after_it_was_written_has_no_known_version() {
    for status in [404, 500, 503] {
        let stub = Stub::new(move |asked| match asked.method.as_str() {
            "PUT" => Say::status(201).header("etag", "\"new\""),
            _ => Say::status(status),
        })
        .await;
        let account = stub.account();
        let written = make(&account, "Words").await;
        assert_eq!(
            (written.etag, written.event.is_none(), written.rewritten),
            (None, true, false),
            "{status}"
        );
    }
}

/// Of many that are written side by side one is read, where it came back as it was sent.
#[tokio::test]
async fn what_is_written_side_by_side_waits_for_one_reading() {
    let stub = server(str::to_owned, "\"new\"").await;
    let account = stub.account();
    futures::future::join_all((0..8).map(|_| make(&account, "Words"))).await;
    let asked = stub.asked();
    assert_eq!(asked.iter().filter(|asked| asked.starts_with("GET")).count(), 1, "{asked:?}");
}
