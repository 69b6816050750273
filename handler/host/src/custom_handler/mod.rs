//! The custom handler of the Functions host.
//!
//! # Properties
//! * It listens on the loopback only, at the port that the host has chosen.
//! * It listens before it sends any request: if storage or the vault is unreachable, `/health`
//!   reports it and the process goes on. The host gives up on a handler that ends three times in
//!   half an hour.
//! * `POST /NAME` is an invocation by a timer or a queue. The host sends it under the function's
//!   name; external requests come under their own paths, and no route matches a name (tested in
//!   `functions`), so no external request is an invocation.
//! * Every answer to an invocation has a body: with an empty one the host would wait without end.
//!   The status is 200, unless the message has to be repeated: then it is 500, and the host counts,
//!   waits and moves the message to the poison queue.
//! * An invocation is cancelled well before the host's time-out, which would kill the process with
//!   all other invocations. A kill at any moment is harmless, since every job survives the death of
//!   its process.
//! * The exit status is never 0: the host would not start the process again.

mod invocation;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use functions::binding::Binding;
use functions::host_json::HostSettings;
use functions::trigger::{Disposition, FunctionCode};
use functions::{FUNCTIONS, Function};
use jiff::Timestamp;
use jobs::Services;
use tokio::net::TcpListener;

use self::invocation::Invocation;
use crate::accept::{self, ClientLimits, ConnectionSlot};
use crate::ingress::Ingress;
use crate::invoke::invoke;
use crate::routes::{self, Routes};
use crate::shutdown::shutdown_signal;

/// The exit status after which the host restarts the handler without counting a failure.
const RESTART: u8 = 200;

/// The host's shortest time between two ticks of `poll_caldav`.
const TIMER_INTERVAL: Duration = Duration::from_secs(60);

/// The largest invocation.
const MAX_BODY: usize = 1024 * 1024;

/// Handles the invocations of one function.
struct InvocationHandler {
    services: Arc<Services>,
    function: &'static Function,
    binding: Binding,
    deadline: Duration,
    poll: Duration,
}

/// Serves until the process ends.
///
/// # Errors
/// If the port is not available, or a file of the package cannot be used.
pub async fn serve(services: Services, port: u16, poll: Duration) -> io::Result<ExitCode> {
    let services = Arc::new(services);
    let host = HostSettings::read().map_err(io::Error::other)?;
    let mount = Arc::new(
        Routes::new(services.clone(), Ingress::FunctionsHost, None).map_err(io::Error::other)?,
    );
    let mut handlers = HashMap::new();
    for function in FUNCTIONS.iter().filter(|function| !function.run.is_http()) {
        let binding = function.binding().map_err(io::Error::other)?;
        let handler = InvocationHandler {
            services: services.clone(),
            function,
            binding,
            deadline: host.deadline(),
            poll,
        };
        handlers.insert(format!("/{}", function.name), handler);
    }
    let handlers = Arc::new(handlers);
    let answer = move |request: Request| {
        let (handlers, mount) = (handlers.clone(), mount.clone());
        async move {
            match handlers.get(request.uri().path()) {
                Some(handler) if request.method() == Method::POST => {
                    Ok(handler.handle(request).await)
                }
                Some(_) => Ok(routes::text_response(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "This is not done here.\n",
                )),
                None => mount.answer(request).await,
            }
        }
    };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    tracing::info!(port, "ready for the Functions host");
    accept::serve(listener, ClientLimits::behind_proxy(), answer, shutdown_signal()?).await;
    tracing::info!("stopped");
    Ok(ExitCode::from(RESTART))
}

impl InvocationHandler {
    async fn handle(&self, request: Request) -> Response<Body> {
        let name = self.function.name;
        let _work = request.extensions().get::<ConnectionSlot>().map(ConnectionSlot::begin_request);
        let invocation = match to_bytes(request.into_body(), MAX_BODY).await {
            Ok(body) => Invocation::read(&body),
            Err(_) => Err("it is too large, or was cut off".to_owned()),
        };
        let invocation = match invocation {
            Ok(invocation) => invocation,
            Err(why) => {
                tracing::error!(function = name, %why, "this is not an invocation of the \
                Functions host");
                return invocation_reply(StatusCode::BAD_REQUEST);
            }
        };
        let answer = match self.function.run {
            FunctionCode::Queue(run) => match invocation.message(&self.binding.name) {
                Ok(message) => invoke(name, self.deadline, run(&self.services, message)).await,
                Err(why) => {
                    tracing::error!(function = name, %why, "this is not a message of the \
                    Functions host");
                    Disposition::Retry
                }
            },
            FunctionCode::Poll(_) if !is_poll_due(self.services.clock.now(), self.poll) => {
                Disposition::Done
            }
            FunctionCode::Timer(run)
            | FunctionCode::TimerAtStart(run)
            | FunctionCode::Poll(run) => {
                invoke(
                    name,
                    self.deadline,
                    run(&self.services, invocation.tick(&self.binding.name)),
                )
                .await
            }
            FunctionCode::Http(..) | FunctionCode::Router(..) => Disposition::Done,
        };
        invocation_reply(if answer == Disposition::Done {
            StatusCode::OK
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

/// Whether a poll is due at this tick, if the polling interval is longer than the interval of
/// ticks. It needs no state: time is divided into polling intervals, and the first tick of each one
/// polls.
fn is_poll_due(now: Timestamp, poll: Duration) -> bool {
    let span = |second: i64| {
        second.div_euclid(i64::try_from(poll.max(TIMER_INTERVAL).as_secs()).unwrap_or(i64::MAX))
    };
    // Rounded to the planned tick: the host is some milliseconds late or early.
    let tick = (now.as_second() + TIMER_INTERVAL.as_secs() as i64 / 2)
        .div_euclid(TIMER_INTERVAL.as_secs() as i64)
        * TIMER_INTERVAL.as_secs() as i64;
    span(tick) != span(tick - TIMER_INTERVAL.as_secs() as i64)
}

/// The answer to an invocation: empty outputs, in the form that the host expects.
fn invocation_reply(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(r#"{"Outputs":{},"Logs":[]}"#));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_has_its_turn_once_in_its_cadence() {
        let turns = |poll: u64| {
            let ticks =
                (0..120).map(|minute| Timestamp::from_second(1_800_000_000 + minute * 60).unwrap());
            ticks.filter(|now| is_poll_due(*now, Duration::from_secs(poll))).count()
        };
        assert_eq!(
            (turns(1), turns(60), turns(120), turns(300), turns(3600)),
            (120, 120, 60, 24, 2)
        );
        assert_eq!(turns(90), 80, "two ticks of three");
    }

    #[test]
    fn a_host_that_is_a_little_early_or_late_misses_no_turn() {
        for late in [-400, 0, 900, 20_000] {
            let ticks = (0..60).map(|minute| {
                Timestamp::from_millisecond(1_800_000_000_000 + minute * 60_000 + late).unwrap()
            });
            assert_eq!(
                ticks.filter(|now| is_poll_due(*now, Duration::from_secs(300))).count(),
                12,
                "{late}"
            );
        }
    }
}
