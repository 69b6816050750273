//! Under the Functions host: its custom handler.
//!
//! # Properties
//! * Only the loopback is listened on, at the port that the host has chosen.
//! * It listens before it asks anybody for anything: storage or a vault that is away is told by
//!   `/health`, and ends nothing. The host, which gives up after three ends in half an hour, sees a
//!   handler that is there.
//! * `POST /NAME` is an invocation by a timer or a queue. The host sends it under the function's
//!   own name; requests from outside come under their own paths, and no route of ours matches a
//!   name (`functions` tests it), so nobody outside can invoke anything.
//! * Every answer to an invocation has a body: the host would wait for ever for the result of an
//!   empty one. The status is 200, unless the message is to come back: then it is 500, and the host
//!   counts, waits and moves it to the poison queue.
//! * An invocation is given up well before the host's time-out, which would kill the process and
//!   all others in it. A kill at any moment is harmless, as every job survives the death of its
//!   process.
//! * The process ends with 0 never: the host would not start it again.

mod envelope;

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
use functions::host::Host;
use functions::trigger::{Disposition, FunctionCode};
use functions::{FUNCTIONS, Function};
use jiff::Timestamp;
use jobs::Services;
use tokio::net::TcpListener;

use self::envelope::Invocation;
use crate::accept::{self, ClientLimits, ConnectionSlot};
use crate::mount::{self, Front, Mount};
use crate::run::invoke;
use crate::stop::stop_asked;

/// "Restart me, nothing is wrong": what the host takes an end of its handler for that it did not
/// ask for.
const RESTART: u8 = 200;

/// The host's shortest time between two ticks of `poll_caldav`.
const TICK: Duration = Duration::from_secs(60);

/// The largest invocation.
const MAX_BODY: usize = 1024 * 1024;

/// What an invocation of a function needs.
struct Gateway {
    services: Arc<Services>,
    function: &'static Function,
    binding: Binding,
    deadline: Duration,
    poll: Duration,
}

/// Serves until the process ends.
///
/// # Errors
/// Where the port cannot be had, or the package's own files cannot be used.
pub async fn serve(services: Services, port: u16, poll: Duration) -> io::Result<ExitCode> {
    let services = Arc::new(services);
    let host = Host::read().map_err(io::Error::other)?;
    let mount = Arc::new(
        Mount::new(services.clone(), Front::FunctionsHost, None).map_err(io::Error::other)?,
    );
    let mut doors = HashMap::new();
    for function in
        FUNCTIONS.iter().filter(|function| !matches!(function.run, FunctionCode::Http(..)))
    {
        let binding = function.binding().map_err(io::Error::other)?;
        let door = Gateway {
            services: services.clone(),
            function,
            binding,
            deadline: host.deadline(),
            poll,
        };
        doors.insert(format!("/{}", function.name), door);
    }
    let doors = Arc::new(doors);
    let answer = move |request: Request| {
        let (doors, mount) = (doors.clone(), mount.clone());
        async move {
            match doors.get(request.uri().path()) {
                Some(door) if request.method() == Method::POST => {
                    Ok(door.invocation(request).await)
                }
                Some(_) => {
                    Ok(mount::words(StatusCode::METHOD_NOT_ALLOWED, "This is not done here.\n"))
                }
                None => mount.answer(request).await,
            }
        }
    };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    tracing::info!(port, "ready for the Functions host");
    accept::serve(listener, ClientLimits::behind_a_front(), answer, stop_asked()?).await;
    tracing::info!("stopped");
    Ok(ExitCode::from(RESTART))
}

impl Gateway {
    async fn invocation(&self, request: Request) -> Response<Body> {
        let name = self.function.name;
        let _work = request.extensions().get::<ConnectionSlot>().map(ConnectionSlot::at_work);
        let invocation = match to_bytes(request.into_body(), MAX_BODY).await {
            Ok(body) => Invocation::read(&body),
            Err(_) => Err("it is too large, or was cut off".to_owned()),
        };
        let invocation = match invocation {
            Ok(invocation) => invocation,
            Err(why) => {
                tracing::error!(function = name, %why, "this is no invocation as the Functions \
                host sends it");
                return result(StatusCode::BAD_REQUEST);
            }
        };
        let answer = match self.function.run {
            FunctionCode::Queue(run) => match invocation.message(&self.binding.name) {
                Ok(message) => invoke(name, self.deadline, run(&self.services, message)).await,
                Err(why) => {
                    tracing::error!(function = name, %why, "this is no message as the Functions \
                    host sends it");
                    Disposition::Retry
                }
            },
            FunctionCode::Poll(_) if !is_turn(self.services.clock.now(), self.poll) => {
                Disposition::Done
            }
            FunctionCode::Timer(run) | FunctionCode::Upkeep(run) | FunctionCode::Poll(run) => {
                invoke(
                    name,
                    self.deadline,
                    run(&self.services, invocation.tick(&self.binding.name)),
                )
                .await
            }
            FunctionCode::Http(..) => Disposition::Done,
        };
        result(if answer == Disposition::Done {
            StatusCode::OK
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

/// Whether a poll is due at this tick, where the cadence is longer than the ticks. Needs no memory:
/// time is cut into spans of the cadence, and the first tick in a span is its turn.
fn is_turn(now: Timestamp, poll: Duration) -> bool {
    let span = |second: i64| {
        second.div_euclid(i64::try_from(poll.max(TICK).as_secs()).unwrap_or(i64::MAX))
    };
    // Rounded to the tick that it is meant for: the host is some milliseconds late, or early.
    let tick = (now.as_second() + TICK.as_secs() as i64 / 2).div_euclid(TICK.as_secs() as i64)
        * TICK.as_secs() as i64;
    span(tick) != span(tick - TICK.as_secs() as i64)
}

/// The answer to an invocation: nothing for the host to do with, in the shape that it waits for.
fn result(status: StatusCode) -> Response<Body> {
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
            ticks.filter(|now| is_turn(*now, Duration::from_secs(poll))).count()
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
                ticks.filter(|now| is_turn(*now, Duration::from_secs(300))).count(),
                12,
                "{late}"
            );
        }
    }
}
