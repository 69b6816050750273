//! Wrong passwords, wrong addresses, wrong usage: always a clear word, and nothing lost (I1, I8,
//! I9, S1).

use serde_json::json;
use simulators::caldav::{CalDav, Manners, Redirect};

use crate::support::accounts::{APP_PASSWORD, USERS};
use crate::support::builder::Builder;
use crate::support::cli::{Cli, ONE_WAY, TWO_WAY};
use crate::support::events::hour;
use crate::support::storage::skips;

async fn server(manners: Manners) -> anyhow::Result<CalDav> {
    let server = CalDav::start(manners).await?;
    let (user, password) = USERS[0];
    server.account(user, password).calendar(user, "main");
    Ok(server)
}

async fn accounts(cli: &Cli) -> anyhow::Result<serde_json::Value> {
    Ok(cli.json(&["account", "list"]).await?["accounts"].clone())
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_stored() -> anyhow::Result<()> {
    let (cli, server) = (Cli::new()?, server(Manners::generic()).await?);
    let (user, password) = USERS[0];
    let (code, words) = cli.account_add(server.url().as_str(), user, "wrong-one").await?.failure();
    assert_eq!(code, "unauthorized");
    assert!(words.contains("Nothing was stored") && !words.contains("wrong-one"), "{words}");
    assert_eq!(accounts(&cli).await?, json!([]));

    // An account that is connected already stays as it was.
    let id = cli.connect(server.url().as_str(), user, password).await?;
    let answer = cli.account_add(server.url().as_str(), user, "wrong-one").await?;
    assert_eq!(answer.failure().0, "unauthorized");
    assert_eq!(accounts(&cli).await?[0]["id"], id);
    assert!(
        !cli.calendar(&id, "main").await?.is_empty(),
        "the good password is still the one that is used"
    );

    for nothing in ["", "\n"] {
        assert_eq!(
            cli.account_add(server.url().as_str(), user, nothing).await?.failure().0,
            "credentials"
        );
    }
    Ok(())
}

/// I1, I8: the main password of an Apple Account is known by its form, and never leaves the
/// machine.
#[tokio::test]
async fn apples_main_password_is_not_sent() -> anyhow::Result<()> {
    let server = CalDav::start(Manners::icloud()).await?;
    server.account("anna@example.org", APP_PASSWORD);
    let cli = Cli::new()?.with("ICLOUD_CALDAV_URL", server.url().as_str());
    for main in [
        "Sunny-Day-2026!",
        "abcdefghijklmno",
        "Abcd-efgh-ijkl-mnop",
        "abcd-efgh-ijkl-mnop-qrst",
        "abcd efgh ijkl mn0p",
    ] {
        let (code, words) = cli.icloud_add("anna@example.org", main).await?.failure();
        assert_eq!(code, "credentials");
        assert!(
            words.contains("app-specific password")
                && words.contains("account.apple.com")
                && !words.contains(main),
            "{words}"
        );
    }
    assert_eq!(server.counts().total(), 0, "not one request");
    assert_eq!(accounts(&cli).await?, json!([]));
    for good in [APP_PASSWORD, "abcdefghijklmnop", "abcd efgh ijkl mnop"] {
        assert_eq!(cli.icloud_add("anna@example.org", good).await?.done()?["provider"], "icloud");
    }
    assert_eq!(
        accounts(&cli).await?.as_array().map(Vec::len),
        Some(1),
        "one Apple ID is one account"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_caldav_server_is_named_so() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    let (user, password) = USERS[0];
    let web = server(Manners { only_web_pages: true, ..Manners::generic() }).await?;
    let circle =
        server(Manners { redirect: Some(Redirect::InCircles(302)), ..Manners::generic() }).await?;
    let elsewhere = server(Manners::generic()).await?;
    let away = Manners {
        redirect: Some(Redirect::To(301, format!("{}x", elsewhere.url()))),
        ..Manners::generic()
    };
    let away = server(away).await?;
    let gone = server(Manners::generic()).await?.url();
    let tls = elsewhere.url().as_str().replace("http:", "https:");
    for (url, expected) in [
        (web.url().as_str(), "bad_answer"),
        (circle.url().as_str(), "address"),
        (away.url().as_str(), "address"),
        (gone.as_str(), "unreachable"),
        (&tls, "unreachable"),
        ("not a web address", "address"),
        ("ftp://dav.example.org/", "address"),
        ("http://", "address"),
        ("https://anna:hidden-secret@dav.example.org/", "address"),
        ("http://93.184.215.14/", "address"),
    ] {
        let (code, words) = cli.account_add(url, user, password).await?.failure();
        assert_eq!(code, expected, "{url}: {words}");
        assert!(
            words.contains("Nothing was stored") && !words.contains("secret"),
            "{url}: {words}"
        );
    }
    assert_eq!(elsewhere.counts().total(), 0, "no redirect leads the password to another place");
    assert!(circle.counts().total() < 30, "a circle is left soon: {}", circle.counts());
    assert_eq!(accounts(&cli).await?, json!([]));
    Ok(())
}

/// I9: where private addresses are not allowed, none is reached, however it is written, directly or
/// by a redirect.
#[tokio::test]
async fn private_addresses_are_refused_where_they_are_not_allowed() -> anyhow::Result<()> {
    let cli = Cli::new()?.with("CALRELAY_ALLOW_PRIVATE_HOSTS", "false");
    let server = server(Manners::generic()).await?;
    let port = server.url().port().expect("a port");
    let (user, password) = USERS[0];
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "[fd00::1]",
        "0.0.0.0",
        "localhost",
    ];
    for host in hosts {
        for url in [
            format!("http://{host}:{port}/"),
            format!("https://{host}/"),
            format!("https://{host}:8443/dav/"),
        ] {
            let (code, words) = cli.account_add(&url, user, password).await?.failure();
            assert_eq!(code, "address", "{url}: {words}");
        }
    }
    assert_eq!(server.counts().total(), 0);
    Ok(())
}

#[tokio::test]
async fn wrong_usage_and_unknown_ids() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    for arguments in [
        &["account", "add", "caldav", "--user", "anna"][..],
        &[
            "account",
            "add",
            "caldav",
            "--url",
            "https://dav.example.org/",
            "--user",
            "anna",
            "--password",
            "never-here",
        ],
        &["pair", "add", "--from", "c1", "--to", "c2", "--window-past", "3 weeks"],
        &["pair", "add", "--from", "c1", "--to", "c2", "--private-back"],
        &["sync", "--confirm-deletions"],
        &["nonsense"],
    ] {
        let answer = cli.run(arguments).await?;
        assert_eq!(
            (answer.status, answer.stdout.as_str()),
            (2, ""),
            "{arguments:?}: {}",
            answer.stderr
        );
        assert!(!answer.stderr.is_empty());
        let answer = cli.run(&[arguments, &["--json"]].concat()).await?;
        let document: serde_json::Value = serde_json::from_str(&answer.stdout)?;
        assert_eq!(
            (answer.status, &document["error"]["code"]),
            (2, &json!("usage")),
            "{arguments:?}: {}",
            answer.stdout
        );
        assert!(!answer.stderr.is_empty() && !answer.stdout.contains("never-here"));
    }
    assert_eq!(cli.run(&["--json"]).await?.status, 2, "it belongs to a command");
    for arguments in [
        &["account", "remove", "a404"][..],
        &["calendars", "--account", "a404"],
        &["pair", "add", "--from", "c404", "--to", "c405"],
        &["pair", "remove", "p404"],
        &["pair", "pause", "p404"],
        &["pair", "resume", "p404"],
        &["sync", "--pair", "p404"],
        &["explain", "--pair", "p404", "--event", "e.ics"],
    ] {
        let (code, words) = cli.run(&[arguments, &["--json"]].concat()).await?.failure();
        assert_eq!(code, "not_found", "{arguments:?}: {words}");
        assert!(words.contains("404"), "it names what is not there: {words}");
    }
    Ok(())
}

/// L2: only what was chosen as a target is written to, and only what can be.
#[tokio::test]
async fn a_read_only_calendar_is_no_target() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    env.people[1].set_writable(false);
    let listed = env.cli.json(&["calendars"]).await?;
    let writable = |id: &str| {
        listed["calendars"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == id)
            .map(|row| row["writable"].clone())
    };
    assert_eq!(
        (writable(&env.calendars[0]), writable(&env.calendars[1])),
        (Some(json!(true)), Some(json!(false)))
    );
    let [anna, ben] = &env.calendars;
    for arguments in [
        &["--from", anna, "--to", ben][..],
        &["--from", ben, "--to", anna, "--two-way"],
        &["--from", anna, "--to", anna],
    ] {
        let answer = env.cli.run(&[&["pair", "add", "--json"], arguments].concat()).await?;
        assert_eq!(answer.failure().0, "request", "{arguments:?}");
    }
    // One that becomes read-only later is named as that, and nothing is lost.
    env.people[1].set_writable(true);
    env.pair(ONE_WAY).await?;
    env.people[1].set_writable(false);
    env.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], &run["error"]["code"]),
        (1, &json!("error"), &json!("forbidden")),
        "{run}"
    );
    env.people[1].set_writable(true);
    assert_eq!(env.cli.sync().await?["created"], 1);
    assert_eq!(env.people[1].len(), 1);
    Ok(())
}

#[tokio::test]
async fn pairs_that_could_only_do_harm_are_refused() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let [anna, ben] = &env.calendars;
    for arguments in [
        &["--from", anna, "--to", ben][..],
        &["--from", ben, "--to", anna],
        &["--from", anna, "--to", ben, "--two-way"],
    ] {
        let (code, words) =
            env.cli.run(&[&["pair", "add", "--json"], arguments].concat()).await?.failure();
        assert!(code == "request" && words.contains(&pair), "{words}");
    }
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.pair(TWO_WAY).await?;
    Ok(())
}

#[tokio::test]
async fn a_data_directory_from_a_newer_version_is_left_alone() -> anyhow::Result<()> {
    if skips("the version is in the SQLite file")? {
        return Ok(());
    }
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let database =
        std::fs::read_dir(env.cli.data_dir())?.flatten().map(|entry| entry.path()).find(|path| {
            std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"))
        });
    let database = database.expect("embedded storage is one SQLite file");
    // The header holds the schema's version (https://sqlite.org/fileformat.html, section 1.3.15).
    let mut bytes = std::fs::read(&database)?;
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&database, &bytes)?;
    for arguments in
        [&["status", "--json"][..], &["sync", "--json"], &["account", "list", "--json"]]
    {
        let (code, words) = env.cli.run(arguments).await?.failure();
        assert!(code == "newer_version" && words.contains("newer"), "{words}");
    }
    let answer = env.cli.run(&["doctor", "--json"]).await?;
    assert_eq!((answer.status, &answer.document()?["ok"]), (1, &json!(false)));
    assert_eq!(std::fs::read(&database)?, bytes, "not a byte was touched");
    Ok(())
}

#[tokio::test]
async fn settings_that_nobody_knows_or_can_use() -> anyhow::Result<()> {
    let cli = Cli::new()?.with("CALRELAY_POLL_SECOND", "30");
    let answer = cli.run(&["status", "--json"]).await?;
    assert!(
        answer.status == 0 && answer.stderr.contains("CALRELAY_POLL_SECONDS"),
        "its nearest neighbour is named: {}",
        answer.stderr
    );
    let answer = cli.run(&["doctor", "--json"]).await?;
    let found = answer.document()?;
    let named = found["findings"].as_array().unwrap().iter().any(|one| {
        one["ok"] == false
            && one["message"].as_str().is_some_and(|words| words.contains("CALRELAY_POLL_SECOND"))
            && !one["fix"].is_null()
    });
    assert!(answer.status == 1 && named, "{found}");

    for (name, value) in [
        ("CALRELAY_POLL_SECONDS", "soon"),
        ("CALRELAY_ALLOW_PRIVATE_HOSTS", "perhaps"),
        ("CALRELAY_STORE", "paper"),
        ("CALRELAY_PUBLIC_URL", "http://calendars.example.org"),
        ("GOOGLE_API_URL", "https://api.example.org/calendar/v3"),
        ("MICROSOFT_LOGIN_URL", "https://login.example.org/common"),
    ] {
        let cli = Cli::new()?.with(name, value);
        let (code, words) = cli.run(&["status", "--json"]).await?.failure();
        assert!(code == "settings" && words.contains(name), "{words}");
        assert!(!cli.data_dir().exists(), "nothing was made");
    }
    Ok(())
}

#[tokio::test]
async fn settings_for_later_versions_are_checked_and_hinder_nothing() -> anyhow::Result<()> {
    for (name, value, words) in [
        ("GOOGLE_CLIENT_ID", "id", "GOOGLE_CLIENT_SECRET is not"),
        ("MICROSOFT_CLIENT_SECRET", "hunter2", "MICROSOFT_CLIENT_ID is not"),
    ] {
        let cli = Cli::new()?.with(name, value);
        assert_eq!(cli.run(&["status", "--json"]).await?.status, 0, "{name} hinders nothing");
        let answer = cli.run(&["doctor", "--json"]).await?;
        let found = answer.document()?;
        let ill: Vec<_> =
            found["findings"].as_array().unwrap().iter().filter(|one| one["ok"] == false).collect();
        assert!(
            answer.status == 1
                && ill.len() == 1
                && ill[0]["message"].as_str().is_some_and(|said| said.contains(words)),
            "{found}"
        );
        assert!(!format!("{answer:?}").contains("hunter2"), "{name}: a value is never repeated");
    }
    let cli = Cli::new()?.with("CALRELAY_MODE", "multi-user");
    let well = cli.json(&["doctor"]).await?;
    assert_eq!(well["ok"], true, "{well}");
    assert!(
        well["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["message"].as_str().is_some_and(|said| said.contains("later version")))
    );
    Ok(())
}
