//! The pages of both hosts: `/oauth/google/start` and `/oauth/google/callback`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;
use simulators::google::Consent;
use url::Url;

use super::consent_env::{ANNA, ConsentEnv, assert_headers, visit, with_query};
use crate::support::cli::Cli;
use crate::support::running::Running;

/// The pages of a running calrelay.
struct Pages {
    env: ConsentEnv,
    running: Running,
}

impl Pages {
    async fn open() -> anyhow::Result<Self> {
        let env = ConsentEnv::new().await?;
        let running = Running::start(&env.cli).await?;
        Ok(Self { env, running })
    }

    /// Sent away to Google: the address there, and the cookie.
    async fn start(&self) -> anyhow::Result<(String, String)> {
        let away = visit(&self.running.url.join("/oauth/google/start")?, &[]).await?;
        ensure!(away.status == 303, "{}: {}", away.status, away.text());
        ensure!(
            away.header("referrer-policy") == "no-referrer"
                && away.header("cache-control") == "no-store"
        );
        let cookie = away.header("set-cookie");
        ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        Ok((
            away.header("location").to_owned(),
            cookie.split(';').next().unwrap_or_default().to_owned(),
        ))
    }
}

#[tokio::test]
async fn a_person_gives_consent_on_the_pages_of_a_running_calrelay() -> anyhow::Result<()> {
    let pages = Pages::open().await?;
    let env = &pages.env;
    let (page, cookie) = pages.start().await?;
    let back = env.anna.consents(&page, Consent::All).await?;
    assert_eq!(back.path(), "/oauth/google/callback");
    let home = visit(&back, &[("cookie", &cookie)]).await?;
    assert_eq!(
        (home.status, home.header("location")),
        (303, "/oauth/google/callback?done"),
        "{}",
        home.text()
    );
    assert!(home.header("set-cookie").contains("Max-Age=0"), "the cookie has done its work");
    let done = visit(&back.join(home.header("location"))?, &[]).await?;
    assert_eq!(done.status, 200);
    assert_headers(&done);
    assert_eq!(env.accounts().await?[0]["name"], ANNA);

    let trail = env.cli.json(&["audit"]).await?["entries"].clone();
    let added = trail.as_array().and_then(|all| all.last()).context("an entry")?;
    assert_eq!(
        (&added["action"], &added["outcome"], &added["from"]),
        (&json!("account.add"), &json!("done"), &json!("127.0.0.1")),
        "{trail}"
    );

    // A repeated answer has no effect.
    let replayed = visit(&back, &[("cookie", &cookie)]).await?;
    assert_eq!(replayed.status, 400);
    assert_headers(&replayed);
    assert_eq!(
        env.cli.json(&["audit"]).await?["entries"],
        trail,
        "who was not let in writes nothing"
    );
    assert_eq!(env.anna.living_refresh_tokens(), 1);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_was_sent_away() -> anyhow::Result<()> {
    let pages = Pages::open().await?;
    let planted = format!("calrelay-oauth={}", "A".repeat(43));
    for cookie in [None, Some(planted.as_str())] {
        let (page, own) = pages.start().await?;
        let back = pages.env.anna.consents(&page, Consent::All).await?;
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", *cookie)).collect();
        assert_eq!(visit(&back, &headers).await?.status, 400);
        assert_eq!(visit(&back, &[("cookie", &own)]).await?.status, 400, "and is used up");
    }
    let (page, own) = pages.start().await?;
    let back = pages.env.anna.consents(&page, Consent::All).await?;
    for forged in [
        with_query(&back, "state", &"A".repeat(43)),
        with_query(&back, "state", ""),
        back.join("?code=x")?,
        back.join("?")?,
    ] {
        assert_eq!(visit(&forged, &[("cookie", &own)]).await?.status, 400, "{}", forged.path());
    }
    assert_eq!(
        (pages.env.accounts().await?, pages.env.anna.living_refresh_tokens()),
        (json!([]), 0),
        "nothing was exchanged"
    );
    assert_eq!(visit(&back, &[("cookie", &own)]).await?.status, 303, "a forged one spoils nothing");

    let (page, own) = pages.start().await?;
    let refused = pages.env.ben.consents(&page, Consent::Refused).await?;
    let no = visit(&refused, &[("cookie", &own)]).await?;
    assert_eq!((no.status, visit(&refused, &[("cookie", &own)]).await?.status), (403, 400));
    assert_headers(&no);
    Ok(())
}

#[tokio::test]
async fn only_the_machines_own_user_is_sent_away() -> anyhow::Result<()> {
    let pages = Pages::open().await?;
    let start = pages.running.url.join("/oauth/google/start")?;
    for header in [("x-forwarded-for", "192.0.2.7"), ("sec-fetch-site", "cross-site")] {
        let answer = visit(&start, &[header]).await?;
        assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{header:?}");
        assert!(answer.text().contains("calrelay account add google"));
        assert_headers(&answer);
    }
    assert_eq!(
        visit(&pages.running.url.join("/oauth/microsoft/callback?code=x")?, &[]).await?.status,
        404
    );
    Ok(())
}

#[tokio::test]
async fn under_the_functions_host_the_command_line_is_the_way() -> anyhow::Result<()> {
    let held = simulators::port::Port::take()?;
    let port = held.number();
    let ConsentEnv { cli, .. } = ConsentEnv::new().await?;
    let cli = cli
        .with("FUNCTIONS_CUSTOMHANDLER_PORT", &port.to_string())
        .with("CALRELAY_STORE", "embedded");
    let _handler = cli.start(&[], "").await?;
    // The host sends from the loopback too, and its requests come from all clients.
    let url = Url::parse(&format!("http://localhost:{port}/"))?;
    let start = url.join("/oauth/google/start")?;
    let mut answer = visit(&start, &[]).await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = visit(&start, &[]).await;
    }
    let answer = answer?;
    assert_eq!(
        (answer.status, answer.header("set-cookie"), answer.header("location")),
        (403, "", "")
    );
    assert!(
        answer.text().contains("calrelay account add google")
            && answer.text().contains("CALRELAY_STORE=azure")
    );
    assert_headers(&answer);
    let stray =
        visit(&url.join(&format!("/oauth/google/callback?code=x&state={}", "A".repeat(43)))?, &[])
            .await?;
    assert_eq!(stray.status, 400);
    Ok(())
}

#[tokio::test]
async fn whatever_comes_back_is_answered_calmly() -> anyhow::Result<()> {
    let pages = Pages::open().await?;
    let state = "A".repeat(43);
    let long = format!("state={state}&code={}", "x".repeat(20_000));
    let mut answered = 0;
    for query in [
        "",
        "state",
        "code=x",
        "state=%00&code=%0d%0aset-cookie:x",
        "state=<script>alert(1)</script>&code=1",
        "error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=marmalade",
        "state[]=x&code[]=y",
        "%",
        "&&&&====&",
        &format!("state={state}&code=x"),
        &format!("state={state}&state={state}&code=x"),
        &format!("state={state}&code=marmalade&error=access_denied"),
        &long,
    ] {
        let answer = simulators::client::Client::new(&pages.running.url)
            .send_exactly(
                "GET",
                &format!("/oauth/google/callback?{query}"),
                &[("cookie", "calrelay-oauth=x; calrelay-oauth")],
                "",
            )
            .await;
        // Some of the values cannot even be sent; the responses to the others do not differ.
        let Ok(answer) = answer else { continue };
        assert_eq!(answer.status, 400, "{query:.60}");
        assert_headers(&answer);
        answered += 1;
        assert!(
            !answer.text().contains("marmalade") && !answer.text().contains("alert"),
            "nothing of it is repeated"
        );
    }
    assert!(answered >= 11, "{answered}");
    assert_eq!(pages.env.accounts().await?, json!([]));
    Ok(())
}

/// Without a client at Google, a page says what is missing, and no page leads to it.
#[tokio::test]
async fn without_a_client_a_page_says_what_is_missing() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    let running = Running::start(&cli).await?;
    let start = visit(&running.url.join("/oauth/google/start")?, &[]).await?;
    assert_eq!(start.status, 503, "{}", start.text());
    assert_headers(&start);
    for part in ["no OAuth client", "Nothing was started", "GOOGLE_CLIENT_ID"] {
        assert!(start.text().contains(part), "{part}: {}", start.text());
    }
    let callback = visit(&running.url.join("/oauth/google/callback?state=x&code=x")?, &[]).await?;
    assert_eq!(callback.status, 400);
    for page in [start, callback, visit(&running.url, &[]).await?] {
        assert!(!page.text().contains("href=\"/oauth/"), "{}", page.text());
    }
    Ok(())
}
