//! Syncing with servers that behave as iCloud does, by the command line (I1-I5, I8, X): no ETag on
//! PUT, partition hosts, unique UIDs in the account, default alarms, throttling that lasts longer
//! than announced.

use serde_json::json;
use simulators::caldav::{CalDav, Calendar, Manners, Redirect, Throttle};
use simulators::traffic::Kind;

use crate::support::accounts::APP_PASSWORD;
use crate::support::cli::{Cli, ONE_WAY, TWO_WAY, actions, counts};
use crate::support::events::{hour, many};

const APPLE_ID: &str = "anna@example.org";

/// Two calendars of one Apple ID, and the program that takes this server for Apple's.
struct IcloudEnv {
    cli: Cli,
    server: CalDav,
    home: Calendar,
    work: Calendar,
    account: String,
}

async fn connected(manners: Manners) -> anyhow::Result<IcloudEnv> {
    let server = CalDav::start(manners).await?;
    server.account(APPLE_ID, APP_PASSWORD);
    let (home, work) = (server.calendar(APPLE_ID, "home"), server.calendar(APPLE_ID, "work"));
    let cli = Cli::new()?.with("ICLOUD_CALDAV_URL", server.url().as_str());
    let account = cli.icloud_add(APPLE_ID, APP_PASSWORD).await?.done()?["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    Ok(IcloudEnv { cli, server, home, work, account })
}

impl IcloudEnv {
    async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        let ids = [
            self.cli.calendar(&self.account, "home").await?,
            self.cli.calendar(&self.account, "work").await?,
        ];
        self.cli.pair_add(&ids[0], &ids[1], terms).await
    }
}

/// I2: reminders, inbox and outbox are not offered.
#[tokio::test]
async fn only_calendars_of_events_are_offered() -> anyhow::Result<()> {
    let env = connected(Manners::icloud()).await?;
    let listed = env.cli.json(&["calendars"]).await?;
    let mut names: Vec<&str> = listed["calendars"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["home", "work"]);
    assert!(
        listed["calendars"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["provider"] == "icloud" && row["writable"] == true)
    );
    Ok(())
}

/// Two calendars of one account: copies have UIDs of their own, since iCloud takes a UID once in
/// the whole account.
#[tokio::test]
async fn two_calendars_of_one_apple_id_are_kept_in_step() -> anyhow::Result<()> {
    let env = connected(Manners::icloud()).await?;
    env.pair(TWO_WAY).await?;
    for (name, object) in many(6) {
        env.home.put(&name, &object);
    }
    env.work.put("desk.ics", &hour("desk", 9, 9, "At the desk"));
    let preview = env.cli.dry_run().await?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run), actions(&preview)), ([7, 0, 0, 0], actions(&run)));
    let lines =
        |calendar: &Calendar| calendar.agenda().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&env.home), lines(&env.work));
    for copy in env
        .work
        .names()
        .iter()
        .chain(&env.home.names())
        .filter(|name| name.starts_with("calrelay-"))
    {
        let text = env.work.get(copy).or_else(|| env.home.get(copy)).unwrap_or_default();
        assert!(
            text.contains("ACTION:NONE") && !text.contains("ACTION:DISPLAY"),
            "an inert alarm, so that Apple adds none of its own"
        );
    }
    assert!(actions(&env.cli.sync().await?).is_empty(), "what Apple made of our writes is no edit");
    env.server.reset_counts();
    assert!(actions(&env.cli.sync().await?).is_empty());
    assert_eq!(
        (env.server.counts().total(), env.server.counts().of(Kind::Propfind)),
        (1, 1),
        "{}",
        env.server.counts()
    );

    let copy = env
        .work
        .agenda()
        .into_iter()
        .find(|entry| entry.summary() == "Event 3")
        .expect("its copy")
        .name;
    env.work.edit(&copy, |ics| ics.replace("Event 3", "Three"));
    env.home.delete("e4.ics");
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run), [0, 1, 1, 0], "{run}");
    assert_eq!(lines(&env.home), lines(&env.work));
    assert!(lines(&env.home).iter().any(|line| line.contains("Three")));
    assert_eq!((env.server.mails_sent(), env.server.complaints()), (0, Vec::new()));
    Ok(())
}

/// I4: Apple forgets a token without a word, and lists everything as changed.
#[tokio::test]
async fn a_token_that_apple_has_forgotten() -> anyhow::Result<()> {
    let env = connected(Manners::icloud()).await?;
    env.pair(ONE_WAY).await?;
    for (name, object) in many(21) {
        env.home.put(&name, &object);
    }
    env.cli.sync().await?;
    env.cli.sync().await?;
    env.home.forget_tokens();
    env.home.delete("e1.ics");
    env.home.edit("e2.ics", |ics| ics.replace("Event 2", "Two"));
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run), [0, 1, 1, 0], "the deletion is found without a notification: {run}");
    Ok(())
}

/// I2: where the common host sends an account to its partition, the program goes there, with the
/// password; and nowhere else.
#[tokio::test]
async fn the_password_goes_to_apples_hosts_only() -> anyhow::Result<()> {
    for status in [301, 302, 307, 308] {
        let env = connected(Manners {
            redirect: Some(Redirect::ToPartition(status)),
            ..Manners::icloud()
        })
        .await?;
        env.pair(ONE_WAY).await?;
        env.home.put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
        assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
    }
    // The port is another one, and the name of the host as well: `localhost` is not the host that
    // was named.
    let stranger = CalDav::start(Manners::icloud()).await?;
    stranger.account(APPLE_ID, APP_PASSWORD).calendar(APPLE_ID, "home");
    let elsewhere = stranger.url().as_str().replace("127.0.0.1", "localhost");
    let apple = CalDav::start(Manners {
        redirect: Some(Redirect::To(302, elsewhere.clone())),
        ..Manners::icloud()
    })
    .await?;
    let cli = Cli::new()?.with("ICLOUD_CALDAV_URL", apple.url().as_str());
    let (code, words) = cli.icloud_add(APPLE_ID, APP_PASSWORD).await?.failure();
    assert_eq!((code.as_str(), stranger.counts().total()), ("address", 0), "{words}");
    Ok(())
}

/// I8: an account of the China region is refused with a clear word, and its password goes nowhere.
#[tokio::test]
async fn the_china_region_is_refused() -> anyhow::Result<()> {
    let china = "https://caldav.icloud.com.cn/";
    let apple = CalDav::start(Manners {
        redirect: Some(Redirect::To(301, china.to_owned())),
        ..Manners::icloud()
    })
    .await?;
    apple.account(APPLE_ID, APP_PASSWORD);
    for url in [apple.url().as_str(), china] {
        let cli = Cli::new()?.with("ICLOUD_CALDAV_URL", url);
        let (code, words) = cli.icloud_add(APPLE_ID, APP_PASSWORD).await?.failure();
        assert!(code == "address" && words.contains("China"), "{words}");
        assert_eq!(cli.json(&["account", "list"]).await?, json!({"accounts": []}));
    }
    Ok(())
}

/// I8: several Apple IDs of one person.
#[tokio::test]
async fn two_apple_ids_of_one_person() -> anyhow::Result<()> {
    let env = connected(Manners::icloud()).await?;
    let family = env
        .server
        .account("family@example.org", "qrst-uvwx-yzab-cdef")
        .calendar("family@example.org", "family");
    let other =
        env.cli.icloud_add("family@example.org", "qrst-uvwx-yzab-cdef").await?.done()?["id"]
            .as_str()
            .unwrap()
            .to_owned();
    assert_ne!(other, env.account);
    let ids =
        [env.cli.calendar(&env.account, "home").await?, env.cli.calendar(&other, "family").await?];
    env.cli.pair_add(&ids[0], &ids[1], TWO_WAY).await?;
    env.home.put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    family.put("trip.ics", &hour("trip", 3, 8, "Trip"));
    assert_eq!(counts(&env.cli.sync().await?), [2, 0, 0, 0]);
    assert_eq!((env.home.len(), family.len()), (2, 2));
    assert!(actions(&env.cli.sync().await?).is_empty());
    Ok(())
}

/// A request to wait is heeded, and longer than Apple says.
#[tokio::test]
async fn throttling_is_waited_out() -> anyhow::Result<()> {
    let env = connected(Manners::icloud()).await?;
    env.pair(ONE_WAY).await?;
    for (name, object) in many(3) {
        env.home.put(&name, &object);
    }
    env.server.manners(|manners| {
        manners.throttle = Some(Throttle { every: 6, refused: 1, status: 503, retry_after: 1 })
    });
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run), env.work.len()), ([3, 0, 0, 0], 3));
    assert!(
        env.server.counts().peak_writes <= 2,
        "Apple bears two at once: {}",
        env.server.counts()
    );
    Ok(())
}
