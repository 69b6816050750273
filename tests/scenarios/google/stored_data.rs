//! What is written down of events at Google: nothing (S2).

use simulators::faults::{Fault, On};

use super::pairs::GoogleProgram;
use super::*;
use crate::support::cli::{Answer, TWO_WAY};

/// Words that occur once in this scenario and nowhere else.
const SECRETS: [&str; 8] = [
    "Zirbelkiefer",
    "Quittengelee",
    "Mondscheinweg",
    "Haselnusshof",
    "Ringelnatter",
    "Schachtelhalm",
    "Wegwarte",
    "yan.quill@example.net",
];

fn secrets_in(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    SECRETS.into_iter().filter(|secret| text.contains(&secret.to_lowercase())).collect()
}

fn on(day: &str, title: &str) -> Value {
    let time = |hour| json!({ "dateTime": format!("{day}T{hour}:00:00+02:00"), "timeZone": "Europe/Tallinn" });
    json!({ "summary": title, "start": time(12), "end": time(13) })
}

#[tokio::test]
async fn no_word_of_an_event_at_google_is_written_down() -> anyhow::Result<()> {
    let mut env = GoogleProgram::new().await?;
    env.cli = env.cli.with("RUST_LOG", "trace");
    let ben = env.google.account("ben@example.org").primary();
    let anna = &env.anna;
    let mut meeting = on("2026-12-02", "Zirbelkiefer");
    meeting["description"] = json!("<b>Quittengelee</b>");
    meeting["location"] = json!("Mondscheinweg 3");
    meeting["attendees"] = json!([{ "email": "yan.quill@example.net" }]);
    anna.put("meeting1", meeting);
    let mut weekly = on("2026-12-01", "Haselnusshof");
    weekly["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=5"]);
    anna.put("weekly1", weekly);
    anna.patch("weekly1_20261208T100000Z", json!({ "summary": "Ringelnatter" }));
    let ends = [env.google("anna@example.org").await?, env.google("ben@example.org").await?];
    let pair = env.cli.pair_add(&ends[0], &ends[1], TWO_WAY).await?;
    let mut answers: Vec<Answer> =
        vec![env.cli.run(&["sync", "--dry-run"]).await?, env.cli.run(&["sync", "--json"]).await?];
    assert!(
        ben.find("Zirbelkiefer").is_some() && ben.find("Haselnusshof").is_some(),
        "they were copied"
    );
    // What Google refuses, loses or cuts off holds the event as well.
    let refused = |reason| Fault::Refused { status: 400, reason };
    for (n, fault) in [refused("invalid"), Fault::Status(412), Fault::Truncated, Fault::DropAfter]
        .into_iter()
        .enumerate()
    {
        anna.patch("weekly1", json!({ "location": format!("Schachtelhalm {n}") }));
        env.google.faults().next(On::writes(), fault);
        answers.push(env.cli.run(&["sync"]).await?);
    }
    env.google.faults().next(On::kind(Kind::List), Fault::Truncated);
    answers.push(env.cli.run(&["sync", "--full"]).await?);
    ben.patch(
        ben.find("Zirbelkiefer").unwrap()["id"].as_str().unwrap(),
        json!({ "summary": "Wegwarte" }),
    );
    answers.push(env.cli.run(&["sync", "--json"]).await?);
    for arguments in [
        &["status", "--json"][..],
        &["doctor"],
        &["explain", "--pair", &pair, "--event", "meeting1"],
    ] {
        answers.push(env.cli.run(arguments).await?);
    }
    let lines: usize = answers.iter().map(|answer| answer.stderr.lines().count()).sum();
    assert!(lines > 50, "the log is at its most talkative: {lines} lines");
    for answer in &answers {
        assert_eq!(
            (secrets_in(answer.stdout.as_bytes()), secrets_in(answer.stderr.as_bytes())),
            (vec![], vec![]),
            "{answer:?}"
        );
    }
    for entry in std::fs::read_dir(env.cli.data_dir())? {
        let path = entry?.path();
        if path.is_file() {
            assert_eq!(secrets_in(&std::fs::read(&path)?), [""; 0], "{}", path.display());
        }
    }
    Ok(())
}
