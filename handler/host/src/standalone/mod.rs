//! `calrelay` without a command: the functions with timers, a queue loop and a port of this
//! process, instead of those of the Functions host.
//!
//! # Properties
//! * Routes, schedules and queues come from `function.json`, retries and the size of batches from
//!   `host.json`.
//! * A nudge of this process is processed at once, and one of another process within
//!   `maxPollingInterval`.
//! * It listens before it sends a request to storage in Azure; if that is unreachable, `/health`
//!   says so, and work starts when it is back.
//! * A stop gives running work time to finish. Cutting it off is safe too, since every job survives
//!   the death of its process.

mod queue_loop;
mod timers;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use functions::host_json::HostSettings;
use jobs::Services;
use records::problem::Problem;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accept::{self, ClientLimits};
use crate::config::Config;
use crate::config::storage::StorageSettings;
use crate::ingress::Ingress;
use crate::operator::OperatorToken;
use crate::routes::Routes;
use crate::shutdown::{self, shutdown_signal};
use crate::storage::Storage;
use crate::terminal::Output;

/// The default address.
pub const LISTEN: &str = "127.0.0.1:7071";

/// How long a stop waits for running work.
const GRACE: Duration = Duration::from_secs(10);

/// How long a stop waits for aborted work after that.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

/// The parameters of [`serve`].
pub struct Standalone<'a> {
    /// The services of the functions.
    pub services: Services,
    /// The storage of the services, which notifies of new messages.
    pub storage: Storage,
    /// The settings.
    pub config: &'a Config,
    /// The address.
    pub listen: SocketAddr,
}

/// Serves until it is stopped.
///
/// # Errors
/// If the address is not available, or the signals of a stop cannot be handled.
pub async fn serve(this: Standalone<'_>, output: &Output) -> Result<(), Problem> {
    let Standalone { services, storage, config, listen } = this;
    let poll = config.poll;
    let services = Arc::new(services);
    let host = HostSettings::read().map_err(|error| system_problem(&error))?;
    let mut stop = pin!(shutdown_signal().map_err(|error| system_problem(&error))?);
    let listener =
        TcpListener::bind(listen).await.map_err(|error| address_in_use(listen, &error))?;
    let address = listener.local_addr().map_err(|error| system_problem(&error))?;
    output.line(&format!("Calrelay is at http://{address}"));
    if config.google.client.is_some() && config.public_url.is_none() {
        output.note(
            "CALRELAY_PUBLIC_URL is not set, so Google cannot send notifications: changes are \
            found once a night, and by `calrelay sync`. Set it to the \
             address (https://…) under which this calrelay is reached from outside.",
        );
    }
    if !address.ip().is_loopback() {
        output.note(
            "Clients that reach this address see whether calrelay is well, and none of your data.",
        );
    }

    let (ending, ended) = watch::channel(false);
    let mut parts: JoinSet<()> = JoinSet::new();
    let front = if address.ip().is_loopback() { Ingress::Loopback } else { Ingress::Open };
    let operator = OperatorToken::load_or_create(&config.data_dir).inspect_err(|error| {
        tracing::warn!(%error, "the operator's token cannot be stored in the data directory; \
        no token gives access")
    });
    let mount = Arc::new(
        Routes::new(services.clone(), front, operator.ok())
            .map_err(|error| system_problem(&error))?,
    );
    parts.spawn(serve_http(listener, mount, ended.clone()));
    for timer in timers::timers(poll).map_err(|error| system_problem(&io::Error::other(error)))? {
        parts.spawn(timer.run(services.clone(), host.deadline(), ended.clone()));
    }
    let drain = queue_loop::QueueLoop::new(services.clone(), storage.clone(), host)
        .map_err(|error| system_problem(&error))?;
    parts.spawn(drain.run(ended, GRACE));

    let greeting = async {
        report_state(&services, config, output).await;
        std::future::pending().await
    };
    tokio::select! {
        () = &mut stop => {}
        () = greeting => {}
        // Each part ends only after `ending` was sent.
        _ = parts.join_next() => {
            return Err(Problem { code: "system".into(), message: "A part of calrelay broke off, \
            so it was stopped. Nothing was lost; start it again.".into() });
        }
    }
    output.note(
        "Stopping when the running work has ended, in 10 s at the latest. Nothing is lost in \
        either case.",
    );
    ending.send_replace(true);
    let _ = tokio::time::timeout(GRACE + ABORT_TIMEOUT, async {
        while parts.join_next().await.is_some() {}
    })
    .await;
    // Aborting the remaining parts ends their leases.
    parts.shutdown().await;
    storage.settle().await;
    output.note("Stopped.");
    Ok(())
}

/// Prints what the service does. Serving does not wait for this: storage may be unreachable.
async fn report_state(services: &Services, config: &Config, output: &Output) {
    let place = match config.storage {
        StorageSettings::Embedded => config.data_dir.display().to_string(),
        StorageSettings::Azure(_) => "the storage account of AzureWebJobsStorage".to_owned(),
    };
    let every = config.poll.as_secs();
    let pairs = match services.local().directory().pairs().await {
        Ok(pairs) => pairs.len(),
        Err(error) => {
            let problem = Problem::from(jobs::Error::from(error));
            return output.note(&format!(
                "{} It tries again every {every} s, and /health shows when it works. Its data are \
                in {place}.",
                problem.message
            ));
        }
    };
    let counted = if pairs == 1 { "1 pair".to_owned() } else { format!("{pairs} pairs") };
    output.note(&format!(
        "It syncs {counted} every {every} s; its data are in {place}. Stop it with Ctrl-C."
    ));
    if pairs == 0 {
        output.note(
            "There is nothing to do yet. In another terminal: `calrelay account add`, \
        `calrelay calendars`, `calrelay pair add`.",
        );
    }
}

async fn serve_http(listener: TcpListener, mount: Arc<Routes>, ended: watch::Receiver<bool>) {
    let answer = move |request: Request| {
        let mount = mount.clone();
        async move { mount.answer(request).await }
    };
    accept::serve(listener, ClientLimits::public(), answer, shutdown::until_ended(ended)).await;
}

fn system_problem(error: &dyn std::error::Error) -> Problem {
    Problem {
        code: "system".into(),
        message: format!("Calrelay could not be started ({error}). Nothing was changed."),
    }
}

fn address_in_use(listen: SocketAddr, error: &io::Error) -> Problem {
    let message = format!(
        "{listen} cannot be listened on ({error}); nothing was started. Is calrelay running \
        already? Otherwise give another address with --listen, such as 127.0.0.1:7072."
    );
    Problem { code: "address".into(), message }
}
