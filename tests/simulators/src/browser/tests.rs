//! That it sees what a test will rely on it to see.

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;

use super::*;
use crate::wire::{Listener, Outcome};

const PAGE: &str = "<!doctype html><html lang=en><title>A \
page</title><main><h1>Hello</h1><p>Words.</p>\
    <p><label><input type=checkbox>Tick me</label><p><a href=/next>Next</a></main>";
const BAD: &str = "<!doctype html><html lang=en><title>Bad</title><body bgcolor=white><p><font \
color=#999999>Pale</font> <b style='x:y'>Strong</b></p><script>1</script><img src=/x.png>";

async fn site() -> anyhow::Result<Listener> {
    let answer = |request: Request<Incoming>| async move {
        let (status, page) = match request.uri().path() {
            "/" => (200, PAGE),
            "/bad" => (200, BAD),
            _ => (404, PAGE),
        };
        let answer = Response::builder()
            .status(status)
            .header("content-type", "text/html")
            .header("content-security-policy", "default-src 'none'")
            .header("set-cookie", "seen=1")
            .body(Body::from(page));
        Outcome::Answer(answer.unwrap())
    };
    Ok(Listener::start(answer).await?)
}

#[tokio::test]
async fn it_does_what_a_person_does() -> anyhow::Result<()> {
    let site = site().await?;
    let front = Front::start("calendars.example.org", &site.url()).await?;
    let browser = Browser::start(&[&front]).await?;
    let window = browser.window().await?;
    assert_eq!(window.open(front.url().as_str()).await?, 200);
    assert_eq!(window.text().await?, "A page\nHello\n\nWords.\n\nTick me\n\nNext");
    assert!(window.read_out().await?.contains(&"heading Hello".to_owned()));
    window.click("checkbox", "Tick me").await?;
    assert_eq!(window.ask("document.querySelector('input').checked").await?, true);
    assert!(window.click("button", "Next").await.is_err(), "it is a link");
    assert_eq!(window.follow("link", "Next").await?, 404);
    assert_eq!(
        (window.address().await?, window.back().await?),
        ("https://calendars.example.org/next".to_owned(), 200)
    );
    window.press("Tab").await?;
    window.press("Tab").await?;
    assert_eq!(window.press_and_follow("Enter").await?, 404);
    assert_eq!(
        (window.cookies().await?.len(), browser.window().await?.cookies().await?.len()),
        (1, 0)
    );
    assert_eq!(window.complaints(), [""; 0]);
    assert!(window.open("https://www.example.com/").await.is_err(), "there is no world outside");
    Ok(())
}

#[tokio::test]
async fn it_hears_what_a_page_does_wrong() -> anyhow::Result<()> {
    let site = site().await?;
    let browser = Browser::start(&[]).await?;
    let window = browser.window().await?;
    window.open(site.url().join("/bad")?.as_str()).await?;
    let complaints = window.complaints().join("\n");
    for expected in ["script-src", "img-src", "style-src", "ContentSecurityPolicyIssue"] {
        assert!(complaints.contains(expected), "{expected}: {complaints}");
    }
    assert_eq!(window.hard_to_read().await?, ["2.85 Pale"]);
    Ok(())
}
