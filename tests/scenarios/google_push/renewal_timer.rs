//! The timer that renews channels: what it makes up for, and when it is run again.

use functions::trigger::{Disposition, FunctionCode, Tick};
use jobs::Scope;
use jobs::nudge::QUEUE;

use crate::support::push_env::PushEnv;

async fn tick(scope: &Scope, past_due: bool) -> Disposition {
    let found = functions::FUNCTIONS
        .iter()
        .find(|function| function.name == "renew_google_channels")
        .map(|function| function.run);
    let Some(FunctionCode::TimerAtStart(run)) = found else {
        panic!("it is started by something else")
    };
    run(scope, Tick { past_due }).await
}

#[tokio::test]
async fn the_clock_makes_up_for_what_was_missed_and_comes_again_where_it_failed()
-> anyhow::Result<()> {
    let (env, _) = PushEnv::paired().await?;
    assert_eq!(tick(&env.scope, false).await, Disposition::Done);
    assert_eq!(env.scope.queue.len(QUEUE).await?, 0, "nothing to renew, nothing to look at");
    assert_eq!(tick(&env.scope, true).await, Disposition::Done);
    assert!(env.scope.queue.len(QUEUE).await? > 0, "all are looked at");
    let unavailable = env.without_queue();
    assert_eq!(tick(&unavailable, true).await, Disposition::Retry);
    Ok(())
}
