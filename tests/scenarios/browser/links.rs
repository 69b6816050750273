//! Behind a public address, over https: by a link that the operator has sent.

use simulators::browser::Window;
use simulators::client::Client;

use super::browser_env::{ANNA, BrowserEnv, Deployment, EVENTS, LIST, consent};

const ON: &str = "Continue to Google";

/// What every page contains.
#[track_caller]
fn assert_calm(window: &Window) {
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(window.header(name), value, "{name}");
    }
    let policy = window.header("content-security-policy");
    for part in
        ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'sha256-"]
    {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
}

/// The whole way, with everything that can go wrong on it.
async fn link_without_settings(behind: Deployment) -> anyhow::Result<()> {
    let env = BrowserEnv::public(behind).await?;
    let (link, window, other) =
        (env.link().await?, env.browser.window().await?, env.browser.window().await?);

    // Opening the page changes nothing.
    for looking in [&other, &window, &window] {
        assert_eq!(looking.open(&link).await?, 200);
        assert_calm(looking);
        assert!(looking.text().await?.contains("calendars.example.org has sent you this link"));
        assert_eq!(looking.cookies().await?.len(), 0);
    }

    // Without a mouse: the button is the first thing that one comes to.
    window.press("Tab").await?;
    assert_eq!(window.ask("document.activeElement.textContent").await?, ON);
    assert_eq!(window.press_and_follow("Enter").await?, 200);
    assert!(window.address().await?.starts_with("https://accounts.example.org/"));
    let waiting = window.cookies().await?;
    let [cookie] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!(
        [&cookie["name"], &cookie["sameSite"], &cookie["path"]],
        ["__Host-oauth", "Lax", "/"]
    );
    assert_eq!([&cookie["secure"], &cookie["httpOnly"]], [true, true]);

    // From now on the link is this browser's.
    assert_eq!(other.follow("button", ON).await?, 410);
    assert_calm(&other);
    assert!(other.text().await?.contains("This link cannot be used any more"));

    // An empty box, a refusal, and the way back to the link: none of them uses up the link before
    // consent is given.
    assert_eq!(consent(&window, &[EVENTS]).await?, 403);
    assert_calm(&window);
    assert!(window.text().await?.contains("See the list of Google calendars"));
    assert_eq!(window.follow("button", "Try again").await?, 200);
    assert_eq!(window.follow("button", "Cancel").await?, 403);
    assert_eq!(window.open(&link).await?, 200);
    assert_eq!(window.follow("button", ON).await?, 200);
    let asked = window.address().await?;
    assert_eq!(env.accounts().await?.len(), 0);
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 200);
    assert_calm(&window);
    assert_eq!(window.address().await?, "https://calendars.example.org/oauth/google/callback?done");
    assert_eq!(window.cookies().await?.len(), 0);
    assert_eq!(env.accounts().await?[0]["name"], ANNA);

    // The link is used up, for every browser.
    let tokens = env.anna.living_refresh_tokens();
    assert_eq!(window.open(&asked).await?, 200);
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 400);
    assert_eq!(window.follow("button", "Try again").await?, 410);
    window.open(&link).await?;
    assert_eq!(window.follow("button", ON).await?, 410);
    assert_eq!(
        (env.accounts().await?.len(), env.anna.living_refresh_tokens()),
        (1, tokens),
        "no other code was redeemed"
    );
    env.assert_proper(&window);
    env.assert_proper(&other);
    Ok(())
}

#[tokio::test]
async fn a_link_connects_one_account_behind_a_proxy() -> anyhow::Result<()> {
    link_without_settings(Deployment::Proxy).await
}

#[tokio::test]
async fn a_link_connects_one_account_under_the_functions_host() -> anyhow::Result<()> {
    link_without_settings(Deployment::FunctionsHost).await
}

/// A proxy on the same machine that adds no headers: every request through the proxy comes from the
/// loopback.
#[tokio::test]
async fn behind_a_public_address_nobody_begins_without_a_link() -> anyhow::Result<()> {
    let env = BrowserEnv::public(Deployment::Proxy).await?;
    let window = env.browser.window().await?;
    assert_eq!(window.open(env.url.as_str()).await?, 200);
    assert!(window.click("link", "Connect a Google account").await.is_err());
    let start = env.url.join("/oauth/google/start")?;
    let junk = "A".repeat(43);
    for query in [
        "".to_owned(),
        "?ticket=".into(),
        "?ticket=%3Cb%3E".into(),
        format!("?ticket={junk}&ticket={junk}"),
    ] {
        assert_eq!(window.open(&format!("{start}{query}")).await?, 403, "{query}");
        assert!(window.text().await?.contains("calrelay account add google --link"));
    }
    assert_eq!(
        window.open(&format!("{start}?ticket={junk}")).await?,
        200,
        "only the next step says whether it is valid"
    );
    assert_eq!(window.follow("button", ON).await?, 410);

    // From the machine itself, as a proxy would ask; and as a page of another site would have a
    // browser ask.
    let direct = Client::new(&env.inside());
    let link = env.link().await?;
    let ticket = link.rsplit('=').next().unwrap_or_default();
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(direct.send("GET", "/oauth/google/start", &[], "").await?.status, 403);
    let foreign = direct
        .send(
            "POST",
            "/oauth/google/start",
            &[form, ("sec-fetch-site", "cross-site")],
            format!("ticket={ticket}"),
        )
        .await?;
    assert_eq!((foreign.status, foreign.header("set-cookie")), (403, ""));
    let doubled = format!("ticket={ticket}&ticket={ticket}");
    for (body, status) in [
        (format!("ticket={junk}"), 410),
        (String::new(), 410),
        (doubled, 410),
        ("x".repeat(60_000), 410),
        ("x".repeat(100_000), 413),
    ] {
        let answer = direct.send("POST", "/oauth/google/start", &[form], body).await?;
        assert_eq!(
            (answer.status, answer.header("set-cookie"), answer.header("location")),
            (status, "", "")
        );
    }
    let good =
        direct.send("POST", "/oauth/google/start", &[form], format!("ticket={ticket}")).await?;
    assert!(
        good.status == 303 && good.header("set-cookie").starts_with("__Host-oauth="),
        "none of that has used it up"
    );
    assert_eq!(env.accounts().await?.len(), 0);
    env.assert_proper(&window);
    Ok(())
}

#[tokio::test]
async fn a_link_needs_an_address_that_browsers_reach() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let (code, words) =
        env.cli.run(&["account", "add", "google", "--link", "--json"]).await?.failure();
    assert!(code == "settings" && words.contains("CALRELAY_PUBLIC_URL"), "{words}");
    Ok(())
}
