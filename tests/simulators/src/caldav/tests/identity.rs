//! Names, paths and addresses that differ from those that a client expects.

use super::*;
use crate::person::Person;

const NEW: [(&str, &str); 1] = [("if-none-match", "*")];

#[tokio::test]
async fn a_server_may_choose_the_name_with_or_without_location() {
    for location in [true, false] {
        let w = world(Manners { names: Names::Own { location }, ..Manners::generic() }).await;
        let created = w.put("a.ics", &event("a", "X-A:1"), &NEW).await;
        let [own] = &w.work.names()[..] else { panic!("one object: {:?}", w.work.names()) };
        assert_eq!(
            (created.status, created.header("etag")),
            (201, w.work.etag(own).unwrap().as_str())
        );
        let expected = if location { format!("{}{own}", w.work.path()) } else { String::new() };
        assert_eq!(
            (created.header("location"), own.as_str() == "a.ics"),
            (expected.as_str(), false)
        );
        assert_eq!(
            w.client.send("GET", &format!("{}a.ics", w.work.path()), &[], "").await.unwrap().status,
            404
        );
        assert_eq!(w.sync("", "").await.1, std::slice::from_ref(own));
        assert_eq!(
            w.put("a.ics", &event("a", "X-A:2"), &[("if-match", created.header("etag"))])
                .await
                .status,
            412
        );
        let again = w.put("a.ics", &event("a", "X-A:2"), &NEW).await;
        assert!(
            again.status == 403 && again.text().contains(own.as_str()),
            "the UID is taken by the own name: {}",
            again.text()
        );
        let edited =
            w.put(own, &event("a", "X-A:2"), &[("if-match", created.header("etag"))]).await;
        assert_eq!(
            (edited.status, edited.header("location"), w.work.names()),
            (204, "", vec![own.clone()])
        );
    }
}

#[tokio::test]
async fn a_deleted_uid_is_refused_until_the_trash_is_empty() {
    let w = world(Manners { trash: Some(400), ..Manners::generic() }).await;
    w.put("a.ics", &event("a", "X-A:1"), &NEW).await;
    assert_eq!(
        w.client.send("DELETE", &format!("{}a.ics", w.work.path()), &[], "").await.unwrap().status,
        204
    );
    let (_, _, token) = w.sync("", "").await;
    let refused = w.put("b.ics", &event("a", "X-A:1"), &NEW).await;
    assert_eq!(refused.status, 400);
    let error = refused.xml().unwrap();
    assert!(
        error.is(DAV, "error")
            && error.children.iter().all(|child| child.ns == "http://sabredav.org/ns"),
        "{error:?}"
    );
    w.server.manners(|m| m.trash = Some(403));
    assert_eq!(w.put("a.ics", &event("a", "X-A:1"), &NEW).await.status, 403);
    assert_eq!(
        w.put("a.ics", &event("another", "X-A:1"), &NEW).await.status,
        201,
        "another UID is free"
    );
    w.work.delete("a.ics");
    assert!(w.work.restore("a"));
    assert_eq!(
        (w.work.names(), w.sync(&token, "").await.1),
        (vec!["a.ics".to_owned()], vec!["a.ics".to_owned()])
    );
    w.work.delete("a.ics");
    w.work.purge_trash();
    assert_eq!(w.put("a.ics", &event("a", "X-A:1"), &NEW).await.status, 201);
}

#[tokio::test]
async fn a_share_shows_the_same_calendar_under_another_path() {
    let w = world(Manners::generic()).await;
    w.server.account("ben", "secret2");
    let (again, bens) = (w.work.share("alice", "again"), w.work.share("ben", "of alice"));
    let ben = Client::new(&w.server.url()).login("ben", "secret2");
    let put = ben.put(&format!("{}a.ics", bens.path()), &event("a", "X-A:1"), &NEW).await.unwrap();
    assert_eq!((put.status, w.work.etag("a.ics").unwrap().as_str()), (201, put.header("etag")));
    let (_, listed, token) = w.sync("", "").await;
    assert_eq!(
        (listed, again.names(), again.ctag()),
        (vec!["a.ics".to_owned()], w.work.names(), w.work.ctag())
    );
    let body = SYNC.replace("TOKEN", &token).replace("LIMIT", "");
    w.work.delete("a.ics");
    let news = ben.xml("REPORT", &bens.path(), "0", &body).await.unwrap().xml().unwrap();
    assert_eq!(super::listed(&news), ["a.ics 404"], "a token of one path is valid under the other");
    assert!(
        news.all(DAV, "response").all(|one| one
            .find(DAV, "href")
            .unwrap()
            .text
            .starts_with(&bens.path()))
    );
    assert_eq!(
        ben.xml("PROPFIND", &w.work.path(), "0", "").await.unwrap().status,
        403,
        "the path of the owner is closed to others"
    );
    let home = w.client.xml("PROPFIND", "/calendars/alice/", "1", "").await.unwrap().xml().unwrap();
    assert!(
        ["again", "work"].iter().all(|name| super::listed(&home).contains(&(*name).to_owned()))
    );

    bens.set_writable(false);
    let refused =
        ben.put(&format!("{}b.ics", bens.path()), &event("b", "X-A:1"), &NEW).await.unwrap();
    assert_eq!(
        (refused.status, w.put("b.ics", &event("b", "X-A:1"), &NEW).await.status),
        (403, 201)
    );

    let ask = async || {
        let body = format!(
            r#"<propfind xmlns="DAV:" xmlns:s="{CALENDAR_SERVER}"><prop><s:shared-url/><owner/></prop></propfind>"#
        );
        ben.xml("PROPFIND", &bens.path(), "0", &body).await.unwrap().text()
    };
    let said = ask().await;
    assert!(said.contains("/principals/alice/") && !said.contains(&w.work.path()), "{said}");
    w.server.manners(|m| m.shared_url = true);
    assert!(ask().await.contains(&w.work.path()));
    bens.remove();
    assert_eq!(
        (ben.xml("PROPFIND", &bens.path(), "0", "").await.unwrap().status, w.work.len()),
        (404, 1)
    );
}

/// The base that discovery finds from an address, and the status of the calendar below it.
async fn found(url: &url::Url) -> (String, u16) {
    let client = Client::new(url).login("alice", "secret");
    let body = r#"<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>"#;
    let answer = client.xml("PROPFIND", url.path(), "0", body).await.unwrap();
    let said = answer.text();
    let principal = said
        .split("principals")
        .next()
        .and_then(|before| before.rsplit('>').next())
        .unwrap_or_default()
        .to_owned();
    let home = client
        .xml("PROPFIND", &format!("{principal}calendars/alice/work/"), "1", "")
        .await
        .unwrap();
    (principal, home.status)
}

#[tokio::test]
async fn one_server_has_several_addresses() {
    let w = world(Manners::generic()).await;
    w.work.put("a.ics", &event("a", "X-A:1"));
    let below = w.server.url_below("/cloud");
    assert_eq!(w.server.name_url().host_str(), Some("localhost"));
    for url in [w.server.url(), w.server.name_url(), w.server.partition_url()] {
        assert_eq!(found(&url).await, ("/".to_owned(), 207), "{url}");
    }
    assert_eq!(found(&below).await, ("/cloud/".to_owned(), 207));
    let body = SYNC.replace("TOKEN", "").replace("LIMIT", "");
    let listing =
        w.client.xml("REPORT", "/cloud/calendars/alice/work/", "0", &body).await.unwrap().text();
    assert!(listing.contains(">/cloud/calendars/alice/work/a.ics<"), "{listing}");
    let known = w.client.send("PROPFIND", "/cloud/.well-known/caldav", &[], "").await.unwrap();
    assert_eq!((known.status, known.header("location")), (301, "/cloud/"));
}

#[tokio::test]
async fn the_base_of_all_paths_may_change() {
    let w = world(Manners::generic()).await;
    w.work.put("a.ics", &event("a", "X-A:1"));
    let (old, (_, _, token)) = (w.work.path(), w.sync("", "").await);
    let ask = async |path: &str| {
        let answer = w.client.xml("PROPFIND", path, "1", "").await.unwrap();
        (answer.status, answer.header("location").to_owned(), answer.text())
    };
    w.server.move_base("/dav2", OldBase::Answers);
    assert_eq!(w.work.path(), format!("/dav2{old}"));
    let (status, _, listing) = ask(&old).await;
    assert!(status == 207 && listing.contains(">/dav2/calendars/alice/work/a.ics<"), "{listing}");
    assert_eq!(w.sync(&token, "").await.1, Vec::<String>::new(), "the token is as good as before");
    assert_eq!(found(&w.server.url()).await, ("/dav2/".to_owned(), 207));
    w.server.move_base("/dav3", OldBase::Redirects(308));
    assert_eq!(
        ask("/dav2/calendars/alice/work/").await,
        (308, "/dav3/calendars/alice/work/".to_owned(), String::new())
    );
    assert_eq!(ask(&old).await.0, 207, "the first base still answers");
    w.server.move_base("", OldBase::Gone);
    assert_eq!((ask("/dav3/calendars/alice/work/").await.0, ask(&old).await.0), (404, 207));
    let known = w.client.send("PROPFIND", "/.well-known/caldav", &[], "").await.unwrap();
    assert_eq!((known.status, known.header("location")), (301, "/"));
}

#[tokio::test]
async fn a_calendar_is_emptied_or_made_anew() {
    let w = world(Manners::generic()).await;
    w.work.put("a.ics", &event("a", "X-A:1"));
    let (_, _, token) = w.sync("", "").await;
    w.work.clear();
    assert_eq!(w.sync(&token, "").await.1, ["a.ics 404"]);
    let (_, _, token) = w.sync("", "").await;
    let ctag = w.work.ctag();
    w.work.replace();
    assert_eq!((w.work.len(), w.work.ctag() == ctag, w.sync(&token, "").await.0), (0, false, 403));
}

#[tokio::test]
async fn a_person_duplicates_cuts_and_moves() -> anyhow::Result<()> {
    let w = world(Manners::generic()).await;
    let [work, home] = [w.work.clone(), w.server.calendar("alice", "home")].map(Person::from);
    work.put("a.ics", &event("a", "RRULE:FREQ=DAILY;COUNT=4\nX-CALRELAY-ORIGIN:mark")).await?;
    assert!(
        work.duplicate("a.ics", "b.ics", "b").await?
            && !work.duplicate("none.ics", "c.ics", "c").await?
    );
    let later = |ics: &str| ics.replace("SUMMARY:one", "SUMMARY:two");
    assert!(
        work.cut("a.ics", "20260312T100000Z", crate::person::Ending::Count, ("r.ics", "r"), later)
            .await?
    );
    let rule = |name: &str| {
        w.work
            .agenda()
            .iter()
            .find(|e| e.name == name)
            .map(|e| (e.uid().to_owned(), e.value("RRULE").to_owned()))
    };
    let counted = |uid: &str, n: u8| Some((uid.to_owned(), format!("FREQ=DAILY;COUNT={n}")));
    assert_eq!(
        (rule("a.ics"), rule("b.ics"), rule("r.ics")),
        (counted("a", 2), counted("b", 4), counted("r", 2))
    );
    assert!(w.work.objects().iter().all(|(_, ics)| ics.contains("X-CALRELAY-ORIGIN:mark")));
    assert!(work.move_to(&home, "a.ics").await? && !work.move_to(&home, "a.ics").await?);
    assert_eq!(
        (w.work.names(), home.agenda().await?[0].uid()),
        (vec!["b.ics".to_owned(), "r.ics".to_owned()], "a")
    );
    Ok(())
}
