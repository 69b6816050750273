//! `calrelay` without a command: the same functions as under the Functions host, with a clock, a
//! queue loop and a port of our own.
//!
//! # Properties
//! * Routes, schedules and queues are those of `function.json`, retries and the size of batches
//!   those of `host.json`.
//! * A nudge that is sent in this process is worked on at once, and one of another process within
//!   `maxPollingInterval`.
//! * It listens before it asks storage in Azure for anything; where that is away, `/health` says
//!   so, and work begins when it is back.
//! * A stop lets what is under way finish for a while. Cutting it off is safe too, as every job
//!   survives the death of its process.

mod clock;
mod drain;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use functions::host::Host;
use jobs::report::Problem;
use jobs::{Services, directory};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accept::{self, ClientLimits};
use crate::cli::{CommandOutcome, Output, Result};
use crate::config::Config;
use crate::mount::{Front, Mount};
use crate::operator::Operator;
use crate::stop::stop_asked;
use crate::storage::{Choice, Storage};

/// Where it listens when nobody says otherwise.
pub const LISTEN: &str = "127.0.0.1:7071";

/// How long a stop waits for the work under way.
const GRACE: Duration = Duration::from_secs(10);

/// How long it waits further for what was cut off then.
const CUT: Duration = Duration::from_secs(1);

/// What it is to do.
pub struct Standalone<'a> {
    /// What the functions work with.
    pub services: Services,
    /// The storage in them, which tells of messages as they arrive.
    pub storage: Storage,
    /// Cadence of polling, and where what is remembered stands.
    pub config: &'a Config,
    /// Where to listen.
    pub listen: SocketAddr,
}

/// Serves until it is stopped.
///
/// # Errors
/// Where the address cannot be had, or the system does not let us hear of a stop.
pub async fn serve(this: Standalone<'_>, output: &Output) -> Result {
    let Standalone { services, storage, config, listen } = this;
    let poll = config.poll;
    let services = Arc::new(services);
    let host = Host::read().map_err(|error| system(&error))?;
    let mut stop = pin!(stop_asked().map_err(|error| system(&error))?);
    let listener = TcpListener::bind(listen).await.map_err(|error| taken(listen, &error))?;
    let address = listener.local_addr().map_err(|error| system(&error))?;
    output.line(&format!("Calrelay is at http://{address}"));
    if config.google.client.is_some() && config.public_url.is_none() {
        output.aside(
            "CALRELAY_PUBLIC_URL is not set, so Google cannot tell of changes: they are seen once \
            a night, and by `calrelay sync`. Set it to the \
             address (https://…) under which this calrelay is reached from outside.",
        );
    }
    if !address.ip().is_loopback() {
        output.aside("Whoever reaches this address sees whether it is well, and nothing of yours.");
    }

    let (ending, ended) = watch::channel(false);
    let mut parts: JoinSet<()> = JoinSet::new();
    let front = if address.ip().is_loopback() { Front::Loopback } else { Front::Open };
    let operator = Operator::of(&config.data_dir).inspect_err(|error| {
        tracing::warn!(%error, "the operator's token cannot be kept in the \
        data directory; there is none")
    });
    let mount = Arc::new(
        Mount::new(services.clone(), front, operator.ok()).map_err(|error| system(&error))?,
    );
    parts.spawn(web(listener, mount, ended.clone()));
    for timer in clock::timers(poll).map_err(|error| system(&io::Error::other(error)))? {
        parts.spawn(timer.run(services.clone(), host.deadline(), ended.clone()));
    }
    let drain = drain::Drain::new(services.clone(), storage.clone(), host)
        .map_err(|error| system(&error))?;
    parts.spawn(drain.run(ended, GRACE));

    let greeting = async {
        greet(&services, config, output).await;
        std::future::pending().await
    };
    tokio::select! {
        () = &mut stop => {}
        () = greeting => {}
        // Each of them ends only when it is told to.
        _ = parts.join_next() => {
            return Err(Problem { code: "system".into(), message: "A part of calrelay broke off, \
            so it was stopped. Nothing was lost; start it again.".into() });
        }
    }
    output.aside(
        "Stopping as soon as the work under way has ended, in 10 s at the latest. \
    Nothing is lost either way.",
    );
    ending.send_replace(true);
    let _ = tokio::time::timeout(GRACE + CUT, async { while parts.join_next().await.is_some() {} })
        .await;
    // What is still there holds leases, and they end with it.
    parts.shutdown().await;
    storage.settle().await;
    output.aside("Stopped.");
    Ok(CommandOutcome::Done)
}

/// What there is to do. Nothing waits for it: storage may be away.
async fn greet(services: &Services, config: &Config, output: &Output) {
    let place = match config.storage {
        Choice::Embedded => config.data_dir.display().to_string(),
        Choice::Azure(_) => "the storage account of AzureWebJobsStorage".to_owned(),
    };
    let every = config.poll.as_secs();
    let pairs = match directory::pairs(services).await {
        Ok(pairs) => pairs.len(),
        Err(error) => {
            let problem = Problem::from(error);
            return output.aside(&format!(
                "{} It goes on trying every {every} s, and /health says when all is well. What it \
                remembers stands in {place}.",
                problem.message
            ));
        }
    };
    let counted = if pairs == 1 { "1 pair".to_owned() } else { format!("{pairs} pairs") };
    output.aside(&format!(
        "It looks after {counted} every {every} s; what it remembers stands in \
    {place}. Stop it with Ctrl-C."
    ));
    if pairs == 0 {
        output.aside(
            "There is nothing to do yet. In another terminal: `calrelay account add`, \
        `calrelay calendars`, `calrelay pair add`.",
        );
    }
}

async fn web(listener: TcpListener, mount: Arc<Mount>, ended: watch::Receiver<bool>) {
    let answer = move |request: Request| {
        let mount = mount.clone();
        async move { mount.answer(request).await }
    };
    accept::serve(listener, ClientLimits::public(), answer, over(ended)).await;
}

/// Resolves when everything is to end.
async fn over(mut ended: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = ended.wait_for(|ended| *ended).await;
}

fn system(error: &dyn std::error::Error) -> Problem {
    Problem {
        code: "system".into(),
        message: format!("Calrelay could not be started ({error}). Nothing was changed."),
    }
}

fn taken(listen: SocketAddr, error: &io::Error) -> Problem {
    let message = format!(
        "{listen} cannot be listened on ({error}); nothing was started. Is calrelay running \
        already? Otherwise give another address with --listen, such as 127.0.0.1:7072."
    );
    Problem { code: "address".into(), message }
}
