//! What is written down of people's events and passwords: nothing (S1, S2).

use std::path::{Path, PathBuf};

use simulators::caldav::Manners;

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::{Answer, Cli, TWO_WAY};
use crate::support::events::{at, object};

/// Words that occur once in this scenario and nowhere else.
const SECRETS: &[&str] = &[
    "Zirbelkiefer",
    "Quittengelee",
    "Mondscheinweg",
    "Haselnusshof",
    "Ringelnatter",
    "zoe.quill@example.net",
    "yan.quill@example.net",
    "Schachtelhalm",
    "Wegwarte",
    "anna-secret-7531",
    "ben-secret-8642",
    "wrong-secret-1111",
    // As they are sent: user:password in Base64.
    "YW5uYTphbm5hLXNlY3JldC03NTMx",
    "YmVuOmJlbi1zZWNyZXQtODY0Mg",
];

fn story() -> [(&'static str, String); 3] {
    let guests = "ORGANIZER:mailto:zoe.quill@example.net\nATTENDEE:mailto:yan.quill@example.net";
    [
        (
            "a.ics",
            object(
                "a",
                &format!(
                    "DTSTART:{}\nDTEND:{}\nSUMMARY:Zirbelkiefer\nLOCATION:Mondscheinweg 3",
                    at(2, 9),
                    at(2, 10)
                ),
            ),
        ),
        (
            "b.ics",
            object(
                "b",
                &format!(
                    "DTSTART:{}\nDTEND:{}\nSUMMARY:Wegwarte\nDESCRIPTION:Quittengelee\\nRingelnatter\n{guests}",
                    at(3, 9),
                    at(3, 10)
                ),
            ),
        ),
        (
            "c.ics",
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Schachtelhalm\r\nDTSTART:Haselnusshof\r\n"
                .to_owned(),
        ),
    ]
}

/// Every file below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { files(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// The secrets that occur in these bytes, however their letters are written.
fn leaks(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    SECRETS.iter().copied().filter(|secret| text.contains(&secret.to_lowercase())).collect()
}

#[tokio::test]
async fn no_word_of_an_event_and_no_password_is_written_down() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic())
        .build_cli_with(Cli::new()?.with("RUST_LOG", "trace"))
        .await?;
    let pair = env.pair(TWO_WAY).await?;
    let (cli, [anna, ben]) = (&env.cli, &env.people);
    let mut answers: Vec<Answer> = Vec::new();
    answers.push(
        cli.account_add(env.servers[0].url().as_str(), USERS[0].0, "wrong-secret-1111").await?,
    );
    for (name, object) in story() {
        anna.plant(name, &simulators::caldav::crlf(&object));
    }
    ben.put("own.ics", &object("own", &format!("DTSTART:{}\nSUMMARY:Haselnusshof", at(4, 9))));
    answers.push(cli.run(&["sync", "--dry-run"]).await?);
    answers.push(cli.run(&["sync", "--json"]).await?);
    anna.edit("a.ics", |ics| ics.replace("Zirbelkiefer", "Schachtelhalm"));
    let copy = ben.find("Wegwarte").expect("it was copied");
    ben.edit(&copy, |ics| ics.replace("Wegwarte", "Ringelnatter"));
    anna.plant("d.ics", &"Quittengelee\r\n".repeat(4));
    answers.push(cli.run(&["sync"]).await?);
    ben.set_writable(false);
    anna.edit("a.ics", |ics| ics.replace("Schachtelhalm", "Mondscheinweg"));
    answers.push(cli.run(&["sync", "--json"]).await?);
    ben.set_writable(true);
    for arguments in [
        &["sync", "--full"][..],
        &["status"],
        &["status", "--json"],
        &["account", "list"],
        &["calendars"],
        &["pair", "list"],
        &["doctor"],
    ] {
        answers.push(cli.run(arguments).await?);
    }
    for event in ["a.ics", "b.ics", "c.ics", "d.ics", "own.ics", copy.as_str()] {
        answers.push(cli.run(&["explain", "--pair", &pair, "--event", event]).await?);
    }
    let lines: usize = answers.iter().map(|answer| answer.stderr.lines().count()).sum();
    assert!(lines > 100, "the log is at its most talkative: {lines} lines");
    for answer in &answers {
        for (stream, text) in [("standard output", &answer.stdout), ("the log", &answer.stderr)] {
            assert_eq!(leaks(text.as_bytes()), [""; 0], "{stream} contains them: {answer:?}");
        }
    }

    let mut all = Vec::new();
    files(cli.home(), &mut all)?;
    match cli.storage().account().await? {
        None => assert!(
            all.iter()
                .any(|file| std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"SQLite"))),
            "{all:?}"
        ),
        Some(account) => {
            let rows = account.tables().await?;
            assert!(rows.contains(&pair), "what is stored is seen");
            assert_eq!(leaks(rows.as_bytes()), [""; 0], "the tables contain them");
        }
    }
    for file in &all {
        assert_eq!(leaks(&std::fs::read(file)?), [""; 0], "{} contains them", file.display());
    }
    Ok(())
}

/// S1: what was stored is of no use without the key file, and the key file is its owner's only.
#[cfg(unix)]
#[tokio::test]
async fn the_key_is_a_file_of_its_own() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    env.pair(TWO_WAY).await?;
    let mut all = Vec::new();
    files(&env.cli.data_dir(), &mut all)?;
    for file in &all {
        assert_eq!(
            std::fs::metadata(file)?.permissions().mode() & 0o077,
            0,
            "{} can be read by others",
            file.display()
        );
    }
    assert_eq!(std::fs::metadata(env.cli.data_dir())?.permissions().mode() & 0o077, 0);
    let key = all
        .iter()
        .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains("key")))
        .expect("a key file");
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644))?;
    assert_eq!(
        env.cli.run(&["sync", "--json"]).await?.failure().0,
        "vault",
        "a key that others can read is not used"
    );
    assert_eq!(env.cli.run(&["doctor", "--json"]).await?.document()?["ok"], false);
    std::fs::remove_file(key)?;
    let (code, words) = env.cli.run(&["sync", "--json"]).await?.failure();
    assert!(code == "vault" && words.contains("backup"), "{words}");
    assert!(!key.exists(), "no new key is made beside secrets that it would not open");
    Ok(())
}
