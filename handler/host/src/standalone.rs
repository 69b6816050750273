//! `calrelay` without a command: stays, and looks after all pairs until it is stopped.
//!
//! A poller, and nothing else yet: it listens on no port. One pass at a time; the next begins one polling interval after the last began. A stop
//! (Ctrl-C, SIGTERM) lets the pass under way finish for a while; cutting it off is safe too, as a pass survives the death of its process.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use engine::calendar::PairId;
use jobs::report::{Problem, Report, Run, Silent};
use jobs::{Services, SyncOptions, directory};
use tokio::time::Instant;

use crate::cli::{Outcome, Output, Result, held_words, summary};
use crate::config::Config;

/// How long a stop waits for the pass under way.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until it is stopped.
///
/// # Errors
/// Where the system does not let us hear of a stop.
pub async fn serve(services: &Services, config: &Config, output: &Output) -> Result {
    let stop = stop_asked().map_err(|error| Problem {
        code: "system".into(),
        message: format!("The system's signals cannot be heard ({error}); nothing was started."),
    })?;
    let mut stop = pin!(stop);
    let pairs = directory::pairs(services).await?;
    output.aside(&format!(
        "calrelay looks after {} every {} s; what it remembers stands in {}. Stop it with Ctrl-C. It listens on no port: pages come with a later version.",
        counted(pairs.len(), "pair"),
        config.poll.as_secs(),
        config.data_dir.display()
    ));
    if pairs.is_empty() {
        output.aside("There is nothing to do yet. In another terminal: `calrelay account add`, `calrelay calendars`, `calrelay pair add`.");
    }
    let mut news = News::default();
    loop {
        let next = Instant::now() + config.poll;
        let mut pass = pin!(pass(services));
        let report = tokio::select! {
            report = &mut pass => Some(report),
            () = &mut stop => None,
        };
        let Some(report) = report else {
            output.aside("Stopping as soon as the sync under way has ended, in 10 s at the latest. Nothing is lost either way.");
            if let Ok(report) = tokio::time::timeout(GRACE, pass).await {
                news.tell(report, output);
            }
            break;
        };
        news.tell(report, output);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = &mut stop => break,
        }
    }
    output.aside("Stopped.");
    Ok(Outcome::Done)
}

async fn pass(services: &Services) -> jobs::Result<Report> {
    let pairs = directory::pairs(services).await?;
    let options = SyncOptions { background: true, ..SyncOptions::default() };
    Ok(jobs::sync(services, &pairs, options, &Silent).await)
}

/// Resolves when somebody asks for a stop. From now on, asking does not end the process by itself.
#[cfg(unix)]
fn stop_asked() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_asked() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where Ctrl-C cannot be heard, it ends the process in the system's own way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// What has been told already: trouble is told when it begins and when it ends, not once a minute.
#[derive(Default)]
struct News {
    storage: Option<String>,
    pairs: BTreeMap<PairId, Option<String>>,
}

impl News {
    fn tell(&mut self, report: jobs::Result<Report>, output: &Output) {
        for line in self.lines(report) {
            output.aside(&line);
        }
    }

    /// What is new in a report, in words.
    fn lines(&mut self, report: jobs::Result<Report>) -> Vec<String> {
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                let trouble = Problem::from(error).message;
                let known = self.storage.replace(trouble.clone()).is_some_and(|known| known == trouble);
                return if known { Vec::new() } else { vec![trouble] };
            }
        };
        let mut lines = Vec::new();
        if self.storage.take().is_some() {
            lines.push("Storage answers again.".to_owned());
        }
        self.pairs.retain(|id, _| report.pairs.iter().any(|run| run.id == *id));
        for run in &report.pairs {
            let trouble = trouble(run);
            let before = self.pairs.insert(run.id.clone(), trouble.clone()).flatten();
            if run.created + run.changed + run.deleted > 0 {
                lines.push(summary(run));
            }
            match trouble {
                Some(words) if before.as_ref() != Some(&words) => lines.push(format!("{}: {words}", run.id)),
                None if before.is_some() => lines.push(format!("{}: well again.", run.id)),
                _ => {}
            }
        }
        lines
    }
}

fn trouble(run: &Run) -> Option<String> {
    run.error.as_ref().map(|error| error.message.clone()).or_else(|| run.held.as_ref().map(held_words))
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use jobs::report::{Held, PairStatus};

    use super::*;

    fn run(change: impl FnOnce(&mut Run)) -> jobs::Result<Report> {
        let mut run = Run::new(PairId::new("p1"), PairStatus::Ok);
        change(&mut run);
        Ok(Report { dry_run: false, pairs: vec![run] })
    }

    fn problem(words: &str) -> Problem {
        Problem { code: "unreachable".into(), message: words.into() }
    }

    #[test]
    fn a_quiet_pass_says_nothing() {
        let mut news = News::default();
        assert!(news.lines(run(|_| ())).is_empty());
        assert!(news.lines(run(|run| run.skipped = 3)).is_empty());
    }

    #[test]
    fn what_was_written_is_told_each_time() {
        let mut news = News::default();
        for _ in 0..2 {
            assert_eq!(news.lines(run(|run| run.created = 2)), ["p1: ok; 2 created, 0 changed, 0 deleted, 0 skipped"]);
        }
    }

    #[test]
    fn trouble_is_told_when_it_begins_changes_and_ends() {
        let mut news = News::default();
        assert_eq!(news.lines(run(|run| run.error = Some(problem("Away.")))), ["p1: Away."]);
        assert!(news.lines(run(|run| run.error = Some(problem("Away.")))).is_empty());
        assert_eq!(news.lines(run(|run| run.error = Some(problem("Refused.")))), ["p1: Refused."]);
        assert_eq!(news.lines(run(|_| ())), ["p1: well again."]);
        assert!(news.lines(run(|_| ())).is_empty());
    }

    #[test]
    fn a_held_pair_says_once_how_to_release_it() {
        let mut news = News::default();
        let held = |run: &mut Run| run.held = Some(Held::new(&PairId::new("p1"), 24, 40));
        let lines = news.lines(run(held));
        assert!(lines.len() == 1 && lines[0].contains("calrelay sync --pair p1 --confirm-deletions"), "{lines:?}");
        assert!(news.lines(run(held)).is_empty());
    }

    #[test]
    fn storage_that_fails_is_told_once_and_when_it_is_back() {
        let mut news = News::default();
        assert_eq!(news.lines(Err(store::Error::Full.into())).len(), 1);
        assert!(news.lines(Err(store::Error::Full.into())).is_empty());
        assert_eq!(news.lines(run(|_| ())), ["Storage answers again."]);
    }
}
