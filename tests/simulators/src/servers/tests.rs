//! The servers start, a person works on them, and they are gone afterwards.

use super::{Account, Server};
use crate::caldav::{CalDav, Manners};
use crate::person::Person;
use crate::proxy::Proxy;
use crate::traffic::Kind;

fn event(uid: &str, title: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//T//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nSUMMARY:{title}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

async fn a_day_of(person: Person) {
    person.put("a.ics", &event("a", "Tea")).await.unwrap();
    person.put("b.ics", &event("b", "Bread")).await.unwrap();
    assert!(person.edit("a.ics", |ics| ics.replace("Tea", "Coffee")).await.unwrap());
    assert!(!person.edit("none.ics", str::to_owned).await.unwrap());
    assert!(person.delete("b.ics").await.unwrap() && !person.delete("b.ics").await.unwrap());
    let seen: Vec<String> =
        person.agenda().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(seen, ["20260310T100000Z - 20260310T110000Z  Coffee"]);
    assert!(
        person.get("a.ics").await.unwrap().is_some()
            && person.get("b.ics").await.unwrap().is_none()
    );
}

#[tokio::test]
async fn a_person_works_alike_everywhere() {
    let radicale = Server::radicale(&[("alice@x.example", "secret")]).await.unwrap();
    a_day_of(radicale.account("alice@x.example").unwrap().calendar("work").await.unwrap()).await;
    let xandikos = Server::xandikos().await.unwrap();
    a_day_of(xandikos.account("user").unwrap().calendar("work").await.unwrap()).await;
    for server in [&radicale, &xandikos] {
        let proxy = Proxy::start(server.url()).await.unwrap();
        let user = &server.users()[0].0;
        let account =
            Account::at(&proxy.url(), user, "secret", server.account(user).unwrap().home());
        a_day_of(account.calendar("through the proxy").await.unwrap()).await;
        assert_eq!(
            (proxy.counts().of(Kind::Put), proxy.counts().of(Kind::Delete)),
            (3, 2),
            "{}",
            proxy.counts()
        );
    }
    let ours = CalDav::start(Manners::generic()).await.unwrap();
    ours.account("alice", "secret");
    a_day_of(ours.calendar("alice", "near").into()).await;
    let account = Account::at(&ours.url(), "alice", "secret", "/calendars/alice/");
    a_day_of(account.calendar("far").await.unwrap()).await;
}

#[tokio::test]
async fn a_server_ends_with_its_handle_and_its_calendar_can_be_filled() {
    let server = Server::radicale(&[("alice", "secret")]).await.unwrap();
    let account = server.account("alice").unwrap();
    server
        .fill("alice", "many", (0..50).map(|n| (format!("{n}.ics"), event(&n.to_string(), "x"))))
        .unwrap();
    assert_eq!(account.calendar("many").await.unwrap().agenda().await.unwrap().len(), 50);
    let directory = server.directory().to_owned();
    drop(server);
    assert!(!directory.exists());
    assert!(account.client().send("OPTIONS", "/", &[], "").await.is_err());
}
