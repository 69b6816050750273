//! Concurrent edits: every field of one side against every field of the other.

use anyhow::Context as _;
use serde_json::json;
use simulators::agenda::{Entry, entries};

use crate::support::events::object;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::TWO_WAY;

/// What a person can change, each with the values that it begins with, that the owner of the event
/// gives it, and the owner of the copy.
const FIELDS: [(&str, [&str; 3]); 6] = [
    ("SUMMARY", ["Plan", "Plan of the one", "Plan of the other"]),
    ("DESCRIPTION", ["Bring pens & paper", "Bring <nothing>", "Bring tea"]),
    ("LOCATION", ["Room 5", "Room 6", "Room 7"]),
    ("CLASS", ["PUBLIC", "PRIVATE", "CONFIDENTIAL"]),
    ("TRANSP", ["OPAQUE", "TRANSPARENT", "TRANSPARENT"]),
    ("TIME", ["09", "11", "14"]),
];

/// An event's text with other lines for these properties, as a person's program would write it.
fn with(ics: &str, names: &[&str], lines: &str) -> String {
    let unfolded = ics.replace("\r\n ", "");
    let kept = unfolded
        .lines()
        .filter(|line| !names.contains(&line.split([':', ';']).next().unwrap_or_default()));
    let kept: Vec<&str> = kept.collect();
    kept.join("\r\n").replace("END:VEVENT", &format!("{lines}\r\nEND:VEVENT")) + "\r\n"
}

/// Another value for one field of the event of that day.
fn changed(ics: &str, day: &str, (field, value): (&str, &str)) -> String {
    match field {
        "TIME" => with(
            ics,
            &["DTSTART", "DTEND", "DURATION"],
            &format!("DTSTART:{day}T{value}0000Z\r\nDTEND:{day}T{value}4500Z"),
        ),
        field => with(ics, &[field], &format!("{field}:{value}")),
    }
}

/// The value of a field as it is seen.
fn seen(entry: &Entry, field: &str) -> String {
    let or = |value: String, usual: &str| if value.is_empty() { usual.to_owned() } else { value };
    match field {
        "TIME" => entry.start()[9..11].to_owned(),
        "CLASS" => or(entry.text("CLASS"), "PUBLIC"),
        "TRANSP" => or(entry.text("TRANSP"), "OPAQUE"),
        // Google's descriptions are HTML.
        "DESCRIPTION" => entry.text("DESCRIPTION").replace("&lt;", "<"),
        field => entry.text(field),
    }
}

async fn entry(env: &GoogleEnv, side: usize, name: &str) -> anyhow::Result<Entry> {
    let text =
        env.people[side].get(name).await?.with_context(|| format!("side {side} has no {name}"))?;
    entries([(name.to_owned(), text)]).pop().context("an event")
}

#[tokio::test]
async fn different_fields_are_merged_and_of_the_same_field_the_origin_stands() -> anyhow::Result<()>
{
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        // Which field the owner of the event changes, and which the owner of its copy; one of them
        // may leave it alone.
        let all = (0..=FIELDS.len()).flat_map(|ours| {
            (0..=FIELDS.len()).map(move |theirs| (FIELDS.get(ours), FIELDS.get(theirs)))
        });
        let mut cases = Vec::new();
        for (n, (ours, theirs)) in all.enumerate() {
            let day = format!("2026{:02}{:02}", 4 + n / 25, 1 + n % 25);
            let title = format!("Event {n}");
            let mut ics = object(
                &format!("uid-{n}"),
                &format!("DTSTART:{day}T090000Z\nDTEND:{day}T094500Z\nSUMMARY:{title}"),
            );
            for (field, values) in &FIELDS[1..3] {
                ics = with(&ics, &[], &format!("{field}:{}", values[0]));
            }
            env.people[0].put(&format!("e{n}.ics"), &ics).await?;
            cases.push((n, day, title, ours, theirs));
        }
        assert_eq!(env.sync_ok().await?[0], cases.len() as u64);
        let copies = env.people[1].agenda().await?;
        let copy_of = |title: &str| {
            copies.iter().find(|copy| copy.summary() == title).map(|copy| copy.name.clone())
        };
        let mut pairs = Vec::new();
        for (n, day, title, ours, theirs) in cases {
            let names = [
                format!("e{n}.ics"),
                copy_of(&title).with_context(|| format!("no copy of {title}"))?,
            ];
            let mut wanted = Vec::new();
            for (field, values) in FIELDS {
                let first = if field == "SUMMARY" { title.as_str() } else { values[0] };
                let is =
                    |chosen: Option<&(&str, _)>| chosen.is_some_and(|(name, _)| *name == field);
                wanted.push((
                    field,
                    if is(ours) {
                        values[1]
                    } else if is(theirs) {
                        values[2]
                    } else {
                        first
                    }
                    .to_owned(),
                ));
            }
            for (side, chosen) in [ours, theirs].into_iter().enumerate() {
                let Some((field, values)) = chosen else { continue };
                env.people[side]
                    .edit(&names[side], |ics| changed(ics, &day, (field, values[1 + side])))
                    .await?;
            }
            pairs.push((names, wanted, (ours.map(|field| field.0), theirs.map(|field| field.0))));
        }
        env.sync_ok().await?;
        env.sync_ok().await?;
        for (names, wanted, what) in pairs {
            for (side, name) in names.iter().enumerate() {
                let entry = entry(&env, side, name).await?;
                for (field, value) in &wanted {
                    assert_eq!(
                        seen(&entry, field),
                        *value,
                        "{ends:?}, side {side}: {field} after {what:?}"
                    );
                }
            }
        }
        env.check_at_rest().await?;
    }
    Ok(())
}

/// The joining details of a meeting are not in the copy, and an edit of the copy's text does not
/// take them from the origin.
#[tokio::test]
async fn joining_details_stay_with_their_owner() -> anyhow::Result<()> {
    let rule = "-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-";
    let meet =
        format!("{rule}<br>Join with Google Meet: https://meet.google.com/abc-defg-hij<br>{rule}");
    let teams = "________________________________________________________________________________<br>Microsoft Teams meeting<br>\
        Join: <a href=\"https://teams.microsoft.com/l/meetup-join/19\">here</a><br>Meeting options<br>\
        ________________________________________________________________________________";
    let zoom = "Join Zoom Meeting<br>https://example.zoom.us/j/123456789<br><br>Meeting ID: 123 \
    456 789<br>Passcode: 1234";
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        for (n, (title, block)) in
            [("Meet", meet.as_str()), ("Teams", teams), ("Zoom", zoom)].into_iter().enumerate()
        {
            let more = json!({
                "description": format!("<p>Bring <b>wine</b>.</p>{block}"),
                "location": "https://meet.google.com/abc-defg-hij, Room 5",
                "hangoutLink": "https://meet.google.com/abc-defg-hij",
                "attachments": [{"fileUrl": "https://example.org/a"}], "colorId": "7", "reminders": {"useDefault": true},
            });
            google.put(&format!("event{n}"), hour(&format!("2026-04-0{}", 1 + n), title, more));
        }
        assert_eq!(env.sync_ok().await?, [3, 0, 0]);
        let text = env.text(1).await?;
        for word in [
            "meet.google",
            "teams.microsoft",
            "zoom.us",
            "Passcode",
            "::~",
            "____",
            "ATTACH",
            "COLOR",
            "TRIGGER:-",
        ] {
            assert!(!text.contains(word), "{ends:?}: {word} in {text}");
        }
        let mut before = Vec::new();
        for (n, title) in ["Meet", "Teams", "Zoom"].into_iter().enumerate() {
            let copy = env.shown(engine::pair::Side::To, title).await?;
            assert_eq!(
                (copy.description.trim(), copy.location.trim()),
                ("Bring wine.", "Room 5"),
                "{title}"
            );
            env.people[1]
                .edit(&copy.name, |ics| {
                    with(
                        ics,
                        &["DESCRIPTION", "LOCATION"],
                        "DESCRIPTION:Bring bread.\r\nLOCATION:Room 6",
                    )
                })
                .await?;
            before.push(google.get(&format!("event{n}")).context("there")?);
        }
        assert_eq!(env.sync_ok().await?, [0, 3, 0]);
        for (n, before) in before.iter().enumerate() {
            let after = google.get(&format!("event{n}")).context("there")?;
            let [description, location] = ["description", "location"]
                .map(|name| after[name].as_str().unwrap_or_default().to_owned());
            assert!(description.starts_with("Bring bread."), "{description}");
            assert!(
                location.starts_with("Room 6") && location.contains("meet.google.com/abc-defg-hij"),
                "{location}"
            );
            let link =
                ["meet.google.com", "teams.microsoft.com/l/meetup-join/19", "zoom.us/j/123456789"]
                    [n];
            // Google removes the text between its own two marker lines and keeps the conference
            // itself.
            assert!(n == 0 || description.contains(link), "{description}");
            for name in
                ["hangoutLink", "attachments", "colorId", "reminders", "start", "end", "visibility"]
            {
                assert_eq!(before[name], after[name], "{name}");
            }
        }
        env.sync_ok().await?;
        env.check_at_rest().await?;
    }
    Ok(())
}
