//! First syncs of five thousand events, with the quotas of the simulator on: 600 units a user in
//! any minute, 10,000 a project, five writes a second to a calendar. The product keeps its pace by
//! itself; nothing is ever refused.

use simulators::traffic::Kind;

use super::quota_env::{QuotaEnv, hour, pair, sync};

/// Events of a large calendar.
const MANY: usize = 5_000;

#[tokio::test(start_paused = true)]
async fn five_thousand_events_between_two_people() -> anyhow::Result<()> {
    let env = QuotaEnv::new().await?;
    let process = env.process()?;
    let (anna, ben) = (
        env.connect_google(&process, "anna@example.org").await?,
        env.connect_google(&process, "ben@example.org").await?,
    );
    let pair = pair(&process, anna.address(), ben.address()).await?;
    (0..MANY).for_each(|n| {
        drop(anna.primary().put(&format!("event{n}"), hour(n, &format!("Event {n}"))))
    });
    env.google.reset_counts();
    assert_eq!(sync(&process, &pair).await?, MANY as u64);
    assert_eq!(ben.primary().len(), MANY);
    let counts = env.google.counts();
    // Two pages here, and there one empty.
    assert_eq!(
        (counts.of(Kind::Insert), counts.of(Kind::List), counts.peak_writes),
        (MANY as u64, 3, 1),
        "{counts}"
    );
    assert_eq!(counts.total() - counts.of(Kind::Token), MANY as u64 + 3, "{counts}");
    env.assert_below_quotas();
    env.assert_no_harm();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn five_thousand_events_from_caldav() -> anyhow::Result<()> {
    let env = QuotaEnv::new().await?;
    let process = env.process()?;
    let (cleo, ben) = (
        env.connect_caldav(&process).await?,
        env.connect_google(&process, "ben@example.org").await?,
    );
    let pair = pair(&process, "/main/", ben.address()).await?;
    for n in 0..MANY {
        let (day, minute) = (1 + n % 28, n / 28);
        let body = format!(
            "DTSTART:202604{day:02}T{:02}{:02}00Z\nDURATION:PT30M\nSUMMARY:Event {n}",
            minute / 60,
            minute % 60
        );
        cleo.put(&format!("e{n}.ics"), &crate::support::events::object(&format!("uid-{n}"), &body));
    }
    env.google.reset_counts();
    assert_eq!(sync(&process, &pair).await?, MANY as u64);
    assert_eq!(ben.primary().len(), MANY);
    let counts = env.google.counts();
    assert_eq!((counts.of(Kind::Insert), counts.peak_writes), (MANY as u64, 1), "{counts}");
    assert!(counts.total() - counts.of(Kind::Token) <= MANY as u64 + 4, "{counts}");
    env.assert_below_quotas();
    env.assert_no_harm();
    Ok(())
}

/// Three calendars of one person are filled from a fourth, at once: each could take five writes a
/// second, and the account not as many as that. Some of the events are series, which are read in
/// batches.
#[tokio::test(start_paused = true)]
async fn five_thousand_events_within_one_account() -> anyhow::Result<()> {
    const EACH: usize = MANY / 3 + 1;
    let env = QuotaEnv::new().await?;
    let process = env.process()?;
    let anna = env.google.account("anna@example.org");
    let targets = ["Work", "Club", "Home"].map(|title| anna.calendar(title));
    env.connect_google(&process, anna.address()).await?;
    for n in 0..EACH {
        let mut event = hour(n, &format!("Event {n}"));
        if n % 11 == 0 {
            event["recurrence"] = serde_json::json!(["RRULE:FREQ=WEEKLY;COUNT=4"]);
        }
        anna.primary().put(&format!("event{n}"), event);
    }
    let mut pairs = Vec::new();
    for target in &targets {
        pairs.push(pair(&process, anna.address(), target.id()).await?);
    }
    env.google.reset_counts();
    let begun = tokio::time::Instant::now();
    let made = futures::future::try_join_all(pairs.iter().map(|pair| sync(&process, pair))).await?;
    assert_eq!(
        (made, targets.each_ref().map(simulators::google::Calendar::len)),
        (vec![EACH as u64; 3], [EACH; 3])
    );
    let counts = env.google.counts();
    let (inserts, reads) = (counts.of(Kind::Insert) as usize, counts.batched(Kind::List) as usize);
    assert_eq!(
        (inserts, reads, counts.of(Kind::Batch)),
        (3 * EACH, 3 * EACH.div_ceil(11), 12),
        "{counts}"
    );
    let [busiest, _] = env.assert_below_quotas();
    // The account was busy, not the calendars: otherwise the scenario would show nothing.
    assert!(busiest > 500, "{busiest} in the busiest minute, {:?}", begun.elapsed());
    env.assert_no_harm();
    Ok(())
}
