//! The two pages of a command's port: one that sends a browser on to the provider, with a cookie,
//! and one that takes the answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use functions::cookie::{self, Origin};
use functions::{page, trigger};
use jobs::Result;
use jobs::consent::{Token, ticket};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::peer;
use crate::mount::{respond, words};

/// Where the answer comes to: the same path as under both hosts.
pub const CALLBACK: &str = "/oauth/google/callback";

/// The page that is opened first.
pub const START: &str = functions::CONNECT;

/// Who has come, and where to say how it ended.
pub enum Arrival {
    /// The browser that was sent away, with the query of its answer.
    Answer(String, oneshot::Sender<trigger::Response>),
    /// An answer from another browser.
    Stranger(oneshot::Sender<trigger::Response>),
    /// Another browser opens the first page.
    Twice(oneshot::Sender<trigger::Response>),
}

/// What the port knows.
pub struct CallbackServer {
    address: SocketAddr,
    /// The provider's page.
    provider: Url,
    /// Opens the first page for the person who has read it at the terminal.
    shown: Token,
    /// Opens it for this user's browser.
    handed: Token,
    /// What the cookie of the browser holds that has opened it.
    browser: Token,
    opened: AtomicBool,
    send: mpsc::Sender<Arrival>,
}

impl CallbackServer {
    /// At this address, for one question.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn new(address: SocketAddr, provider: Url, send: mpsc::Sender<Arrival>) -> Result<Self> {
        let [shown, handed, browser] = [Token::random()?, Token::random()?, Token::random()?];
        Ok(Self { address, provider, shown, handed, browser, opened: AtomicBool::new(false), send })
    }

    /// The page to open first, for the person at the terminal.
    pub fn shown(&self) -> Url {
        self.page(&self.shown)
    }

    /// The same to start a browser with: every user of the machine sees it in the list of
    /// processes.
    pub fn handed(&self) -> Url {
        self.page(&self.handed)
    }

    fn page(&self, ticket: &Token) -> Url {
        Url::parse(&format!("http://{}{START}?ticket={}", self.address, ticket.expose()))
            .expect("an address of ours")
    }

    /// Answers a request; everything but these two pages, and all after the first answer, is turned
    /// away.
    pub async fn answer(&self, request: Request) -> Response {
        let Some(ConnectInfo(peer)) =
            request.extensions().get::<ConnectInfo<SocketAddr>>().copied()
        else {
            return nothing_here();
        };
        let host = self.address.to_string();
        let for_us = request.headers().get_all(header::HOST).iter().eq([host.as_str()]);
        // A picture or a script of some page asks nothing here (Fetch Metadata).
        let is_page =
            request.headers().get("sec-fetch-dest").is_none_or(|for_what| for_what == "document");
        if request.method() != Method::GET || !for_us || !is_page {
            return nothing_here();
        }
        let query = request.uri().query().unwrap_or_default();
        match request.uri().path() {
            START if self.is_opened_by(query, peer) => self.open(request.headers()).await,
            START
                if ticket(query.as_bytes())
                    .is_some_and(|given| given.has_hash(&self.handed.hash())) =>
            {
                respond(from_here(), false)
            }
            CALLBACK if self.is_browser(request.headers()) => {
                self.hand_on(|reply| Arrival::Answer(query.to_owned(), reply)).await
            }
            CALLBACK => self.hand_on(Arrival::Stranger).await,
            _ => nothing_here(),
        }
    }

    fn is_opened_by(&self, query: &str, peer: SocketAddr) -> bool {
        ticket(query.as_bytes()).is_some_and(|given| {
            given.has_hash(&self.shown.hash())
                || (given.has_hash(&self.handed.hash())
                    && !peer::is_another_users(peer, self.address))
        })
    }

    async fn open(&self, headers: &HeaderMap) -> Response {
        if self.opened.swap(true, Ordering::AcqRel) && !self.is_browser(headers) {
            return self.hand_on(Arrival::Twice).await;
        }
        respond(
            page::away(self.provider.as_str(), cookie::set(Origin::Command, self.browser.expose())),
            false,
        )
    }

    fn is_browser(&self, headers: &HeaderMap) -> bool {
        cookie::get(Origin::Command, headers).is_some_and(|cookie| {
            Token::parse(&cookie).is_some_and(|given| given.has_hash(&self.browser.hash()))
        })
    }

    async fn hand_on(
        &self,
        arrival: impl FnOnce(oneshot::Sender<trigger::Response>) -> Arrival,
    ) -> Response {
        let (reply, answer) = oneshot::channel();
        // Full, or closed: the first answer is being dealt with.
        if self.send.try_send(arrival(reply)).is_ok()
            && let Ok(page) = answer.await
        {
            return respond(page::with(page, cookie::clear(Origin::Command)), false);
        }
        words(StatusCode::GONE, "An answer has come already.\n")
    }
}

/// The browser that was started, as far as the system tells, is another user's.
fn from_here() -> trigger::Response {
    page::page(
        StatusCode::FORBIDDEN,
        "This page cannot be opened from here",
        &["Nothing was connected. Open the address that the command shows in your terminal."],
    )
}

fn nothing_here() -> Response {
    words(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;

    use super::*;

    const HERE: &str = "127.0.0.1:4711";

    fn door() -> (Arc<CallbackServer>, mpsc::Receiver<Arrival>) {
        let (send, arrived) = mpsc::channel(1);
        let provider = Url::parse("https://accounts.example.com/?state=x").unwrap();
        (Arc::new(CallbackServer::new(HERE.parse().unwrap(), provider, send).unwrap()), arrived)
    }

    async fn knock(
        door: &CallbackServer,
        method: &str,
        path: &str,
        host: &str,
        cookie: Option<&str>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>("127.0.0.1:1".parse().unwrap()));
        door.answer(request).await
    }

    fn path(door: &CallbackServer) -> String {
        let [shown, handed] = [door.shown(), door.handed()];
        assert_ne!(shown, handed);
        format!("{}?{}", shown.path(), shown.query().unwrap())
    }

    fn cookie(response: &Response) -> String {
        response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn it_opens_by_its_own_name_and_with_its_own_secret() {
        let (door, mut arrived) = door();
        let start = path(&door);
        for (method, path, host) in [
            ("GET", "/", HERE),
            ("GET", START, HERE),
            ("GET", "/oauth/google/start?ticket=", HERE),
            ("POST", start.as_str(), HERE),
            ("GET", start.as_str(), "localhost:4711"),
            ("GET", CALLBACK, "calendar.example.org:4711"),
            ("POST", CALLBACK, HERE),
            ("GET", "/oauth/google/callback/", HERE),
        ] {
            assert_eq!(
                knock(&door, method, path, host, None).await.status(),
                StatusCode::NOT_FOUND,
                "{method} {path} {host}"
            );
        }
        let picture =
            Request::builder().uri(CALLBACK).header("host", HERE).header("sec-fetch-dest", "image");
        let mut picture = picture.body(Body::empty()).unwrap();
        picture.extensions_mut().insert(ConnectInfo::<SocketAddr>("127.0.0.1:1".parse().unwrap()));
        assert_eq!(door.answer(picture).await.status(), StatusCode::NOT_FOUND);
        let handed = format!("{}?{}", START, door.handed().query().unwrap());
        let refused = knock(&door, "GET", &handed, HERE, None).await.status();
        assert_eq!(
            refused == StatusCode::FORBIDDEN,
            cfg!(target_os = "linux"),
            "no such connection is this user's"
        );
        assert!(arrived.try_recv().is_err(), "none of these ends anything");
    }

    #[tokio::test]
    async fn one_browser_is_sent_away_and_only_its_answer_is_one() {
        let (door, mut arrived) = door();
        let start = path(&door);
        let away = knock(&door, "GET", &start, HERE, None).await;
        assert_eq!(
            (away.status(), away.headers()["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "https://accounts.example.com/?state=x")
        );
        let own = cookie(&away);
        assert_eq!(
            knock(&door, "GET", &start, HERE, Some(&own)).await.status(),
            StatusCode::SEE_OTHER,
            "the page is loaded again"
        );

        let answer = |cookie: Option<String>| {
            let door = door.clone();
            tokio::spawn(async move {
                knock(&door, "GET", "/oauth/google/callback?code=x", HERE, cookie.as_deref())
                    .await
                    .status()
            })
        };
        for cookie in [
            None,
            Some(format!("calrelay-command={}", "A".repeat(43))),
            Some(own.replace("command", "oauth")),
        ] {
            let page = answer(cookie);
            let Some(Arrival::Stranger(reply)) = arrived.recv().await else {
                panic!("it was taken")
            };
            reply.send(page::page(StatusCode::BAD_REQUEST, "x", &[])).unwrap();
            assert_eq!(page.await.unwrap(), StatusCode::BAD_REQUEST);
        }
        let page = answer(Some(own.clone()));
        let Some(Arrival::Answer(query, reply)) = arrived.recv().await else {
            panic!("it was not taken")
        };
        assert_eq!(query, "code=x");
        reply.send(page::page(StatusCode::OK, "x", &[])).unwrap();
        assert_eq!(page.await.unwrap(), StatusCode::OK);
        drop(arrived);
        assert_eq!(answer(Some(own)).await.unwrap(), StatusCode::GONE);
    }

    #[tokio::test]
    async fn a_second_browser_is_noticed() {
        let (door, mut arrived) = door();
        let start = path(&door);
        knock(&door, "GET", &start, HERE, None).await;
        let second = tokio::spawn(async move { knock(&door, "GET", &start, HERE, None).await });
        let Some(Arrival::Twice(reply)) = arrived.recv().await else {
            panic!("it was not noticed")
        };
        reply.send(page::page(StatusCode::GONE, "x", &[])).unwrap();
        assert!(!second.await.unwrap().headers().contains_key("location"));
    }
}
