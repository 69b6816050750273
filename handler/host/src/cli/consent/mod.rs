//! Consent in the browser, answered on a loopback port of the command (RFC 8252 section 7.3).
//!
//! # Properties
//! * It listens on the loopback only, at a port that the system chooses, for at most five minutes.
//!   Where the provider accepts only the name `localhost`, the port of the other loopback address
//!   is kept too.
//! * The browser first opens a page of this port, which sets a cookie and redirects to the
//!   provider. The provider's URL, with the state in it, is in no list of processes, and an answer
//!   without the cookie is not accepted: another user of this machine who reads the list cannot
//!   answer instead.
//! * Only one browser may open that page. A second one ends the waiting, since one of the two may
//!   be another user's. The page has two URLs: the one in the terminal works for every reader of
//!   the terminal; the one that the browser is started with is in the list of processes, and does
//!   not work for another user, if the system shows the owner of a connection.
//! * One answer is accepted, and only with the state of this request. Any other answer ends the
//!   waiting.
//! * The last page shows the outcome, and nothing of what was sent.

mod callback_server;
mod socket_owner;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use engine::provider::ProviderKind;
use functions::page::{NextStep, page};
use functions::refusal_page::{Reader, consent_refused};
use functions::trigger::Response;
use jobs::ConsentRequest;
use jobs::Error;
use jobs::Scope;
use jobs::Token;
use jobs::consent;
use jobs::consent::{AuthorizationResponse, WayOn};
use records::account::Account;
use records::problem::Problem;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use self::callback_server::{CallbackEvent, CallbackServer, authority};
use super::browser;
use super::outcome::Result;
use super::provider_words::before_consent;
use crate::accept::{self, ClientLimits};
use crate::shutdown::shutdown_signal;
use crate::terminal::Output;

/// How long the command waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long the command waits for the browser to fetch the last page.
const LAST_PAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// What was kept safe, for every failure.
pub const KEPT: &str =
    "Nothing was stored; if the account was connected before, it stays as it was.";

/// Asks for consent in a browser on this machine, and connects the account.
///
/// # Errors
/// If no answer comes, consent is refused, the answer does not belong to this request, or the
/// provider rejects it.
pub async fn ask(scope: &Scope, kind: ProviderKind, output: &Output) -> Result<Account> {
    scope.connect.consents(kind).map_err(problem)?;
    let mut stop = pin!(shutdown_signal().map_err(|error| no_port(&error))?);
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| no_port(&error))?;
    let address = listener.local_addr().map_err(|error| no_port(&error))?;
    let _reserved = reserve_other_loopback(kind, address).map_err(|error| no_port(&error))?;
    let (own, callback) = (authority(kind, address), functions::callback_path(kind));
    let redirect = Url::parse(&format!("http://{own}{callback}")).expect("a literal URL");
    let state = Token::random().map_err(|error| jobs::problem_of_consent(&error, KEPT))?;
    let ConsentRequest { url, verifier } = consent::request(scope, kind, &redirect, state.expose())
        .await
        .map_err(|error| jobs::problem_of_consent(&error, KEPT))?;

    let (send, mut arrived) = mpsc::channel::<CallbackEvent>(1);
    let (end, ended) = oneshot::channel::<()>();
    let server = CallbackServer::new(address, url, send)
        .map_err(|error| jobs::problem_of_consent(&error, KEPT))?
        .for_provider(kind);
    let [page, handed] = [server.terminal_url(), server.browser_url()];
    let server = Arc::new(server);
    let answer = move |request: Request| {
        let server = server.clone();
        async move { Ok(server.answer(request).await) }
    };
    let serving = tokio::spawn(accept::serve(listener, ClientLimits::public(), answer, async {
        drop(ended.await)
    }));

    if let Some(words) = before_consent(kind) {
        output.note(words);
    }
    output.note(&format!(
        "Give your consent on this page, in a browser on this machine, within \
    five minutes:\n\n{page}\n"
    ));
    output.note("If no browser opens by itself, open it yourself. Ctrl-C stops waiting.");
    browser::open(&handed);
    let of = (kind, Reader::operator(scope, kind));
    let outcome = tokio::select! {
        arrival = arrived.recv() => match arrival {
            Some(CallbackEvent::Answer(query, reply)) => {
                let outcome = finish(scope, kind, &state, &query, &redirect, &verifier).await;
                let way = match &outcome {
                    Err(ConsentFailure::Failed(error)) => {
                        consent::way_on(scope, kind, redirect.as_str(), error).await
                    }
                    _ => WayOn::Again,
                };
                let _ = reply.send(last_page(&outcome, &way, of));
                outcome.map_err(|failure| with_link(failure.problem(), &way))
            }
            Some(CallbackEvent::OtherBrowser(reply)) => {
                let _ = reply.send(last_page(&Err(ConsentFailure::Unknown), &WayOn::Again, of));
                Err(ConsentFailure::Unknown.problem())
            }
            Some(CallbackEvent::OpenedTwice(reply)) => {
                let _ = reply.send(last_page(&Err(ConsentFailure::Twice), &WayOn::Again, of));
                Err(ConsentFailure::Twice.problem())
            }
            None => Err(no_port(&std::io::ErrorKind::BrokenPipe.into())),
        },
        () = tokio::time::sleep(ANSWER_TIMEOUT) => Err(not_answered("No answer came within five \
        minutes.")),
        () = &mut stop => Err(not_answered("The command was stopped before an answer came.")),
    };
    drop(end);
    let _ = tokio::time::timeout(LAST_PAGE_TIMEOUT, serving).await;
    outcome
}

/// Why no account was connected.
enum ConsentFailure {
    Unknown,
    /// Two browsers opened the page.
    Twice,
    Failed(Error),
}

impl ConsentFailure {
    fn problem(self) -> Problem {
        match self {
            Self::Unknown => {
                let message = format!(
                    "An answer came that does not belong to this request, so another program is \
                    calling this port; it was not used. {KEPT} \
                     Run the command again."
                );
                Problem { code: "consent".into(), message }
            }
            Self::Twice => {
                let message = format!(
                    "Two browsers have opened the page, and one of them may be another user's of \
                    this machine; no further answer is accepted. {KEPT} Run the \
                     command again, and open the page in one browser only."
                );
                Problem { code: "consent".into(), message }
            }
            Self::Failed(error) => jobs::problem_of_consent(&error, KEPT),
        }
    }
}

async fn finish(
    scope: &Scope,
    kind: ProviderKind,
    state: &Token,
    query: &str,
    redirect: &Url,
    verifier: &secrecy::SecretString,
) -> std::result::Result<Account, ConsentFailure> {
    let answer = AuthorizationResponse::parse(query);
    if !answer.state().is_some_and(|given| given.has_hash(&state.hash())) {
        return Err(ConsentFailure::Unknown);
    }
    let code = consent::code(scope, kind, &answer).map_err(ConsentFailure::Failed)?;
    consent::redeem(scope, kind, redirect, code, verifier).await.map_err(ConsentFailure::Failed)
}

fn last_page(
    outcome: &std::result::Result<Account, ConsentFailure>,
    way: &WayOn,
    of: (ProviderKind, Reader<'_>),
) -> Response {
    match outcome {
        Ok(_) => page(
            StatusCode::OK,
            "Your account is connected",
            &["You can close this page, and go on where you typed the command."],
        ),
        Err(ConsentFailure::Unknown) => page(
            StatusCode::BAD_REQUEST,
            "This answer cannot be used",
            &["It does not belong to the request of the command. Nothing was connected. Run \
                the command again."],
        ),
        Err(ConsentFailure::Twice) => page(
            StatusCode::GONE,
            "This page was opened in another browser",
            &["It works in one browser only. Nothing was connected. Run the command again, \
                and open its page once."],
        ),
        Err(ConsentFailure::Failed(error)) => consent_refused(error, way, NextStep::Nowhere, of),
    }
}

/// The problem with the link for an administrator, where one helps.
fn with_link(problem: Problem, way: &WayOn) -> Problem {
    let Some(link) = way.link() else { return problem };
    let message = format!(
        "{} Link for your administrator (the page that opens last may not be found; that does not \
        matter): {link}",
        problem.message
    );
    Problem { message, ..problem }
}

/// Keeps the port of the other loopback address for this program, where browsers may try that one
/// first because the URL has the name `localhost`. No program listens there: they go on to
/// `address`, and no other user of this machine can answer in its place.
fn reserve_other_loopback(
    kind: ProviderKind,
    address: SocketAddr,
) -> std::io::Result<Option<TcpSocket>> {
    if authority(kind, address) == address.to_string() {
        return Ok(None);
    }
    // A machine without IPv6 needs no reservation.
    let Ok(socket) = TcpSocket::new_v6() else { return Ok(None) };
    match socket.bind((Ipv6Addr::LOCALHOST, address.port()).into()) {
        Ok(()) => Ok(Some(socket)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(None),
    }
}

fn problem(error: providers::Error) -> Problem {
    jobs::problem_of_consent(&Error::Provider(error), KEPT)
}

fn not_answered(what: &str) -> Problem {
    Problem {
        code: "consent".into(),
        message: format!("{what} {KEPT} Run the command again when you are ready."),
    }
}

fn no_port(error: &std::io::Error) -> Problem {
    let message = format!(
        "This machine has no free port for the answer ({error}). {KEPT} An existing grant can be \
        passed with --refresh-token-stdin."
    );
    Problem { code: "address".into(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_gets_the_port_of_the_other_loopback_address() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(reserve_other_loopback(ProviderKind::Google, address).unwrap().is_none());
        let Some(reserved) = reserve_other_loopback(ProviderKind::Microsoft, address).unwrap()
        else {
            return; // no IPv6 on this machine
        };
        let other = (Ipv6Addr::LOCALHOST, address.port());
        assert!(std::net::TcpListener::bind(other).is_err());
        assert!(tokio::net::TcpStream::connect(other).await.is_err(), "browsers go on");
        assert!(reserve_other_loopback(ProviderKind::Microsoft, address).is_err());
        drop(reserved);
        assert!(std::net::TcpListener::bind(other).is_ok());
    }

    #[test]
    fn the_link_for_an_administrator_follows_the_problem() {
        let problem = || Problem { code: "consent".into(), message: "No.".into() };
        let link = Some("https://login.example.org/x".to_owned());
        let declined = WayOn::Declined { link: link.clone() };
        for way in [WayOn::AskAdministrator { link }, declined] {
            let with = with_link(problem(), &way);
            assert!(with.message.starts_with("No. Link") && with.message.ends_with("org/x"));
        }
        for way in [WayOn::Again, WayOn::AskAdministrator { link: None }, WayOn::Later] {
            assert_eq!(with_link(problem(), &way).message, "No.");
        }
    }
}
