//! The pages from outside: requests and answers.

use jobs::access::{self, Permission};

use crate::request::BodyError;
use crate::test_web::{Answer, Asked, TestWeb, ask};

const PUBLIC: &str = "https://cal.example.org";
const NAME: &str = "cal.example.org";
const FORM: &str = "application/x-www-form-urlencoded";

/// A navigation of a browser.
fn browse(method: &str, target: &str) -> Asked {
    ask(method, target)
        .with("sec-fetch-site", if method == "GET" { "none" } else { "same-origin" })
        .with("sec-fetch-mode", "navigate")
        .with("sec-fetch-dest", "document")
}

#[track_caller]
fn heading(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("<h1>").expect("a heading");
    rest.split_once("</h1>").expect("a heading").0
}

#[tokio::test]
async fn every_page_has_its_headers_and_one_heading() {
    let web = TestWeb::new(None);
    for target in [
        "/app/pairs",
        "/app/accounts",
        "/app/settings",
        "/app/settings/tokens",
        "/app/x",
        "/app/%00",
        "/app/pairs?done=a&done=b",
        "/app/pairs/%ff",
        "/app/..%2Fsync_calendar",
        "/app/../sync_calendar",
    ] {
        let page = web.send(browse("GET", target)).await;
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "form-action 'self';",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(policy.contains(part), "{target}: {policy}");
        }
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.text.matches("<h1>").count(), 1, "{target}");
        let title = format!("<title>{} - Calrelay</title>", heading(&page));
        assert!(page.text.contains(&title), "{target}");
        assert!(!page.text.contains("<style") && !page.text.contains(" style="), "{target}");
        assert!(page.text.len() < 50 * 1024);
    }
    assert_eq!(web.send(browse("GET", "/app/x")).await.status, 404);
    let root = web.send(browse("GET", "/app")).await;
    assert_eq!((root.status.as_u16(), root.header("location")), (303, "/app/pairs"));
}

#[tokio::test]
async fn the_style_and_the_script_of_a_page_are_kept_by_the_browser() {
    let web = TestWeb::new(Some(PUBLIC));
    let page = web.send(browse("GET", "/app/pairs").remote(NAME)).await;
    assert_eq!((page.status.as_u16(), heading(&page)), (403, "You are not signed in"));
    for (begin, kind) in
        [("href=\"/app/assets/", "text/css"), ("src=\"/app/assets/", "text/javascript")]
    {
        let (_, name) = page.text.split_once(begin).unwrap();
        let path = format!("/app/assets/{}", name.split('"').next().unwrap());
        let asset = web.send(browse("GET", &path).remote(NAME)).await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("content-type").starts_with(kind));
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    }
}

#[tokio::test]
async fn a_link_signs_this_browser_in() {
    let web = TestWeb::new(Some(PUBLIC));
    let link = access::make_link(&web.services.local()).await.unwrap();
    let target = format!("/app/sign-in?ticket={}", link.ticket.expose());
    // A program that previews links changes nothing.
    let preview = web.send(ask("GET", &target).remote(NAME)).await;
    assert_eq!(heading(&preview), "Sign in to Calrelay");
    assert!(preview.header("set-cookie").is_empty());
    let signed = web.send(browse("GET", &target).remote(NAME)).await;
    assert_eq!((signed.status.as_u16(), signed.header("location")), (303, "/app/pairs"));
    let cookie = signed.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-session=") && cookie.contains("HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = web.send(browse("GET", "/app/pairs").remote(NAME).with("cookie", cookie)).await;
    assert_eq!((page.status.as_u16(), heading(&page)), (200, "Welcome to Calrelay"));
    let again = web.send(browse("GET", &target).remote(NAME)).await;
    assert_eq!(again.status, 410);
    // A session is for the pages.
    let api = web.send(ask("GET", "/api/v1/me").remote(NAME).with("cookie", cookie)).await;
    assert_eq!(api.code().0, 401);
    let settings = browse("GET", "/app/settings").remote(NAME).with("cookie", cookie);
    assert!(web.send(settings).await.text.contains("Sign out"));
    // Nothing says who asked.
    let silent = ask("POST", "/app/sign-out").remote(NAME).with("cookie", cookie);
    assert_eq!(web.send(silent).await.status, 403);
    let out = browse("POST", "/app/sign-out").remote(NAME).with("cookie", cookie);
    assert_eq!(heading(&web.send(out).await), "You are signed out");
    let page = web.send(browse("GET", "/app/pairs").remote(NAME).with("cookie", cookie)).await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn the_button_of_the_link_signs_in_too() {
    let web = TestWeb::new(None);
    let link = access::make_link(&web.services.local()).await.unwrap();
    let target = format!("/app/sign-in?ticket={}", link.ticket.expose());
    let other = browse("POST", &target).with("sec-fetch-site", "cross-site");
    let refused = web.send(other).await;
    assert_eq!(refused.status, 403, "another site presses the button");
    let signed = web.send(browse("POST", &target)).await;
    assert!(signed.header("set-cookie").starts_with("calrelay-session="));
    for wrong in ["/app/sign-in", "/app/sign-in?ticket=x", "/app/sign-in?ticket="] {
        let page = web.send(browse("GET", wrong)).await;
        assert!([403, 410].contains(&page.status.as_u16()), "{wrong}");
    }
}

#[tokio::test]
async fn foreign_names_and_sites_get_a_page() {
    let web = TestWeb::new(None);
    let foreign = web.send(browse("GET", "/app/pairs").remote("evil.example")).await;
    assert_eq!(foreign.status, 421);
    let cross = ask("POST", "/app/settings/tokens").with("sec-fetch-site", "cross-site");
    let cross = web.send(cross.with("sec-fetch-mode", "navigate")).await;
    assert_eq!((cross.status.as_u16(), heading(&cross)), (403, "Another site sent you here"));
    let link = ask("GET", "/app/pairs").with("sec-fetch-site", "cross-site");
    assert_eq!(web.send(link.with("sec-fetch-mode", "navigate")).await.status, 200);
}

#[tokio::test]
async fn a_token_is_made_on_its_page() {
    let web = TestWeb::new(None);
    let form = "token-name=backup+%3Cb%3E&scope=read&scope=sync&days=30";
    let made = web.send(browse("POST", "/app/settings/tokens").body(FORM, form)).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains("Your new token") && made.text.contains("value=\"calrelay_"));
    assert!(made.text.contains("backup &lt;b&gt;") && !made.text.contains("<b>"), "{}", made.text);
    let tokens = access::list(&web.services.local()).await.unwrap();
    assert_eq!(tokens[0].scopes, [Permission::Read, Permission::Sync]);
    let shown = web.send(browse("GET", "/app/settings/tokens")).await;
    assert!(!shown.text.contains("value=\"calrelay_"), "it is shown once");
    let path = format!("/app/settings/tokens/{}/remove", tokens[0].id);
    for expected in ["removed", "gone"] {
        let removed = web.send(browse("POST", &path).body(FORM, "")).await;
        let to = format!("/app/settings/tokens?done={expected}");
        assert_eq!((removed.status.as_u16(), removed.header("location")), (303, to.as_str()));
        let page = web.send(browse("GET", &to)).await;
        assert!(page.text.contains("role=\"status\""), "{}", page.text);
    }
}

#[tokio::test]
async fn a_refused_form_comes_back_as_it_was_filled_in() {
    let web = TestWeb::new(None);
    let page =
        web.send(browse("POST", "/app/settings/tokens").body(FORM, "token-name=&days=365")).await;
    assert_eq!(page.status, 422);
    for part in [
        "<title>Error: Access tokens - Calrelay</title>",
        "role=\"alert\"",
        "There is a problem",
        "href=\"#token-name\"",
        "href=\"#scope-read\"",
        "aria-invalid=\"true\"",
        "Error: Give the token a name",
        "<option value=\"365\" selected>",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let named = "token-name=My+script&days=30";
    let page = web.send(browse("POST", "/app/settings/tokens").body(FORM, named)).await;
    assert!(page.text.contains("value=\"My script\""), "{}", page.text);
    for bad in [
        browse("POST", "/app/settings/tokens").broken(BodyError::TooLarge),
        browse("POST", "/app/settings/tokens").body("text/plain", "x"),
    ] {
        assert_eq!(web.send(bad).await.status, 400);
    }
}

#[tokio::test]
async fn a_pair_is_shown_paused_resumed_and_ended() {
    let web = TestWeb::new(None);
    web.calendars().await;
    let new = serde_json::json!({"from": "c1", "to": "c2", "two_way": true, "private": true, "start": true});
    let made = web.send(ask("POST", "/api/v1/pairs").json(&new)).await.json();
    let path = format!("/app/pairs/{}", made["id"].as_str().unwrap());
    let list = web.send(browse("GET", "/app/pairs")).await;
    assert!(list.text.contains(&format!("<a href=\"{path}\">C1 and C2</a>")), "{}", list.text);
    let page = web.send(browse("GET", &path)).await;
    assert_eq!((page.status.as_u16(), heading(&page)), (200, "C1 and C2"));
    for part in ["State", "Last sync", "Next look", "How quick", "Copies", "Rules", "In step"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(
        page.text.contains("both ways; C2 shows only \u{201c}Busy\u{201d}, C1 shows everything")
    );
    for (button, done, other) in [("pause", "paused", "Resume"), ("resume", "resumed", "Pause")] {
        let pressed = web.send(browse("POST", &format!("{path}/{button}")).body(FORM, "")).await;
        assert_eq!(pressed.header("location"), format!("{path}?done={done}"));
        let page = web.send(browse("GET", pressed.header("location"))).await;
        assert!(page.text.contains(&format!("<button>{other}</button>")), "{}", page.text);
        assert!(page.text.contains("role=\"status\""), "{}", page.text);
    }
    let conflicts = web.send(browse("GET", &format!("{path}/conflicts"))).await;
    assert_eq!((conflicts.status.as_u16(), heading(&conflicts)), (200, "Conflicts"));
    let gone = web.send(browse("GET", &format!("{path}/conflicts?cursor=9-9"))).await;
    assert_eq!(gone.status, 404);
    let asked = web.send(browse("GET", &format!("{path}/explain"))).await;
    assert_eq!(heading(&asked), "Why is an event not there?");
    for wrong in ["2026-02-30", "x", "", "9999-12-31"] {
        let page = web.send(browse("GET", &format!("{path}/explain?day={wrong}"))).await;
        assert_eq!(page.status, 422, "{wrong}");
        assert!(page.text.contains("Error: There is no such day."), "{wrong}");
    }
    let end = web.send(browse("GET", &format!("{path}/end"))).await;
    assert_eq!(heading(&end), "End this pair?");
    let ended = web.send(browse("POST", &format!("{path}/end")).body(FORM, "")).await;
    assert_eq!(ended.header("location"), "/app/pairs?done=ended");
    for (method, page) in [("GET", ""), ("GET", "/end"), ("POST", "/end"), ("POST", "/pause")] {
        let gone = web.send(browse(method, &format!("{path}{page}")).body(FORM, "")).await;
        assert_eq!(gone.status, 404, "{page}");
    }
}
