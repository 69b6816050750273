//! `account add google`: consent in the browser, answered on a port of our own (RFC 8252 section 7.3), or a grant that exists already.
//!
//! # Properties
//! * Only the loopback is listened on, at a port that the system chooses, and only while somebody is waited for: five minutes at most.
//! * One answer is taken, and only with the state that this question was sent away with. Another one ends the waiting: somebody interferes.
//! * The page that the person sees says how it ended, and nothing of what was sent.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use engine::calendar::ProviderKind;
use functions::page::{Way, failed, page};
use functions::trigger::Response;
use jobs::consent::{self, Answer, Asked, Token};
use jobs::directory::Account;
use jobs::report::Problem;
use jobs::{Error, Services};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::{Output, Result, browser};
use crate::mount::{respond, words};
use crate::stop::stop_asked;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a browser may take to fetch the last page.
const GRACE: Duration = Duration::from_secs(2);
/// Where the answer comes to: the same path as under both hosts.
const PATH: &str = "/oauth/google/callback";

/// What is said wherever nothing came of it.
pub const KEPT: &str = "Nothing was stored; if the account was connected before, it stays as it was.";

/// An answer that has come, and where to say how it ended.
type Arrived = (String, oneshot::Sender<Response>);

/// Asks the person at this machine, and connects the account.
///
/// # Errors
/// Where nobody answers, the answer is no, or not ours, or the provider refuses it.
pub async fn ask(services: &Services, kind: ProviderKind, output: &Output) -> Result<Account> {
    let consents = services.connect.consents(kind).map_err(problem)?;
    let mut stop = pin!(stop_asked().map_err(|error| unheard(&error))?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| unheard(&error))?;
    let address = listener.local_addr().map_err(|error| unheard(&error))?;
    let redirect = Url::parse(&format!("http://{address}{PATH}")).expect("an address of ours");
    let state = Token::random().map_err(|error| Problem::keeping(&error, KEPT))?;
    let Asked { url, verifier } = consents.ask(&redirect, state.expose()).map_err(problem)?;

    let (send, mut arrived) = mpsc::channel::<Arrived>(1);
    let (end, ended) = oneshot::channel::<()>();
    let host = address.to_string();
    let router = Router::new().fallback(move |request: Request| door(request, host.clone(), send.clone()));
    let serving = tokio::spawn(async move {
        let over = async { drop(ended.await) };
        axum::serve(listener, router).with_graceful_shutdown(over).await
    });

    output.aside(&format!("Give your consent on this page, in a browser on this machine, within five minutes:\n\n{url}\n"));
    output.aside("If no browser opens by itself, open it yourself. Ctrl-C stops waiting.");
    browser::open(&url);
    let outcome = tokio::select! {
        arrival = arrived.recv() => match arrival {
            Some((query, reply)) => {
                let outcome = finish(services, kind, &state, &query, &redirect, &verifier).await;
                let _ = reply.send(last_page(&outcome));
                outcome.map_err(Ended::problem)
            }
            None => Err(unheard(&std::io::ErrorKind::BrokenPipe.into())),
        },
        () = tokio::time::sleep(PATIENCE) => Err(nobody("Nobody answered within five minutes.")),
        () = &mut stop => Err(nobody("It was stopped before an answer came.")),
    };
    drop(end);
    let _ = tokio::time::timeout(GRACE, serving).await;
    outcome
}

/// How it ended where no account was connected.
enum Ended {
    NotOurs,
    Failed(Error),
}

impl Ended {
    fn problem(self) -> Problem {
        match self {
            Self::NotOurs => {
                let message = format!(
                    "An answer came that does not belong to the question, so somebody or something else is calling this port; it was not used. {KEPT} \
                     Run the command again."
                );
                Problem { code: "consent".into(), message }
            }
            Self::Failed(error) => Problem::keeping(&error, KEPT),
        }
    }
}

async fn finish(
    services: &Services,
    kind: ProviderKind,
    state: &Token,
    query: &str,
    redirect: &Url,
    verifier: &secrecy::SecretString,
) -> std::result::Result<Account, Ended> {
    let answer = Answer::parse(query);
    if !answer.state().is_some_and(|given| given.has_hash(&state.hash())) {
        return Err(Ended::NotOurs);
    }
    let code = answer.code().map_err(Ended::Failed)?;
    consent::redeem(services, kind, redirect, code, verifier).await.map_err(Ended::Failed)
}

fn last_page(outcome: &std::result::Result<Account, Ended>) -> Response {
    match outcome {
        Ok(_) => page(StatusCode::OK, "Your account is connected", &["You can close this page, and go on where you typed the command."]),
        Err(Ended::NotOurs) => page(
            StatusCode::BAD_REQUEST,
            "This answer cannot be used",
            &["It does not belong to the question that was asked. Nothing was connected. Run the command again."],
        ),
        Err(Ended::Failed(error)) => failed(error, Way::Nowhere),
    }
}

/// The port's one door: everything but the first answer is turned away.
async fn door(request: Request, host: String, send: mpsc::Sender<Arrived>) -> axum::response::Response {
    let for_us = request.headers().get(header::HOST).is_some_and(|given| given.as_bytes() == host.as_bytes());
    if request.method() != Method::GET || request.uri().path() != PATH || !for_us {
        return words(StatusCode::NOT_FOUND, "There is nothing here.\n");
    }
    let (reply, answer) = oneshot::channel();
    let query = request.uri().query().unwrap_or_default().to_owned();
    // Full, or closed: the first answer is being dealt with.
    if send.try_send((query, reply)).is_err() {
        return words(StatusCode::GONE, "An answer has come already.\n");
    }
    match answer.await {
        Ok(page) => respond(page, false),
        Err(_) => words(StatusCode::GONE, "An answer has come already.\n"),
    }
}

fn problem(error: providers::Error) -> Problem {
    Problem::keeping(&Error::Provider(error), KEPT)
}

fn nobody(what: &str) -> Problem {
    Problem { code: "consent".into(), message: format!("{what} {KEPT} Run the command again when you are ready.") }
}

fn unheard(error: &std::io::Error) -> Problem {
    let message = format!(
        "This machine gives no port on which the answer could come ({error}). {KEPT} A grant that exists already can be given with --refresh-token-stdin."
    );
    Problem { code: "address".into(), message }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn knock(method: &str, path: &str, host: &str, send: &mpsc::Sender<Arrived>) -> StatusCode {
        let request = Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap();
        door(request, "127.0.0.1:4711".into(), send.clone()).await.status()
    }

    #[tokio::test]
    async fn one_answer_is_let_in_by_its_own_name() {
        let (send, mut arrived) = mpsc::channel::<Arrived>(1);
        for (method, path, host) in [
            ("GET", "/", "127.0.0.1:4711"),
            ("POST", PATH, "127.0.0.1:4711"),
            ("GET", PATH, "calendar.example.org:4711"),
            ("GET", PATH, "localhost:4711"),
            ("GET", "/oauth/google/callback/", "127.0.0.1:4711"),
        ] {
            assert_eq!(knock(method, path, host, &send).await, StatusCode::NOT_FOUND, "{method} {path} {host}");
        }
        let first = tokio::spawn({
            let send = send.clone();
            async move { knock("GET", "/oauth/google/callback?code=x", "127.0.0.1:4711", &send).await }
        });
        let (query, reply) = arrived.recv().await.unwrap();
        assert_eq!(query, "code=x");
        reply.send(page(StatusCode::OK, "x", &[])).unwrap();
        assert_eq!(first.await.unwrap(), StatusCode::OK);
        drop(arrived);
        assert_eq!(knock("GET", PATH, "127.0.0.1:4711", &send).await, StatusCode::GONE);
    }
}
