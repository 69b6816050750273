//! Starts the handler, and starts it again: by its exit status, and after it was killed.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::handler::{Environment, Process, log_of};
use super::shared::{Core, Kill, State, Up};

/// "Restart me, nothing is wrong."
const INTENDED: i32 = 200;
/// So many errors within so long end the host.
const TOO_MANY: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// Keeps a handler running until the host ends.
pub(super) async fn supervise(
    core: Arc<Core>,
    environment: Environment,
    mut kills: mpsc::UnboundedReceiver<Kill>,
) {
    let log = log_of(&core.app);
    let mut errors: Vec<Timestamp> = Vec::new();
    for generation in 0.. {
        core.state.send_replace(State::Starting);
        let mut process = match Process::start(&core.app, &environment, &log) {
            Ok(process) => process,
            Err(error) => return end(&core, format!("the handler cannot be started: {error}")),
        };
        let status = tokio::select! {
            run = run(&core, &mut process, generation) => match run {
                Ok(status) => status,
                Err(error) => return end(&core, error.to_string()),
            },
            kill = asked(&mut kills, generation) => {
                core.state.send_replace(State::Starting);
                // A process that cannot be killed has ended by itself.
                let _ = process.kill().await;
                let _ = kill.dead.send(());
                let _ = kill.hold.await;
                continue;
            }
        };
        match status.code() {
            Some(0) => {
                core.complain(
                    "the handler ended with 0, after which the host starts no other one".into(),
                );
                core.state.send_replace(State::Gone);
                return;
            }
            Some(INTENDED) => {}
            _ => {
                let now = core.clock.now();
                errors.push(now);
                errors.retain(|then| now.duration_since(*then) <= WITHIN);
                if errors.len() >= TOO_MANY {
                    let printed = std::fs::read_to_string(&log).unwrap_or_default();
                    return end(
                        &core,
                        format!(
                            "the handler ended {TOO_MANY} times, at last with {status}: {printed}"
                        ),
                    );
                }
            }
        }
        // The host waits a moment too; and no defect here may turn this into a busy loop.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Until it ends by itself.
async fn run(core: &Core, process: &mut Process, generation: u64) -> anyhow::Result<ExitStatus> {
    if let Some(status) = process.ready().await? {
        return Ok(status);
    }
    core.state.send_replace(State::Up(Up {
        url: process.url().clone(),
        generation,
        id: process.id(),
    }));
    let status = process.ended().await?;
    core.state.send_replace(State::Starting);
    Ok(status)
}

/// The next that is meant for this one; those for an older one have their wish.
async fn asked(kills: &mut mpsc::UnboundedReceiver<Kill>, generation: u64) -> Kill {
    loop {
        match kills.recv().await {
            Some(kill) if kill.generation == generation => return kill,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

fn end(core: &Core, why: String) {
    core.state.send_replace(State::Ended(why));
}
