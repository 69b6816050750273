//! On the machine itself, over http: from calrelay's own page to Google's and back.

use super::browser_env::{ANNA, BrowserEnv, EVENTS, LIST, consent};

const CONNECT: &str = "Connect a Google account";

#[tokio::test]
async fn a_person_connects_google_from_calrelays_own_page() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    assert_eq!(window.open(env.url.as_str()).await?, 200);
    assert_eq!(window.follow("link", CONNECT).await?, 200);
    assert!(window.text().await?.contains("calrelay wants access"));
    let waiting = window.cookies().await?;
    assert!(
        waiting.len() == 1 && waiting[0]["httpOnly"] == true && waiting[0]["sameSite"] == "Lax",
        "{waiting:?}"
    );
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 200);
    assert!(window.text().await?.contains("Your account is connected"));
    assert_eq!(
        window.address().await?,
        env.url.join("/oauth/google/callback?done")?.as_str(),
        "neither code nor state is shown"
    );
    assert_eq!(window.cookies().await?.len(), 0);
    assert_eq!(window.reload().await?, 200, "it says so once more");
    let accounts = env.accounts().await?;
    assert!(accounts.len() == 1 && accounts[0]["name"] == ANNA, "{accounts:?}");
    env.assert_proper(&window);
    Ok(())
}

#[tokio::test]
async fn an_empty_box_is_named_and_the_way_back_works() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.as_str()).await?;
    window.follow("link", CONNECT).await?;
    for (ticked, missing) in [
        (&[EVENTS][..], "See the list of Google calendars"),
        (&[LIST], "View and edit events"),
        (&[], "View and edit"),
    ] {
        assert_eq!(consent(&window, ticked).await?, 403);
        let words = window.text().await?;
        assert!(words.contains("Google allowed too little") && words.contains(missing), "{words}");
        window.follow("link", "Try again").await?;
    }
    assert_eq!(window.follow("button", "Cancel").await?, 403);
    assert!(window.text().await?.contains("The answer was no"));
    assert_eq!(env.accounts().await?.len(), 0);
    window.follow("link", "Try again").await?;
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 200);
    assert_eq!(env.accounts().await?.len(), 1);
    env.assert_proper(&window);
    Ok(())
}

#[tokio::test]
async fn impatience_and_the_way_back_connect_one_account() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.as_str()).await?;
    window.follow("link", CONNECT).await?;
    let asked = window.address().await?;
    window.click("checkbox", LIST).await?;
    window.click("checkbox", EVENTS).await?;
    window.follow_impatiently("button", "Continue").await?;
    // Whichever of the two came through.
    assert_eq!(env.accounts().await?.len(), 1);
    // Back at Google's page, and once more from there: that question has had its answer.
    assert_eq!(window.open(&asked).await?, 200);
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 400);
    let words = window.text().await?;
    assert!(
        words.contains("This answer cannot be used")
            && words.contains("the first answer may have been enough"),
        "{words}"
    );
    assert_eq!(window.reload().await?, 400);
    assert_eq!((env.accounts().await?.len(), env.anna.living_refresh_tokens()), (1, 1));
    window.follow("link", "Try again").await?;
    assert_eq!(consent(&window, &[LIST, EVENTS]).await?, 200, "the account is connected again");
    assert_eq!(env.accounts().await?.len(), 1);
    env.assert_proper(&window);
    Ok(())
}

/// Another person's browser is made to answer the consent question of this browser.
#[tokio::test]
async fn an_answer_in_another_browser_connects_nothing() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let (mine, theirs) = (env.browser.window().await?, env.browser.window().await?);
    mine.open(env.url.as_str()).await?;
    mine.follow("link", CONNECT).await?;
    theirs.open(&mine.address().await?).await?;
    assert_eq!(consent(&theirs, &[LIST, EVENTS]).await?, 400);
    assert!(theirs.text().await?.contains("not belong to a consent that this browser started"));
    assert_eq!(consent(&mine, &[LIST, EVENTS]).await?, 400, "and the question is used up");
    assert_eq!(
        (env.accounts().await?.len(), env.anna.living_refresh_tokens()),
        (0, 0),
        "no code was redeemed"
    );
    mine.follow("link", "Try again").await?;
    assert_eq!(consent(&mine, &[LIST, EVENTS]).await?, 200);
    env.assert_proper(&mine);
    env.assert_proper(&theirs);
    Ok(())
}
