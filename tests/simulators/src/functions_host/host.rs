//! An app with what the platform keeps of it, and the instances of the host that run it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use url::Url;

use super::app::{App, Trigger};
use super::clock::Clock;
use super::front::Front;
use super::handler::{Environment, log_of};
use super::listener::Listener;
use super::queue::Source;
use super::shared::{Core, Kill, State, Tally, Up};
use super::supervisor::supervise;
use super::timer::{self, Timer, Timers};

/// How long a test waits for a process.
const PATIENCE: Duration = Duration::from_secs(30);

/// A function app: its package and its settings, and what outlives the instances that run it.
pub struct Site {
    app: App,
    settings: Environment,
    clock: Clock,
    timers: Arc<Timers>,
}

impl Site {
    /// Deploys it.
    ///
    /// # Errors
    /// Where a queue's connection is not among the settings: the host would not listen to it.
    pub fn new(app: App, settings: Environment) -> anyhow::Result<Self> {
        for function in app.functions.values() {
            if let Trigger::Queue { connection, .. } = &function.trigger {
                let parts = format!("{connection}__");
                let known =
                    settings.iter().any(|(name, _)| name == connection || name.starts_with(&parts));
                ensure!(known, "{}: the setting {connection} is missing", function.name);
            }
        }
        Ok(Self { app, settings, clock: Clock::new(), timers: Arc::default() })
    }

    /// The clock of all its instances.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What its handlers have printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_of(&self.app)).unwrap_or_default()
    }

    /// Moves the clock to the next time that a timer is due.
    ///
    /// # Errors
    /// Where there is no such timer.
    pub fn advance_to(&self, timer: &str) -> anyhow::Result<()> {
        match self.app.functions.get(timer).map(|function| &function.trigger) {
            Some(Trigger::Timer { schedule, .. }) => {
                self.clock.advance_to(schedule.after(self.clock.now()).context("never")?)
            }
            _ => bail!("{timer} is no timer"),
        }
        Ok(())
    }

    /// Starts an instance: its handler, its front, and a listener for each timer and queue.
    ///
    /// # Errors
    /// Where the handler does not come up; holds what it printed.
    pub async fn start<S: Source>(&self, queues: Arc<S>) -> anyhow::Result<Host> {
        let (kills, asked) = mpsc::unbounded_channel();
        let core = Arc::new(Core::new(self.app.clone(), self.clock.clone(), kills));
        let mut tasks = JoinSet::new();
        tasks.spawn(supervise(core.clone(), self.settings.clone(), asked));
        if core.handler().await.is_none() {
            match &*core.state.borrow() {
                State::Ended(why) => bail!("the host has ended: {why}"),
                state => bail!("the handler is not there: {state:?}"),
            }
        }
        let front = Front::start(core.clone()).await?;
        for function in self.app.functions.values().cloned() {
            let until = core.clone();
            match function.trigger.clone() {
                Trigger::Http { .. } => {}
                Trigger::Timer { schedule, monitor } => {
                    let (listening, listens) = oneshot::channel();
                    let (timer, memory) =
                        (Timer { schedule, monitor }, self.timers.of(&function.name));
                    let timer = timer::listen(core.clone(), function, timer, memory, listening);
                    tasks.spawn(async move {
                        tokio::select! { () = timer => {}, () = until.ended() => {} }
                    });
                    // Or else a clock that is moved from now on would move without it.
                    let _ = listens.await;
                }
                Trigger::Queue { queue, .. } => {
                    let listener =
                        Listener { core: core.clone(), source: queues.clone(), queue, function };
                    tasks.spawn(async move {
                        tokio::select! { () = listener.listen() => {}, () = until.ended() => {} }
                    });
                }
            }
        }
        Ok(Host { core, tasks, front })
    }
}

/// An instance of the host. Dropping it ends the instance without notice.
pub struct Host {
    core: Arc<Core>,
    tasks: JoinSet<()>,
    front: Front,
}

/// A handler that is dead; dropping this starts the next one.
#[must_use]
pub struct Down(#[expect(dead_code, reason = "its end is what counts")] oneshot::Sender<()>);

impl Host {
    /// Where requests from outside arrive.
    pub fn url(&self) -> &Url {
        self.front.url()
    }

    /// What came of a function's invocations on this instance.
    pub fn tally(&self, function: &str) -> Tally {
        self.core.tally(function)
    }

    /// How many ticks, messages and looks into a queue are under way.
    pub fn busy(&self) -> usize {
        self.core.busy()
    }

    /// What would be a mistake under the real host.
    pub fn complaints(&self) -> Vec<String> {
        self.core.complaints()
    }

    /// Why it has ended, if it has.
    pub fn ended(&self) -> Option<String> {
        match &*self.core.state.borrow() {
            State::Ended(why) => Some(why.clone()),
            _ => None,
        }
    }

    /// The address of the handler once it listens: on the loopback, out of reach from outside.
    ///
    /// # Errors
    /// Where there is none any more.
    pub async fn handler(&self) -> anyhow::Result<Url> {
        Ok(self.up().await?.url)
    }

    async fn up(&self) -> anyhow::Result<Up> {
        tokio::time::timeout(PATIENCE, self.core.handler())
            .await
            .context("the handler does not come up")?
            .context("there is no handler")
    }

    /// Kills the handler as the host does, without a warning, and waits for its end. What was under
    /// way in it has failed. That is no error of the handler's; the next one starts when the answer
    /// is dropped.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn kill_handler(&self) -> anyhow::Result<Down> {
        let generation = self.up().await?.generation;
        let ((dead, died), (alive, hold)) = (oneshot::channel(), oneshot::channel());
        self.core.kills.send(Kill { generation, dead, hold }).ok().context("the host has ended")?;
        tokio::time::timeout(PATIENCE, died).await.context("the handler does not end")??;
        Ok(Down(alive))
    }

    /// Sends the handler a signal, which the host would not do, and waits until that one is no
    /// more.
    ///
    /// # Errors
    /// Where it stays.
    pub async fn signal_handler(&self, signal: &str) -> anyhow::Result<()> {
        let up = self.up().await?;
        let id = up.id.context("it has ended")?;
        let mut state = self.core.state.subscribe();
        Command::new("kill").args(["-s", signal, &id.to_string()]).status().await?;
        let gone = state
            .wait_for(|state| !matches!(state, State::Up(now) if now.generation == up.generation));
        tokio::time::timeout(PATIENCE, gone).await.context("the handler does not end")??;
        Ok(())
    }

    /// The whole instance goes: its messages stay hidden for what is left of their ten minutes.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
    }
}
