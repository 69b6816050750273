use engine::event::{Draft, EventId};

use super::super::stub::{Say, Stub, found, http, password};
use super::super::{CalDav, Endpoint, Home};
use super::refusal::conditions;
use super::*;
use crate::caldav::flavour::Flavour;
use crate::{CollectionState, Found, NewCopy, Provider, Since, Version};

#[test]
fn the_conditions_of_a_refusal() {
    let body = br#"<?xml version="1.0"?><error xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:no-uid-conflict><href>/x</href></c:no-uid-conflict><valid-sync-token/></error>"#;
    assert_eq!(conditions(body), ["no-uid-conflict", "valid-sync-token"]);
    for other in [
        "",
        "no",
        "<html><body><error/></body></html>",
        "<error><x/></error>",
        "<e:error xmlns:e='DAV:'>",
        "<d:error><d:x/></d:error>",
    ] {
        assert!(conditions(other.as_bytes()).is_empty(), "{other}");
    }
}

async fn states(dav: &CalDav) -> Result<Vec<CollectionState>> {
    dav.collection_states(&["/17/calendars/home/".into()]).await
}

fn account(flavour: Flavour, common: &Stub, partition: &Stub) -> CalDav {
    let home = Home { url: format!("{}/17/calendars/", partition.url), is_calendar: false };
    let endpoint =
        Endpoint { base: common.url.clone(), principal: None, homes: vec![home], me: Vec::new() };
    CalDav::new(&http(), flavour, &endpoint, "someone@example.org", &password()).unwrap()
}

fn state(asked: &super::super::stub::Received) -> Say {
    Say::multistatus(&found(&asked.path, "<cs:getctag>1</cs:getctag>"))
}

#[tokio::test]
async fn apples_partition_is_used_once_the_common_host_says_so_and_from_then_on() {
    for misdirected in [true, false] {
        let partition = Stub::new(state).await;
        let url = partition.url.clone();
        let common = Stub::new(move |asked| match misdirected {
            true => Say::status(421),
            false => Say::status(302).header("location", format!("{url}{}", asked.path)),
        })
        .await;
        let dav = account(Flavour::ICloud, &common, &partition);
        for _ in 0..3 {
            assert!(matches!(states(&dav).await.unwrap()[0], CollectionState::Tagged(_)));
        }
        assert_eq!((common.asked().len(), partition.asked().len()), (1, 3));
    }
}

#[tokio::test]
async fn while_the_common_host_answers_the_partition_is_left_alone() {
    let (common, partition) = (Stub::new(state).await, Stub::new(state).await);
    states(&account(Flavour::ICloud, &common, &partition)).await.unwrap();
    assert_eq!(common.asked(), ["PROPFIND /17/calendars/home/"]);
    assert!(partition.asked().is_empty());
}

#[tokio::test]
async fn a_partition_that_does_not_know_the_account_either_is_the_end_of_it() {
    let (common, partition) =
        (Stub::new(|_| Say::status(421)).await, Stub::new(|_| Say::status(421)).await);
    assert!(matches!(
        states(&account(Flavour::ICloud, &common, &partition)).await,
        Err(Error::BadAnswer(_))
    ));
    assert_eq!((common.asked().len(), partition.asked().len()), (1, 1));
}

#[tokio::test]
async fn a_server_cannot_send_the_password_elsewhere_nor_in_circles() {
    let thief = Stub::new(state).await;
    let url = thief.url.clone();
    let stub = Stub::new(move |_| Say::status(307).header("location", url.clone())).await;
    assert!(matches!(
        states(&account(Flavour::Generic, &stub, &stub)).await,
        Err(Error::Address(_))
    ));
    assert!(thief.asked().is_empty());

    let circle = Stub::new(|asked| {
        Say::status(307).header("location", if asked.path == "/a" { "/b" } else { "/a" })
    })
    .await;
    assert!(matches!(
        states(&account(Flavour::Generic, &circle, &circle)).await,
        Err(Error::Address(_))
    ));
    assert!(circle.asked().len() <= 4);
}

#[tokio::test]
async fn a_write_that_is_redirected_stays_that_write() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        "/17/new/x.ics" => Say::status(201).header("etag", "\"1\""),
        _ => Say::status(301).header("location", "/17/new/x.ics"),
    })
    .await;
    let dav = account(Flavour::Generic, &stub, &stub);
    let url = Url::parse(&format!("{}/17/old/x.ics", stub.url)).unwrap();
    assert!(matches!(
        dav.dav.put(&url, Condition::Absent, b"BEGIN").await,
        Ok(Put::Done(Stored { etag: Some(_), .. }))
    ));
    let asked = stub.take();
    assert_eq!(
        (asked[1].method.as_str(), asked[1].body.as_str(), asked[1].header("if-none-match")),
        ("PUT", "BEGIN", "*")
    );
    assert_eq!(asked[1].header("authorization"), asked[0].header("authorization"));
}

/// A server that has moved everything to another base path, and sends everybody there.
async fn moved(status: u16, named: bool) -> Stub {
    const OBJECT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261101T000000Z\r\n\
        DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nX-CALRELAY-ORIGIN:h1.k.m.t\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    Stub::new(move |asked| {
        let Some(path) = asked.path.strip_prefix("/new") else {
            return Say::status(status).header("location", format!("/new{}", asked.path));
        };
        let events = |props: &str| {
            ["a.ics", "b%40.ics"]
                .map(|name| found(&format!("/new/home/work/{name}"), props))
                .concat()
        };
        match (asked.method.as_str(), path) {
            ("PROPFIND", _) => Say::multistatus(&found(
                "/new/home/work/",
                "<cs:getctag>1</cs:getctag><d:sync-token>t</d:sync-token>",
            )),
            ("REPORT", _) if asked.body.contains("multiget") => Say::multistatus(&events(
                &format!("<d:getetag>\"1\"</d:getetag><c:calendar-data>{OBJECT}</c:calendar-data>"),
            )),
            ("REPORT", _) => Say::multistatus(&events("<d:getetag>\"1\"</d:getetag>")),
            ("GET", "/home/work/gone.ics") => Say::status(404),
            ("GET", _) => Say::status(200).header("etag", "\"1\"").body(OBJECT),
            _ if named => {
                Say::status(204).header("etag", "\"2\"").header("location", asked.path.clone())
            }
            _ => Say::status(204).header("etag", "\"2\""),
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_has_moved_keeps_its_events() {
    for (status, named) in [(301, false), (308, false), (301, true), (308, true)] {
        let stub = moved(status, named).await;
        let (dav, calendar) = (stub.account(), "/home/work/");
        assert!(matches!(
            dav.collection_states(&[calendar.into()]).await.unwrap()[0],
            CollectionState::Tagged(_)
        ));
        let changes = dav.list_changes(calendar, Since::Everything, None).await.unwrap();
        let listed: Vec<EventId> = changes.listed.iter().map(|line| line.id().clone()).collect();
        let known = [EventId::new("a.ics"), EventId::with_address("b@.ics", "b%40.ics")];
        assert_eq!(listed, known);
        for ids in [&listed[..], &known] {
            let fetched = dav.fetch(calendar, ids).await.unwrap();
            assert!(fetched.iter().all(|fetched| matches!(fetched.found, Found::Event(_))));
            assert!(dav.exists(calendar, &ids[1]).await.unwrap());
        }
        assert!(!dav.exists(calendar, &EventId::new("gone.ics")).await.unwrap());
        let draft = {
            let fetched = dav.fetch(calendar, &listed[..1]).await.unwrap();
            let Found::Event(event) = &fetched[0].found else { panic!("{:?}", fetched[0].found) };
            Draft::from(&**event)
        };
        let copy = NewCopy {
            uid: "calrelay-x",
            marker: "h1.k.m.t",
            draft: &draft,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(dav.create(calendar, &copy).await.unwrap().id.as_str(), "calrelay-x.ics");
        let version = Version { etag: Some("\"1\"".into()), sequence: 0 };
        for id in [&listed[1], &known[1]] {
            let written = dav.rewrite(calendar, id, &version, &copy).await.unwrap();
            assert_eq!(
                (written.id.as_str(), written.id.address()),
                ("b@.ics", id.address()),
                "its name is the same"
            );
            dav.delete(calendar, id, Some("\"1\"")).await.unwrap();
        }
        let asked = stub.asked();
        assert!(asked.contains(&"DELETE /new/home/work/b%40.ics".into()), "{asked:?}");
        assert!(
            asked
                .iter()
                .filter(|asked| asked.contains(" /new/"))
                .all(|asked| asked.contains(" /new/home/work/")),
            "{asked:?}"
        );
    }
}
