use super::super::stub::{Received, Say, Stub, found, http, password};
use super::*;
use crate::http::AddressPolicy;

const PRINCIPAL: &str =
    "<d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>";
const HOME: &str = "<c:calendar-home-set><d:href>/me/calendars/</d:href></c:calendar-home-set>\
    <c:calendar-user-address-set><d:href>mailto:Me@Example.org</d:href><d:href>/me/</d:href></c:calendar-user-address-set>";
const CALENDAR: &str = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
const FOLDER: &str = "<d:resourcetype><d:collection/></d:resourcetype>";

async fn at(stub: &Stub, path: &str) -> Result<Endpoint> {
    discover(&http(), Flavour::Generic, &format!("{}{path}", stub.url), "someone", &password())
        .await
}

fn homes(stub: &Stub, endpoint: &Endpoint) -> Vec<String> {
    endpoint
        .homes
        .iter()
        .map(|home| {
            home.url.replace(&stub.url, "") + if home.is_calendar { " calendar" } else { "" }
        })
        .collect()
}

/// A server with one user: principal `/me/`, home `/me/calendars/`.
fn server(asked: &Received) -> Say {
    match asked.path.as_str() {
        "/me/" => Say::multistatus(&found("/me/", &format!("{PRINCIPAL}{HOME}"))),
        "/" | "/dav/" => Say::multistatus(&found("/", PRINCIPAL)),
        "/me/calendars/" => {
            Say::multistatus(&found("/me/calendars/", &format!("{PRINCIPAL}{FOLDER}")))
        }
        "/me/calendars/work/" => {
            Say::multistatus(&found("/me/calendars/work/", &format!("{PRINCIPAL}{CALENDAR}")))
        }
        "/shared/team/" => {
            Say::multistatus(&found("/shared/team/", &format!("{PRINCIPAL}{CALENDAR}")))
        }
        "/shared/" => Say::multistatus(
            &[found("/shared/", &format!("{PRINCIPAL}{FOLDER}")), found("/shared/team/", CALENDAR)]
                .concat(),
        ),
        "/.well-known/caldav" => Say::status(301).header("location", "/dav/"),
        _ => Say::status(404).body("<html>nothing</html>"),
    }
}

#[tokio::test]
async fn any_address_that_people_copy_leads_home() {
    let stub = Stub::new(server).await;
    for path in [
        "",
        "/",
        "/me/",
        "/me/calendars/",
        "/me/calendars/work/",
        "/some/web/page",
        "/.well-known/caldav",
    ] {
        let endpoint = at(&stub, path).await.unwrap();
        assert_eq!(homes(&stub, &endpoint), ["/me/calendars/"], "{path}");
        assert_eq!(endpoint.me, [digest("me@example.org")]);
        assert_eq!(endpoint.principal.as_deref(), Some(format!("{}/me/", stub.url).as_str()));
    }
    assert_eq!(
        homes(&stub, &at(&stub, "/shared/team/").await.unwrap()),
        ["/shared/team/ calendar", "/me/calendars/"]
    );
    assert_eq!(homes(&stub, &at(&stub, "/shared/").await.unwrap()), ["/shared/", "/me/calendars/"]);
}

#[tokio::test]
async fn a_server_without_principals_is_taken_as_it_is() {
    let stub = Stub::new(|asked| match (asked.path.as_str(), asked.header("depth")) {
        ("/cals/", "0") => Say::multistatus(&found("/cals/", FOLDER)),
        ("/cals/", _) => {
            Say::multistatus(&[found("/cals/", FOLDER), found("/cals/a/", CALENDAR)].concat())
        }
        ("/cals/a/", _) => Say::multistatus(&found("/cals/a/", CALENDAR)),
        ("/empty/", _) => Say::multistatus(&found("/empty/", FOLDER)),
        _ => Say::status(404),
    })
    .await;
    assert_eq!(homes(&stub, &at(&stub, "/cals/").await.unwrap()), ["/cals/"]);
    assert_eq!(homes(&stub, &at(&stub, "/cals/a/").await.unwrap()), ["/cals/a/ calendar"]);
    assert!(
        matches!(at(&stub, "/empty/").await, Err(Error::BadAnswer(why)) if why.contains("no CalDAV calendars"))
    );
}

#[tokio::test]
async fn what_is_no_caldav_server_is_told_apart() {
    type Prepared = fn(&Received) -> Say;
    type Expected = fn(&Error) -> bool;
    let cases: [(Prepared, Expected); 8] = [
        (
            |_| Say::status(200).body("<!doctype html><html><body>Welcome</body></html>"),
            |e| matches!(e, Error::BadAnswer(_)),
        ),
        (|_| Say::status(404), |e| matches!(e, Error::BadAnswer(_))),
        (|_| Say::status(405), |e| matches!(e, Error::BadAnswer(_))),
        (
            |_| Say::status(207).body("<d:multistatus xmlns:d='DAV:'>"),
            |e| matches!(e, Error::BadAnswer(_)),
        ),
        (|_| Say::status(401), |e| matches!(e, Error::Unauthorized)),
        (|_| Say::status(403), |e| matches!(e, Error::Forbidden(_))),
        (|_| Say::status(500), |e| matches!(e, Error::Unreachable(_))),
        (
            |_| {
                Say::multistatus(&found(
                    "/",
                    "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>",
                ))
            },
            |e| matches!(e, Error::Unauthorized),
        ),
    ];
    for (n, (answer, is)) in cases.into_iter().enumerate() {
        let stub = Stub::new(answer).await;
        let error = at(&stub, "/").await.unwrap_err();
        assert!(is(&error), "{n}: {error:?}");
        assert!(!error.to_string().contains("Welcome"));
    }
}

#[tokio::test]
async fn redirects_keep_method_and_body_and_have_an_end() {
    let stub = Stub::new(|asked| match asked.path.as_str() {
        "/start" => Say::status(302).header("location", "/a"),
        "/a" => Say::status(307).header("location", "b"),
        "/b" => Say::status(308).header("location", "/me/"),
        "/circle" => Say::status(301).header("location", "/circle2"),
        "/circle2" => Say::status(301).header("location", "/circle"),
        path if path.starts_with("/far") => Say::status(301).header("location", format!("{path}r")),
        "/nowhere" => Say::status(301),
        _ => server(asked),
    })
    .await;
    assert_eq!(homes(&stub, &at(&stub, "/start").await.unwrap()), ["/me/calendars/"]);
    let asked = stub.take();
    assert!(asked.iter().all(|asked| asked.method == "PROPFIND"
        && asked.body.contains("current-user-principal")
        && asked.header("authorization").starts_with("Basic ")));
    assert!(
        matches!(at(&stub, "/circle").await, Err(Error::Address(why)) if why.contains("circle"))
    );
    stub.take();
    assert!(matches!(at(&stub, "/far").await, Err(Error::Address(why)) if why.contains("5 times")));
    assert_eq!(stub.take().len(), 6);
}

#[tokio::test]
async fn the_password_does_not_follow_to_another_host() {
    let thief = Stub::new(server).await;
    for (path, answer) in [
        ("/redirect", Say::status(301).header("location", thief.url.clone())),
        (
            "/principal",
            Say::multistatus(&found(
                "/",
                &PRINCIPAL.replace("/me/", &format!("{}/me/", thief.url)),
            )),
        ),
        (
            "/home",
            Say::multistatus(&found(
                "/",
                &HOME.replace("/me/calendars/", &format!("{}/me/", thief.url)),
            )),
        ),
        ("/tls", Say::status(301).header("location", "https://169.254.169.254/latest")),
        ("/file", Say::status(301).header("location", "file:///etc/passwd")),
        ("/user", Say::status(301).header("location", "https://a:b@example.org/")),
    ] {
        let stub = Stub::new(move |asked| {
            if asked.path == "/.well-known/caldav" { Say::status(404) } else { answer.clone() }
        })
        .await;
        let error = at(&stub, path).await.unwrap_err();
        assert!(matches!(error, Error::Address(_)), "{path}: {error:?}");
    }
    assert!(thief.asked().is_empty());
}

/// RFC 6764 section 5: a server names another host under one address, and nowhere else is it asked
/// to.
#[tokio::test]
async fn the_password_follows_to_another_host_from_the_well_known_address_only() {
    // No server listens on this port: the error shows whether a connection was tried.
    let elsewhere = || Say::status(301).header("location", "https://localhost:1/dav/");
    let anywhere =
        Stub::new(
            move |asked| {
                if asked.path == "/.well-known/caldav" { Say::status(404) } else { elsewhere() }
            },
        )
        .await;
    let error = at(&anywhere, "/").await.unwrap_err();
    assert!(
        matches!(&error, Error::Address(why) if why.contains("localhost") && why.contains("connect to it directly")),
        "{error:?}"
    );
    for root in [Say::status(404), elsewhere()] {
        let known =
            Stub::new(
                move |asked| {
                    if asked.path == "/.well-known/caldav" { elsewhere() } else { root.clone() }
                },
            )
            .await;
        let error = at(&known, "/").await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_closed_door_keeps_the_private_network_out() {
    let stub = Stub::new(server).await;
    let closed = Arc::new(Http::new(AddressPolicy { allow_private: false }).unwrap());
    for url in [
        stub.url.as_str(),
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
    ] {
        let error =
            discover(&closed, Flavour::Generic, url, "someone", &password()).await.unwrap_err();
        assert!(matches!(error, Error::NotPublic(_)), "{url}: {error:?}");
    }
    assert!(stub.asked().is_empty());
}

/// Apple's manners: the default namespace, a principal by another name, the home on a partition.
fn apple(partition: String) -> impl Fn(&Received) -> Say {
    move |asked| match asked.path.as_str() {
        "/" => Say::multistatus(&found(
            "/principal/",
            "<d:current-user-principal><d:href>/17/principal/</d:href></d:current-user-principal>",
        )),
        "/17/principal/" => Say::multistatus(&found(
            "/17/principal/",
            &format!(
                "<c:calendar-home-set><d:href>{partition}/17/calendars/</d:href></c:calendar-home-set>"
            ),
        )),
        "/17/calendars/" => Say::multistatus(&found("/17/calendars/", FOLDER)),
        _ => Say::status(404),
    }
}

async fn icloud_at(url: &str, password: &str) -> Result<Endpoint> {
    discover(&http(), Flavour::ICloud, url, "someone@example.org", &SecretString::from(password))
        .await
}

#[tokio::test]
async fn apple_is_asked_on_its_common_host_while_that_answers() {
    let partition = Stub::new(apple(String::new())).await;
    let url = partition.url.clone();
    let common = Stub::new(apple(url.clone())).await;
    let endpoint = icloud_at(&common.url, "abcd-efgh-ijkl-mnop").await.unwrap();
    assert_eq!(endpoint.base, format!("{}/", common.url));
    assert_eq!(endpoint.homes[0].url, format!("{url}/17/calendars/"));
    assert_eq!(endpoint.me, [digest("someone@example.org")]);
    assert!(partition.asked().is_empty());

    let only_there = Stub::new(move |asked| {
        if asked.path == "/17/calendars/" { Say::status(404) } else { apple(url.clone())(asked) }
    })
    .await;
    assert_eq!(
        icloud_at(&only_there.url, "abcdefghijklmnop").await.unwrap().base,
        format!("{}/", partition.url)
    );
}

#[tokio::test]
async fn apples_main_password_is_never_sent() {
    let stub = Stub::new(apple(String::new())).await;
    let error = icloud_at(&stub.url, "Summer2026!").await.unwrap_err();
    assert!(matches!(error, Error::Credentials(_)));
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn the_china_region_is_refused_with_a_clear_word() {
    let redirect =
        Stub::new(|_| Say::status(301).header("location", "https://p01-caldav.icloud.com.cn/"))
            .await;
    let home = Stub::new(apple("https://p01-caldav.icloud.com.cn:443".into())).await;
    for url in [redirect.url.as_str(), home.url.as_str(), "https://caldav.icloud.com.cn/"] {
        let error = icloud_at(url, "abcd-efgh-ijkl-mnop").await.unwrap_err();
        assert!(matches!(&error, Error::Address(why) if why.contains("China")), "{url}: {error:?}");
    }
}
