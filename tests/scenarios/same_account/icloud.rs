//! One Apple Account, which its owner may sign in to by several names.

use serde_json::json;
use simulators::caldav::{CalDav, Manners};

use crate::support::accounts::APP_PASSWORD;
use crate::support::cli::{self, Cli, ONE_WAY, counts};
use crate::support::events::{hour, many};

const APPLE_ID: &str = "anna@example.org";
const ALIAS: &str = "anna.alias@example.net";
const NEW_PASSWORD: &str = "qrst-uvwx-yzab-cdef";

/// Apple names the principal. Nothing has to be compared, and the calendars may be empty.
#[tokio::test]
async fn another_name_of_an_apple_account_is_the_same_account() -> anyhow::Result<()> {
    // It takes any name for its only account, as Apple takes the names of one person.
    let server = CalDav::start(Manners { login: false, ..Manners::icloud() }).await?;
    server.account(APPLE_ID, APP_PASSWORD);
    let (home, work) = (server.calendar(APPLE_ID, "home"), server.calendar(APPLE_ID, "work"));
    let cli = Cli::new()?.with("ICLOUD_CALDAV_URL", server.url().as_str());
    let first = cli.icloud_add(APPLE_ID, APP_PASSWORD).await?;
    assert!(!first.stderr.contains(super::AGAIN), "{}", first.stderr);
    let account = cli::id(&first.done()?)?;
    let ids = [cli.calendar(&account, "home").await?, cli.calendar(&account, "work").await?];
    for (name, secret) in [(ALIAS, APP_PASSWORD), (ALIAS, NEW_PASSWORD), (APPLE_ID, NEW_PASSWORD)] {
        let again = cli.icloud_add(name, secret).await?;
        assert_eq!(again.done()?, json!({"id": account, "provider": "icloud", "name": name}));
        let words = format!(
            "{}{account} ({name}): the password was replaced; its pairs go on.",
            super::AGAIN
        );
        assert!(again.stderr.contains(&words), "{}", again.stderr);
        assert_eq!(super::accounts(&cli).await?, [(account.clone(), name.to_owned())]);
    }
    let pair = cli.pair_add(&ids[0], &ids[1], ONE_WAY).await?;
    for (name, object) in many(3) {
        home.put(&name, &object);
    }
    assert_eq!(counts(&cli.sync().await?), [3, 0, 0, 0]);
    cli.icloud_add(ALIAS, APP_PASSWORD).await?.done()?;
    assert_eq!([cli.calendar(&account, "home").await?, cli.calendar(&account, "work").await?], ids);
    assert_eq!(cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
    home.put("new.ics", &hour("new", 3, 18, "New"));
    assert_eq!((counts(&cli.sync().await?), work.len()), ([1, 0, 0, 0], 4));
    Ok(())
}
