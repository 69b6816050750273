//! `account add google`: consent in the browser, answered on a port of our own (RFC 8252 section
//! 7.3), or a grant that exists already.
//!
//! # Properties
//! * Only the loopback is listened on, at a port that the system chooses, and only while somebody
//!   is waited for: five minutes at most.
//! * The browser is sent to a page of this port first, which sets a cookie and leads on to the
//!   provider. The provider's address, with the state in it, is in no list of processes, and an
//!   answer without the cookie is not taken: another user of this machine who reads the list cannot
//!   answer in the place of this one.
//! * That page is given to one browser. A second one ends the waiting, as one of the two may be
//!   somebody else's. It has two addresses: the one that is shown opens it for every reader of the
//!   terminal; the one that a browser is started with is in the list of processes, and does not
//!   open it for another user, where the system tells whose a connection is.
//! * One answer is taken, and only with the state that this question was sent away with. Another
//!   one ends the waiting: somebody interferes.
//! * The page that the person sees says how it ended, and nothing of what was sent.

mod door;
mod peer;

use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use engine::provider::ProviderKind;
use functions::page::{NextStep, failed, page};
use functions::trigger::Response;
use jobs::consent::{self, AuthorizationResponse, ConsentRequest, Token};
use jobs::directory::Account;
use jobs::report::Problem;
use jobs::{Error, Services};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use self::door::{Arrival, CALLBACK, CallbackServer};
use super::{Output, Result, browser};
use crate::accept::{self, ClientLimits};
use crate::stop::stop_asked;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a browser may take to fetch the last page.
const GRACE: Duration = Duration::from_secs(2);

/// What is said wherever nothing came of it.
pub const KEPT: &str =
    "Nothing was stored; if the account was connected before, it stays as it was.";

/// Asks the person at this machine, and connects the account.
///
/// # Errors
/// Where nobody answers, the answer is no, or not ours, or the provider refuses it.
pub async fn ask(services: &Services, kind: ProviderKind, output: &Output) -> Result<Account> {
    let consents = services.connect.consents(kind).map_err(problem)?;
    let mut stop = pin!(stop_asked().map_err(|error| unheard(&error))?);
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| unheard(&error))?;
    let address = listener.local_addr().map_err(|error| unheard(&error))?;
    let redirect = Url::parse(&format!("http://{address}{CALLBACK}")).expect("an address of ours");
    let state = Token::random().map_err(|error| Problem::keeping(&error, KEPT))?;
    let ConsentRequest { url, verifier } =
        consents.ask(&redirect, state.expose()).map_err(problem)?;

    let (send, mut arrived) = mpsc::channel::<Arrival>(1);
    let (end, ended) = oneshot::channel::<()>();
    let door =
        CallbackServer::new(address, url, send).map_err(|error| Problem::keeping(&error, KEPT))?;
    let [page, handed] = [door.shown(), door.handed()];
    let door = Arc::new(door);
    let answer = move |request: Request| {
        let door = door.clone();
        async move { Ok(door.answer(request).await) }
    };
    let serving = tokio::spawn(accept::serve(listener, ClientLimits::public(), answer, async {
        drop(ended.await)
    }));

    output.aside(&format!(
        "Give your consent on this page, in a browser on this machine, within \
    five minutes:\n\n{page}\n"
    ));
    output.aside("If no browser opens by itself, open it yourself. Ctrl-C stops waiting.");
    browser::open(&handed);
    let outcome = tokio::select! {
        arrival = arrived.recv() => match arrival {
            Some(Arrival::Answer(query, reply)) => {
                let outcome = finish(services, kind, &state, &query, &redirect, &verifier).await;
                let _ = reply.send(last_page(&outcome));
                outcome.map_err(ConsentFailure::problem)
            }
            Some(Arrival::Stranger(reply)) => {
                let _ = reply.send(last_page(&Err(ConsentFailure::NotOurs)));
                Err(ConsentFailure::NotOurs.problem())
            }
            Some(Arrival::Twice(reply)) => {
                let _ = reply.send(last_page(&Err(ConsentFailure::Twice)));
                Err(ConsentFailure::Twice.problem())
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
enum ConsentFailure {
    NotOurs,
    /// Two browsers have opened the page.
    Twice,
    Failed(Error),
}

impl ConsentFailure {
    fn problem(self) -> Problem {
        match self {
            Self::NotOurs => {
                let message = format!(
                    "An answer came that does not belong to the question, so somebody or \
                    something else is calling this port; it was not used. {KEPT} \
                     Run the command again."
                );
                Problem { code: "consent".into(), message }
            }
            Self::Twice => {
                let message = format!(
                    "Two browsers have opened the page, and one of them may be another user's of \
                    this machine; no answer is taken any more. {KEPT} Run the \
                     command again, and open the page in one browser only."
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
) -> std::result::Result<Account, ConsentFailure> {
    let answer = AuthorizationResponse::parse(query);
    if !answer.state().is_some_and(|given| given.has_hash(&state.hash())) {
        return Err(ConsentFailure::NotOurs);
    }
    let code = answer.code().map_err(ConsentFailure::Failed)?;
    consent::redeem(services, kind, redirect, code, verifier).await.map_err(ConsentFailure::Failed)
}

fn last_page(outcome: &std::result::Result<Account, ConsentFailure>) -> Response {
    match outcome {
        Ok(_) => page(
            StatusCode::OK,
            "Your account is connected",
            &["You can close this page, and go on where you typed the command."],
        ),
        Err(ConsentFailure::NotOurs) => page(
            StatusCode::BAD_REQUEST,
            "This answer cannot be used",
            &["It does not belong to the question that was asked. Nothing was connected. Run \
                the command again."],
        ),
        Err(ConsentFailure::Twice) => page(
            StatusCode::GONE,
            "This page was opened in another browser",
            &["It is given to one browser only. Nothing was connected. Run the command again, \
                and open its page once."],
        ),
        Err(ConsentFailure::Failed(error)) => failed(error, NextStep::Nowhere),
    }
}

fn problem(error: providers::Error) -> Problem {
    Problem::keeping(&Error::Provider(error), KEPT)
}

fn nobody(what: &str) -> Problem {
    Problem {
        code: "consent".into(),
        message: format!("{what} {KEPT} Run the command again when you are ready."),
    }
}

fn unheard(error: &std::io::Error) -> Problem {
    let message = format!(
        "This machine gives no port on which the answer could come ({error}). {KEPT} A grant that \
        exists already can be given with --refresh-token-stdin."
    );
    Problem { code: "address".into(), message }
}
