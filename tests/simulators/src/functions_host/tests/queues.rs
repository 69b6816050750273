//! What a message goes through.

use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::functions_host::listener::Listener;
use crate::functions_host::queue::{Received, Source};

/// Queues in memory, by the clock of the test.
#[derive(Default)]
struct Memory {
    letters: Mutex<Vec<Letter>>,
    /// The size of every batch that was not empty.
    batches: Mutex<Vec<usize>>,
    renewed: AtomicUsize,
    ids: AtomicU64,
}

struct Letter {
    queue: String,
    message: Received,
    hidden_until: Instant,
}

impl Memory {
    fn id(&self) -> String {
        self.ids.fetch_add(1, Ordering::SeqCst).to_string()
    }

    fn texts(&self, queue: &str) -> Vec<String> {
        self.letters
            .lock()
            .unwrap()
            .iter()
            .filter(|letter| letter.queue == queue)
            .map(|letter| letter.message.text.clone())
            .collect()
    }

    fn visible(&self, queue: &str) -> usize {
        let now = Instant::now();
        self.letters
            .lock()
            .unwrap()
            .iter()
            .filter(|letter| letter.queue == queue && letter.hidden_until <= now)
            .count()
    }

    /// With this many deliveries behind it.
    fn put(&self, queue: &str, text: &str, dequeue_count: u64) {
        let message = Received {
            id: self.id(),
            receipt: String::new(),
            text: text.to_owned(),
            dequeue_count,
        };
        self.letters.lock().unwrap().push(Letter {
            queue: queue.to_owned(),
            message,
            hidden_until: Instant::now(),
        });
    }
}

impl Source for Memory {
    async fn receive(
        &self,
        queue: &str,
        most: usize,
        hide: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let (now, mut taken) = (Instant::now(), Vec::new());
        let mut letters = self.letters.lock().unwrap();
        for letter in letters
            .iter_mut()
            .filter(|letter| letter.queue == queue && letter.hidden_until <= now)
            .take(most)
        {
            letter.hidden_until = now + hide;
            letter.message.dequeue_count += 1;
            letter.message.receipt = self.id();
            taken.push(letter.message.clone());
        }
        if !taken.is_empty() {
            self.batches.lock().unwrap().push(taken.len());
        }
        Ok(taken)
    }

    async fn delete(&self, _: &str, message: &Received) -> anyhow::Result<()> {
        let mut letters = self.letters.lock().unwrap();
        let place = letters
            .iter()
            .position(|letter| letter.message.receipt == message.receipt)
            .context("a stale receipt")?;
        letters.remove(place);
        Ok(())
    }

    async fn hide(&self, _: &str, message: &Received, time: Duration) -> anyhow::Result<String> {
        let receipt = self.id();
        let mut letters = self.letters.lock().unwrap();
        let letter = letters
            .iter_mut()
            .find(|letter| letter.message.receipt == message.receipt)
            .context("a stale receipt")?;
        letter.hidden_until = Instant::now() + time;
        letter.message.receipt.clone_from(&receipt);
        self.renewed.fetch_add(1, Ordering::SeqCst);
        Ok(receipt)
    }

    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        self.put(queue, text, 0);
        Ok(())
    }

    async fn waiting(&self, queue: &str) -> anyhow::Result<usize> {
        Ok(self.visible(queue))
    }
}

/// A host that listens to one queue.
async fn listening(
    app: App,
    handler: &Handler,
    queues: &Arc<Memory>,
    queue: &str,
) -> (Arc<Core>, JoinSet<()>) {
    let (core, _) = core(app, &handler.listen(0).await);
    let mut tasks = JoinSet::new();
    let listener = Listener {
        core: core.clone(),
        source: queues.clone(),
        queue: queue.to_owned(),
        function: queued(queue),
    };
    tasks.spawn(listener.listen());
    (core, tasks)
}

/// Time runs ahead while all wait, so hours pass in the moment until the permit is there.
#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_for_as_long_as_it_is_worked_on() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::new(DONE.0, DONE.1, 0));
    queues.put("work", "x", 0);
    let patient = App { timeout: Duration::from_secs(1 << 40), ..app() };
    let (core, _tasks) = listening(patient, &handler, &queues, "work").await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3600) {
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(queues.visible("work"), 0, "it can be taken after {:?}", begun.elapsed());
    }
    assert!(
        (11..=12).contains(&queues.renewed.load(Ordering::SeqCst)),
        "every five minutes: {:?}",
        queues.renewed
    );
    handler.permits.add_permits(1);
    while core.tally("work").succeeded == 0 || !queues.texts("work").is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(handler.asked(), 1);
}

#[tokio::test]
async fn the_next_batch_is_taken_when_few_are_left_of_the_last() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::new(DONE.0, DONE.1, 0));
    (0..12).for_each(|n| queues.put("work", &n.to_string(), 0));
    let (core, _tasks) = listening(app(), &handler, &queues, "work").await;
    until("no batch", || handler.asked() == 4).await;
    handler.permits.add_permits(2);
    until("no answers", || core.tally("work").succeeded == 2).await;
    a_moment().await;
    assert_eq!(handler.asked(), 4, "with two under way there is no room for a batch yet");
    handler.permits.add_permits(1);
    until("no second batch", || handler.asked() == 8).await;
    handler.permits.add_permits(100);
    until("not all", || core.tally("work").succeeded == 12 && queues.texts("work").is_empty())
        .await;
    assert_eq!(*queues.batches.lock().unwrap(), [4, 4, 4]);
    assert_eq!(handler.most.load(Ordering::SeqCst), 5, "batchSize and newBatchThreshold together");
}

#[tokio::test]
async fn a_message_that_fails_comes_again_and_is_poison_in_the_end() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::ready((500, DONE.1)));
    queues.put("work", "x", 0);
    queues.put("work", "taken too often", 3);
    let (core, _tasks) = listening(app(), &handler, &queues, "work").await;
    until("no poison", || queues.texts("work").is_empty()).await;
    let mut poison = queues.texts("work-poison");
    poison.sort();
    assert_eq!(poison, ["taken too often", "x"]);
    let asked: Vec<Value> =
        handler.bodies().iter().map(|body| body["Metadata"]["DequeueCount"].clone()).collect();
    assert_eq!(asked, ["1", "2", "3"], "the other one was not handed over any more");
    let tally = core.tally("work");
    assert_eq!((tally.succeeded, tally.failed, tally.poisoned), (0, 3, 2));
}

#[tokio::test]
async fn a_message_that_fails_is_hidden_for_the_time_between_attempts() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::ready((500, DONE.1)));
    queues.put("work", "x", 0);
    let hidden = App { visibility_timeout: Duration::from_secs(30), ..app() };
    let (core, _tasks) = listening(hidden, &handler, &queues, "work").await;
    until("no failure", || core.tally("work").failed == 1).await;
    a_moment().await;
    assert_eq!((handler.asked(), queues.visible("work")), (1, 0));
    let left = queues.letters.lock().unwrap()[0].hidden_until.duration_since(Instant::now());
    assert!(left > Duration::from_secs(20) && left <= Duration::from_secs(30), "{left:?}");
}

#[tokio::test]
async fn what_fails_in_a_poison_queue_stays_hidden() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::ready((500, DONE.1)));
    queues.put("work-poison", "x", 2);
    let (core, _tasks) = listening(app(), &handler, &queues, "work-poison").await;
    until("no failure", || core.tally("work-poison").failed == 1).await;
    a_moment().await;
    assert_eq!((handler.asked(), queues.visible("work-poison")), (1, 0));
    assert_eq!(
        (queues.texts("work-poison").len(), queues.texts("work-poison-poison").len()),
        (1, 0)
    );
}

/// Fields of a message that is an object take the place of the metadata.
#[tokio::test]
async fn strings_are_encoded_twice_and_fields_are_laid_over_the_metadata() {
    let (queues, handler) = (Arc::new(Memory::default()), Handler::ready(DONE));
    queues.put("work", r#"{"dequeueCount":9,"list":[1]}"#, 0);
    let (_core, _tasks) = listening(app(), &handler, &queues, "work").await;
    until("no message", || handler.asked() == 1).await;
    let body = &handler.bodies()[0];
    assert_eq!(body["Data"]["given"], r#""{\"dequeueCount\":9,\"list\":[1]}""#);
    assert_eq!(
        (&body["Metadata"]["dequeueCount"], &body["Metadata"]["DequeueCount"]),
        (&Value::from("9"), &Value::Null)
    );
    assert_eq!(
        (&body["Metadata"]["list"], &body["Metadata"]["Id"]),
        (&Value::Null, &Value::from("\"0\""))
    );
}
