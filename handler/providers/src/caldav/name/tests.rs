use proptest::prelude::*;
use url::Url;

use super::super::address;
use super::*;

const CALENDAR: &str = "/dav/u/src/";

fn base() -> Url {
    Url::parse("https://example.org/dav/u/src/").unwrap()
}

/// The id of what a server lists under this href.
fn listed(href: &str) -> EventId {
    member(CALENDAR, &address::path(&base(), href)).unwrap_or_else(|| panic!("{href}")).id
}

/// The path that is asked for, as it leaves us.
fn asked(id: &EventId) -> String {
    address::at(&base(), &request_path(CALENDAR, id).unwrap()).path().to_owned()
}

#[test]
fn the_name_is_the_id_and_the_servers_own_spelling_is_kept_where_it_is_another() {
    for (href, name, address) in [
        ("/dav/u/src/a.ics", "a.ics", None),
        ("https://example.org:8443/dav/u/src/a.ics", "a.ics", None),
        ("a.ics", "a.ics", None),
        ("/dav/u/src/M%C3%A4rz%20%231.ics", "März #1.ics", None),
        ("/dav/u/src/M%c3%a4rz.ics", "März.ics", Some("M%c3%a4rz.ics")),
        ("/dav/u/src/a%2Bb.ics", "a+b.ics", Some("a%2Bb.ics")),
        ("/dav/u/src/a+b.ics", "a+b.ics", None),
        ("/dav/u/src/c%3Ad.ics", "c:d.ics", Some("c%3Ad.ics")),
        ("/dav/u/src/k%40l.ics", "k@l.ics", Some("k%40l.ics")),
        ("/dav/u/src/EML%3D.EML", "EML=.EML", Some("EML%3D.EML")),
        ("/dav/u/src/fe80:215%15.ics", "fe80:215\u{15}.ics", None),
        ("/dav/u/src/50%25.ics", "50%.ics", None),
        ("/dav/u/src/50%.ics", "50%.ics", Some("50%.ics")),
        ("/dav/u/src/%FF.ics", "%FF.ics", Some("%FF.ics")),
        ("/dav/u/src/a%3Fb.ics?x=1", "a?b.ics", None),
        ("/dav/u/src/sub/slash.ics", "sub/slash.ics", None),
        ("/dav/u/src/sub%2Fslash.ics", "sub/slash.ics", Some("sub%2Fslash.ics")),
        ("/dav/u/src/dbl//z.ics", "dbl//z.ics", None),
        ("/dav/u/src/http://x.example/y.ics", "http://x.example/y.ics", None),
        ("/dav/u/src/..%2Fx.ics", "../x.ics", Some("..%2Fx.ics")),
        ("/dav/u/src/src", "src", None),
        // The calendar in another spelling.
        ("/d%61v/u/sr%63/a.ics", "a.ics", None),
        // Elsewhere, or begun with a slash.
        ("/dav/u/src//z.ics", "z.ics", Some("/dav/u/src//z.ics")),
        ("/dav/u/src/%2Fz.ics", "z.ics", Some("/dav/u/src/%2Fz.ics")),
        ("/remote/src/sub/a%40.ics", "sub/a@.ics", Some("/remote/src/sub/a%40.ics")),
        ("/remote/src/old/src/a.ics", "a.ics", Some("/remote/src/old/src/a.ics")),
        ("/remote/a.ics", "a.ics", Some("/remote/a.ics")),
        ("/dav/u/src%2Fa.ics", "src/a.ics", Some("/dav/u/src%2Fa.ics")),
        ("/dav/u/src/../other/a.ics", "a.ics", Some("/dav/u/other/a.ics")),
    ] {
        let id = listed(href);
        assert_eq!((id.as_str(), id.address()), (name, address), "{href}");
    }
}

#[test]
fn the_calendar_itself_and_other_collections_are_no_members() {
    for href in [
        "/dav/u/src/",
        "/dav/u/src",
        "/remote/src",
        "/remote/src/",
        "/dav/u/src/sub/",
        "/dav/u/src//",
        "/dav/u/src/..",
        "/",
        "https://example.org",
    ] {
        assert!(member(CALENDAR, &address::path(&base(), href)).is_none(), "{href}");
    }
}

#[test]
fn whether_a_path_shows_that_it_belongs_to_the_calendar() {
    for (path, belongs) in [
        ("/dav/u/src/a.ics", true),
        ("/remote/src/a.ics", true),
        ("/remote/a.ics", false),
        ("/dav/u/source/a.ics", false),
    ] {
        assert_eq!(member(CALENDAR, path).unwrap().belongs, belongs, "{path}");
    }
}

#[test]
fn a_calendar_whose_path_is_no_text_has_members_too() {
    let id = member("/dav/%FF/", "/dav/%FF/a%20b.ics").unwrap().id;
    assert_eq!((id.as_str(), id.address()), ("a b.ics", None));
    let id = member("/", "/a.ics").unwrap().id;
    assert_eq!((id.as_str(), request_path("/", &id).as_deref()), ("a.ics", Some("/a.ics")));
}

#[test]
fn no_id_is_requested_from_another_server_and_no_name_outside_the_calendar() {
    for name in ["", "..", ".", "../x.ics", "a/../../x.ics", "a/./x.ics", "sub/", "%2e%2e"] {
        let path = request_path(CALENDAR, &EventId::new(name));
        assert!(path.is_none_or(|path| path == "/dav/u/src/%252e%252e"), "{name}");
    }
    for address in ["../x.ics", "%2E%2e/x.ics", "/dav/u/src/../x.ics", "/..", "", "/", "sub/"] {
        assert_eq!(
            request_path(CALENDAR, &EventId::with_address("x.ics", address)),
            None,
            "{address}"
        );
    }
    for name in [
        "//evil.example/x",
        "http://evil.example/x",
        "\\\\evil.example\\x",
        "@evil.example",
        ":80/x",
        "?x",
        "#x",
        "a\n/x",
        "\\..\\x",
    ] {
        for id in [EventId::new(name), EventId::with_address("x", name)] {
            let url = address::at(&base(), &request_path(CALENDAR, &id).unwrap());
            assert_eq!(
                (url.host_str(), url.query(), url.fragment()),
                (Some("example.org"), None, None),
                "{name}"
            );
            assert!(url.path().starts_with(CALENDAR) || name.starts_with('/'), "{name}: {url}");
        }
    }
}

#[test]
fn the_ids_of_earlier_versions_become_names_and_names_stay() {
    let old = |path: &str| {
        let key = address::key(path);
        if address::spelling(&key) == path {
            EventId::new(key)
        } else {
            EventId::with_address(key, path)
        }
    };
    for (path, name, address) in [
        ("/dav/a@b/work/x y.ics", "x y.ics", Some("x y.ics")),
        ("/dav/a@b/work/x%20y.ics", "x y.ics", None),
        ("/dav/a%40b/work/x.ics", "x.ics", None),
        ("/dav/a%40b/work/k%40l.ics", "k@l.ics", Some("k%40l.ics")),
        ("/dav/a@b/work/%FF.ics", "%FF.ics", Some("%FF.ics")),
        ("/dav/a@b/work/sub//x.ics", "sub//x.ics", None),
        ("/remote/a@b/work/x.ics", "x.ics", Some("/remote/a@b/work/x.ics")),
        ("/dav/a@b/other/x.ics", "x.ics", Some("/dav/a@b/other/x.ics")),
    ] {
        for collection in ["/dav/a@b/work/", "/dav/a@b/work"] {
            let id = name_in_collection(collection, &old(path));
            assert_eq!((id.as_str(), id.address()), (name, address), "{path}");
            let again = name_in_collection(collection, &id);
            assert_eq!((again.as_str(), again.address()), (name, address), "{path}");
        }
    }
    for name in ["x.ics", "sub/x.ics", "http://x.example/y.ics", "", ".."] {
        assert_eq!(name_in_collection(CALENDAR, &EventId::new(name)).as_str(), name);
    }
    assert_eq!(
        request_path(CALENDAR, &EventId::new("/dav/u/src/a b.ics")).as_deref(),
        Some("/dav/u/src/a%20b.ics"),
        "an old id is still good"
    );
}

/// A name, and how a server spells it: each character that need not be escaped is escaped or not.
fn spelled() -> impl Strategy<Value = (String, String)> {
    let character = prop_oneof![4 => "[a-zA-Z0-9._~-]", 2 => "[/+:;=@&$!*'(),%?#]", 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec((character, any::<bool>(), any::<bool>()), 1..24).prop_map(|characters| {
        let (mut name, mut href) = (String::new(), String::new());
        for (character, escape, small) in characters {
            let plain = !escape && (character == "/" || address::spelling(&character) == character);
            name.push_str(&character);
            match plain {
                true => href.push_str(&character),
                false => character.bytes().for_each(|byte| {
                    href.push_str(&if small {
                        format!("%{byte:02x}")
                    } else {
                        format!("%{byte:02X}")
                    });
                }),
            }
        }
        (name, href)
    })
}

proptest! {
    #[test]
    fn every_spelling_of_a_name_gives_the_id_and_the_path_back((name, href) in spelled(), prefix in prop::sample::select(vec!["/dav/u/src/", "/dav/%75/src/", "/remote/src/"])) {
        let path = format!("{prefix}{href}");
        prop_assume!(!address::has_dot_segments(&path) && !href.ends_with('/') && !name.trim_matches('/').is_empty());
        let id = listed(&path);
        // What follows the last `/src/` is the name where the path is another one.
        if prefix != "/remote/src/" || !href.contains("src/") {
            prop_assert_eq!(id.as_str(), name.trim_start_matches('/'));
        }
        let asked = asked(&id);
        prop_assert_eq!(address::key(&asked), address::key(&path));
        if prefix != "/dav/%75/src/" {
            prop_assert_eq!(&asked, &path, "in the server's own spelling");
        }
        let again = listed(&asked);
        prop_assert_eq!(again.as_str(), id.as_str());
        prop_assert_eq!(name_in_collection(CALENDAR, &id), id);
    }

    #[test]
    fn every_href_is_requested_from_the_same_server(href in "(/dav/u/src/|//|https?://|/)?([a-z./:@%?#\\\\]|%2[eEfF]|\\PC){0,24}") {
        let path = address::path(&base(), &href);
        prop_assert!(path.starts_with('/') && !address::has_dot_segments(&path), "{}", path);
        if let Some(member) = member(CALENDAR, &path) {
            let url = address::at(&base(), &request_path(CALENDAR, &member.id).unwrap());
            prop_assert_eq!((url.host_str(), url.query(), url.fragment()), (Some("example.org"), None, None));
            prop_assert!(!member.id.as_str().starts_with('/') && !member.id.as_str().is_empty());
        }
    }

    #[test]
    fn an_old_id_asks_for_the_same_as_its_name((_, href) in spelled()) {
        let path = format!("{CALENDAR}{href}");
        prop_assume!(!address::has_dot_segments(&path) && !path.ends_with('/'));
        let key = address::key(&path);
        let old = if address::spelling(&key) == path { EventId::new(key) } else { EventId::with_address(key, path.as_str()) };
        prop_assert_eq!(asked(&name_in_collection(CALENDAR, &old)), asked(&old));
    }
}
