use super::super::stub::{Received, Say, Stub, found};
use crate::{Error, Provider};

const CALENDAR: &str = "/home/work/";

fn event(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn listed(path: &str) -> String {
    found(path, "<d:getetag>\"1\"</d:getetag>")
}

/// A server that answers the search with this, and whose objects are `(path, UID)`.
async fn server(search: Say, objects: &'static [(&'static str, &'static str)]) -> Stub {
    Stub::new(move |asked: &Received| match asked.method.as_str() {
        "PROPFIND" => Say::multistatus(&found(CALENDAR, "<cs:getctag>1</cs:getctag>")),
        "REPORT" if asked.body.contains("calendar-query") => search.clone(),
        "REPORT" => {
            let data = |uid: &str| {
                format!(
                    "<d:getetag>\"1\"</d:getetag><c:calendar-data>{}</c:calendar-data>",
                    event(uid)
                )
            };
            Say::multistatus(
                &objects.iter().map(|(path, uid)| found(path, &data(uid))).collect::<String>(),
            )
        }
        _ => match objects.iter().find(|(path, _)| *path == asked.path) {
            Some((_, uid)) => Say::status(200).header("etag", "\"1\"").body(event(uid)),
            None => Say::status(404),
        },
    })
    .await
}

async fn find(stub: &Stub, uid: &str) -> crate::Result<Option<String>> {
    Ok(stub.account().find_uid(CALENDAR, uid).await?.map(|id| id.as_str().to_owned()))
}

#[tokio::test]
async fn an_event_is_found_by_its_uid_which_is_read_and_compared() {
    let objects = &[("/home/work/x.EML", "u-1"), ("/home/work/y%40.ics", "u-11")];
    let stub = server(Say::multistatus(&listed("/home/work/x.EML")), objects).await;
    assert_eq!(find(&stub, "u-1").await.unwrap().as_deref(), Some("x.EML"));
    let asked = stub.take();
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str(), asked[0].header("depth")),
        ("REPORT", CALENDAR, "1")
    );
    assert!(asked[0].body.contains(
        r#"<c:prop-filter name="UID"><c:text-match collation="i;octet">u-1</c:text-match>"#
    ));
    assert_eq!(
        (asked.len(), asked[1].method.as_str(), asked[1].path.as_str()),
        (2, "GET", "/home/work/x.EML")
    );

    // A UID that is a part of another one, and a server that lists the calendar itself and what is
    // gone.
    let gone = "<d:response><d:href>/home/work/gone.ics</d:href><d:status>HTTP/1.1 404 \
    No</d:status></d:response>";
    let all = [
        listed("/home/work/"),
        listed("/home/work/y%40.ics"),
        gone.into(),
        listed("/home/work/x.EML"),
    ]
    .concat();
    let stub = server(Say::multistatus(&all), objects).await;
    assert_eq!(find(&stub, "u-1").await.unwrap().as_deref(), Some("x.EML"));
    assert_eq!(find(&stub, "u-11").await.unwrap().as_deref(), Some("y@.ics"));
    assert_eq!(find(&stub, "u-2").await.unwrap(), None);
    assert_eq!(find(&stub, "U-1").await.unwrap(), None);
    stub.take();
    assert_eq!(find(&stub, " ").await.unwrap(), None);
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_search_finds_nothing() {
    let everything: String = (0..200).map(|n| listed(&format!("/home/work/{n}.ics"))).collect();
    for answer in [
        Say::condition(403, "c:supported-filter"),
        Say::status(400),
        Say::status(404),
        Say::status(500),
        Say::status(501),
        Say::status(200).body("<html>log in</html>"),
        Say::multistatus(""),
        Say::multistatus(&everything),
        Say::multistatus(&listed("/home/work/vanished.ics")),
    ] {
        let what = format!("{answer:?}");
        let stub = server(answer, &[("/home/work/x.ics", "u")]).await;
        assert_eq!(find(&stub, "u").await.unwrap(), None, "{what}");
        assert!(
            stub.asked().len() <= 2,
            "{what}: a search is not made up for by reading the calendar"
        );
    }
}

#[tokio::test]
async fn a_search_that_fails_is_no_search_that_found_nothing() {
    for (status, expected) in [(401, "Unauthorized"), (502, "NoAnswer"), (429, "RateLimited")] {
        let stub = server(Say::status(status).header("retry-after", "36000"), &[]).await;
        let error = find(&stub, "u").await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
    }
    let gone = Stub::new(|_| Say::status(404)).await;
    assert!(matches!(find(&gone, "u").await, Err(Error::CalendarMissing)));
    // It is listed, and cannot be read now.
    let stub = Stub::new(|asked| {
        if asked.method == "REPORT" {
            Say::multistatus(&listed("/home/work/x.ics"))
        } else {
            Say::status(503)
        }
    })
    .await;
    assert!(matches!(find(&stub, "u").await, Err(Error::NoAnswer(_))));
}
