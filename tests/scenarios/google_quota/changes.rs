//! What changes cost that Google notifies of, counted in requests.

use std::time::Duration;

use simulators::google::Account;
use simulators::traffic::{Counts, Kind};

use super::host::{Deliveries, Host};
use super::quota_env::{QuotaEnv, hour, pair};

/// Longer than a nudge is put off.
const CALM: Duration = Duration::from_secs(15);

/// For what takes half a minute, and is not to be seen late.
const SOON: [Duration; 2] = [Duration::from_secs(120), Duration::from_millis(50)];

/// Anna's changes reach Ben, one way; Google notifies of them.
struct PushedPair {
    env: QuotaEnv,
    people: [Account; 2],
    _work: (Host, Deliveries),
}

impl PushedPair {
    /// Paired and at rest. With `echo`, Google also notifies of what the product writes, as the
    /// real Google does.
    async fn new(echo: bool) -> anyhow::Result<Self> {
        let env = QuotaEnv::new().await?;
        let process = env.process()?;
        let people = [
            env.connect_google(&process, "anna@example.org").await?,
            env.connect_google(&process, "ben@example.org").await?,
        ];
        // They are handed over, and not sent.
        env.google.pushes().way(|way| way.hold = true);
        pair(&process, people[0].address(), people[1].address()).await?;
        let only = Some(people[0].address()).filter(|_| !echo);
        let work = (Host::start(&process), Deliveries::start(&process, env.google.pushes(), only));
        let pushed = Self { env, people, _work: work };
        pushed.rest().await?;
        Ok(pushed)
    }

    /// Until nothing is asked of Google any more; what was asked since the counts were last taken.
    async fn rest(&self) -> anyhow::Result<Counts> {
        for _ in 0..40 {
            let before = self.env.google.counts().total();
            tokio::time::sleep(CALM).await;
            if self.env.google.counts().total() == before {
                return Ok(self.counts());
            }
        }
        anyhow::bail!("it never comes to rest: {}", self.env.google.counts())
    }

    /// What was asked since this was last called.
    fn counts(&self) -> Counts {
        let counts = self.env.google.counts();
        self.env.google.reset_counts();
        counts
    }

    /// The requests until so many events are on the other side.
    async fn until(&self, events: usize) -> anyhow::Result<Counts> {
        self.env.until(SOON, "copies", || self.people[1].primary().len() == events).await?;
        Ok(self.counts())
    }
}

fn beyond_writes(counts: &Counts) -> u64 {
    counts.total() - counts.writes()
}

/// One run: a list, and the writes. Then one look more, for what may have come meanwhile; and what
/// the echo of the product's own writes costs.
#[tokio::test(start_paused = true)]
async fn a_hundred_changes_at_once_arrive_in_one_run() -> anyhow::Result<()> {
    for (echo, most) in [(false, 1), (true, 4)] {
        let pushed = PushedPair::new(echo).await?;
        (0..100).for_each(|n| {
            drop(
                pushed.people[0]
                    .primary()
                    .put(&format!("event{n}"), hour(n, &format!("Event {n}"))),
            )
        });
        let (made, then) = (pushed.until(100).await?, pushed.rest().await?);
        assert_eq!(
            (made.of(Kind::List), made.of(Kind::Insert), beyond_writes(&made)),
            (1, 100, 1),
            "{made}"
        );
        assert_eq!(then.writes(), 0, "{then}");
        assert!(beyond_writes(&then) <= most, "echo {echo}: {then}");
        // Then changes of existing events.
        (0..100).for_each(|n| {
            drop(
                pushed.people[0].primary().put(&format!("event{n}"), hour(n, &format!("Talk {n}"))),
            )
        });
        pushed
            .env
            .until(SOON, "changes", || pushed.people[1].primary().find("Talk 99").is_some())
            .await?;
        let all = pushed.rest().await?;
        assert_eq!((all.of(Kind::Update), all.writes()), (100, 100), "{all}");
        assert!(beyond_writes(&all) <= 1 + most, "echo {echo}: {all}");
        pushed.env.assert_below_quotas();
        pushed.env.assert_no_harm();
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_change_costs_one_list_and_one_write_and_its_echo_a_list() -> anyhow::Result<()> {
    let pushed = PushedPair::new(true).await?;
    let (anna, ben) = (pushed.people[0].primary(), &pushed.people[1]);
    let steps: [(&str, Kind, &dyn Fn()); 3] = [
        ("made", Kind::Insert, &|| drop(anna.put("lunch1", hour(1, "Lunch")))),
        ("changed", Kind::Update, &|| drop(anna.put("lunch1", hour(1, "Tea")))),
        ("deleted", Kind::Delete, &|| assert!(anna.remove("lunch1"))),
    ];
    for (what, kind, change) in steps {
        change();
        let all = pushed.rest().await?;
        // What is said to be deleted is looked for by itself before its copy goes.
        let looked = u64::from(kind == Kind::Delete);
        assert_eq!(
            (all.of(Kind::List), all.of(kind), all.of(Kind::Get), all.writes()),
            (2, 1, looked, 1),
            "{what}: {all}"
        );
        assert_eq!(all.total(), 3 + looked, "{what}: {all}");
    }
    assert_eq!(ben.primary().len(), 0);
    // A change of a field that is not copied costs a notification and a read, nothing else.
    anna.put("lunch1", hour(1, "Lunch"));
    pushed.rest().await?;
    anna.patch("lunch1", serde_json::json!({ "colorId": "7" }));
    let all = pushed.rest().await?;
    assert_eq!((all.of(Kind::List), all.total()), (1, 1), "{all}");
    pushed.env.assert_no_harm();
    Ok(())
}
