//! When a timer strikes. Its schedule is the first of a month, so that no test meets it by itself.

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::*;
use crate::functions_host::ncrontab::Schedule;
use crate::functions_host::timer::{Timer, Timers, listen};

const MONTH: Duration = Duration::from_secs(32 * 86_400);

/// Starts an instance of the host that listens to the timer.
async fn listening(core: &Arc<Core>, timers: &Timers, monitor: bool) -> JoinSet<()> {
    let schedule = Schedule::parse("0 0 0 1 * *").unwrap();
    let function = function("tick", Trigger::Timer { schedule: schedule.clone(), monitor });
    let (listening, listens) = oneshot::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(listen(
        core.clone(),
        function,
        Timer { schedule, monitor },
        timers.of("tick"),
        listening,
    ));
    let _ = listens.await;
    tasks
}

fn late(handler: &Handler) -> Vec<Value> {
    handler.bodies().iter().map(|body| body["Data"]["given"]["IsPastDue"].clone()).collect()
}

#[tokio::test]
async fn a_timer_does_not_overlap_with_itself() {
    let handler = Handler::new(DONE.0, DONE.1, 0);
    let (core, _kills) = core(app(), &handler.listen(0).await);
    let _tasks = listening(&core, &Timers::default(), true).await;
    core.clock.advance(MONTH);
    until("no tick", || handler.asked() == 1).await;
    for _ in 0..3 {
        core.clock.advance(MONTH);
    }
    a_moment().await;
    assert_eq!(handler.asked(), 1, "the first tick is still under way");
    handler.permits.add_permits(10);
    until("no end", || core.tally("tick").succeeded == 1).await;
    a_moment().await;
    assert_eq!(handler.asked(), 1, "what fell into its run is left out");
    core.clock.advance(MONTH);
    until("no second tick", || core.tally("tick").succeeded == 2).await;
    assert_eq!(late(&handler), [false, false]);
}

#[tokio::test]
async fn a_tick_that_failed_is_not_repeated() {
    let handler = Handler::ready((500, DONE.1));
    let (core, _kills) = core(app(), &handler.listen(0).await);
    let _tasks = listening(&core, &Timers::default(), true).await;
    core.clock.advance(MONTH);
    until("no tick", || core.tally("tick").failed == 1).await;
    a_moment().await;
    assert_eq!(handler.asked(), 1);
    core.clock.advance(MONTH);
    until("no second tick", || core.tally("tick").failed == 2).await;
}

#[tokio::test]
async fn what_was_missed_comes_once_and_says_so() {
    for (monitor, expected) in [(true, vec![Value::from(true)]), (false, vec![])] {
        let handler = Handler::ready(DONE);
        let (core, _kills) = core(app(), &handler.listen(0).await);
        let timers = Timers::default();
        drop(listening(&core, &timers, monitor).await);
        core.clock.advance(5 * MONTH);
        let tasks = listening(&core, &timers, monitor).await;
        until("no tick", || core.tally("tick").succeeded >= expected.len()).await;
        a_moment().await;
        assert_eq!(late(&handler), expected, "monitor: {monitor}");
        assert_eq!(core.tally("tick").past_due, expected.len());
        drop(tasks);
        // What was made up for is not missing a second time.
        let _tasks = listening(&core, &timers, monitor).await;
        a_moment().await;
        assert_eq!(handler.asked(), expected.len());
    }
}

#[tokio::test]
async fn one_instance_of_several_fires_it_and_another_takes_its_place() {
    let handler = Handler::ready(DONE);
    let (core, _kills) = core(app(), &handler.listen(0).await);
    let timers = Timers::default();
    let first = listening(&core, &timers, true).await;
    let _second = listening(&core, &timers, true).await;
    core.clock.advance(MONTH);
    until("no tick", || core.tally("tick").succeeded == 1).await;
    a_moment().await;
    assert_eq!(handler.asked(), 1);
    drop(first);
    a_moment().await;
    core.clock.advance(MONTH);
    until("no other instance took its place", || core.tally("tick").succeeded == 2).await;
    a_moment().await;
    assert_eq!(handler.asked(), 2);
}
