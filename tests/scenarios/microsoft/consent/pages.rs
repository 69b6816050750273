//! The pages of a running calrelay in a real browser, on the machine itself.
//! `CALRELAY_TEST_PICTURES` names a directory to keep pictures in.

use anyhow::Context as _;
use simulators::browser::{Browser, Window};
use simulators::graph::{Account, Policy};
use url::Url;

use super::Registered;
use crate::support::pictures::is_legible;
use crate::support::running::Running;

const GO: &str = "Continue to Microsoft";

/// The pages, and a window of a browser.
struct Pages {
    env: Registered,
    url: Url,
    browser: Browser,
    _running: Running,
}

impl Pages {
    async fn open(prepare: impl FnOnce(Registered) -> Registered) -> anyhow::Result<Self> {
        let env = prepare(Registered::new().await?);
        let running = Running::start(&env.cli).await?;
        // As people type it.
        let port = running.url.port().context("a port")?;
        let url = Url::parse(&format!("http://localhost:{port}/"))?;
        let browser = Browser::start(&[]).await?;
        Ok(Self { env, url, browser, _running: running })
    }

    async fn window(&self) -> anyhow::Result<Window> {
        self.browser.window().await
    }

    /// Opens the page before the request.
    async fn start(&self, window: &Window) -> anyhow::Result<()> {
        let start = self.url.join("/oauth/microsoft/start")?;
        assert_eq!(window.open(start.as_str()).await?, 200);
        Ok(())
    }
}

/// Chooses an account on Microsoft's page, and presses the button; the status of the next page.
async fn answer(window: &Window, who: &Account, button: &str) -> anyhow::Result<u16> {
    let address = who.address();
    let choose = format!(
        "(() => {{ const all = document.querySelector('select[name=account]'); \
         const own = [...all.options].find(one => one.textContent === '{address}'); \
         all.value = own.value; return true }})()"
    );
    window.ask(&choose).await?;
    window.follow("button", button).await
}

#[tokio::test]
async fn a_person_connects_microsoft_and_may_say_no_first() -> anyhow::Result<()> {
    let pages = Pages::open(|env| env).await?;
    let window = pages.window().await?;
    pages.start(&window).await?;
    let words = window.text().await?;
    assert!(words.contains("an administrator has to allow calrelay first"), "{words}");
    is_legible(&window, "before").await?;
    assert_eq!(window.follow("button", GO).await?, 200);
    assert!(window.text().await?.contains("calrelay would like to"));
    assert_eq!(answer(&window, &pages.env.anna, "Cancel").await?, 403);
    let words = window.text().await?;
    assert!(words.contains("You did not agree") && words.contains("Nothing was connected"));
    is_legible(&window, "declined").await?;
    assert_eq!(window.follow("button", "Try again").await?, 200);
    assert_eq!(answer(&window, &pages.env.anna, "Accept").await?, 200);
    assert!(window.text().await?.contains("Your account is connected"));
    let done = pages.url.join("/oauth/microsoft/callback?done")?;
    assert_eq!(window.address().await?, done.as_str(), "neither code nor state is shown");
    is_legible(&window, "done").await?;
    assert_eq!(pages.env.accounts().await?.len(), 1);
    // A question that has had its answer.
    let stray = pages.url.join("/oauth/microsoft/callback?code=x")?;
    assert_eq!(window.open(stray.as_str()).await?, 400);
    is_legible(&window, "not-ours").await?;
    pages.env.assert_no_harm();
    assert_eq!(window.complaints(), [""; 0]);
    Ok(())
}

/// In most companies: the person is refused, sends the link on, the administrator says no and then
/// yes in a browser of his own, and the person connects as usual.
#[tokio::test]
async fn an_administrator_allows_calrelay_by_the_link() -> anyhow::Result<()> {
    let pages = Pages::open(|env| env).await?;
    let tenant = pages.env.anna.tenant();
    tenant.set_policy(Policy::Administrator);
    let boss = pages.env.graph.account("boss@example.org").is_administrator();
    let (mine, his) = (pages.window().await?, pages.window().await?);
    pages.start(&mine).await?;
    mine.follow("button", GO).await?;
    assert_eq!(answer(&mine, &pages.env.anna, "Accept").await?, 403);
    assert!(mine.text().await?.contains("Your organisation has to agree first"));
    is_legible(&mine, "administrator").await?;
    let link = mine.ask("document.querySelector('input[readonly]').value").await?;
    let link = link.as_str().context("a link")?.to_owned();
    his.open(&link).await?;
    answer(&his, &boss, "Cancel").await?;
    assert!(his.text().await?.contains("Your organisation has not agreed"));
    is_legible(&his, "administrator-no").await?;
    assert!(!tenant.has_consented());
    his.open(&link).await?;
    answer(&his, &boss, "Accept").await?;
    assert!(his.text().await?.contains("Your organisation has agreed"));
    is_legible(&his, "administrator-yes").await?;
    assert_eq!(pages.env.accounts().await?.len(), 0, "that connects nobody");
    mine.follow("button", "Try again").await?;
    assert_eq!(answer(&mine, &pages.env.anna, "Accept").await?, 200);
    assert_eq!(pages.env.accounts().await?.len(), 1);
    pages.env.assert_no_harm();
    Ok(())
}

/// Refusals that no administrator's link mends, and a wrong set-up.
#[tokio::test]
async fn every_other_refusal_has_a_page_that_can_be_read() -> anyhow::Result<()> {
    let pages = Pages::open(|env| env).await?;
    let window = pages.window().await?;
    for (number, name, status, title) in [
        (53_003, "blocked", 403, "Your organisation does not allow this"),
        (900_439, "sovereign", 403, "The account was not connected"),
        (50_020, "other-account", 403, "The account was not connected"),
    ] {
        pages.env.anna.is_refused_with(Some(number));
        pages.start(&window).await?;
        window.follow("button", GO).await?;
        assert_eq!(answer(&window, &pages.env.anna, "Accept").await?, status, "{number}");
        let words = window.text().await?;
        assert!(words.contains(title), "{number}: {words}");
        is_legible(&window, name).await?;
    }
    pages.env.anna.is_refused_with(None);
    pages.env.graph.expire_secret(true);
    pages.start(&window).await?;
    window.follow("button", GO).await?;
    assert_eq!(answer(&window, &pages.env.anna, "Accept").await?, 503);
    let words = window.text().await?;
    for part in [
        "This calrelay is not set up for Microsoft yet",
        "client secret of this program has expired",
        "platform Web",
        "/oauth/microsoft/callback",
        "Calendars.ReadWrite",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    is_legible(&window, "set-up").await?;
    assert_eq!(pages.env.accounts().await?.len(), 0);
    Ok(())
}
