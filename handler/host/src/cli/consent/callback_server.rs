//! The two pages of a command's port: one that sets a cookie and redirects to the provider, and one
//! that receives the answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use engine::provider::ProviderKind;
use functions::cookie::{self, CookieScope};
use functions::{page, trigger};
use jobs::Result;
use jobs::Token;
use jobs::consent::parse_ticket;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::socket_owner;
use crate::routes::{text_response, to_http};

/// The paths of a server that was made for no provider in particular: those of Google.
const CALLBACK: &str = "/oauth/google/callback";
const START: &str = "/oauth/google/start";

/// What happened at the port, and where to send the last page.
pub enum CallbackEvent {
    /// The browser that was redirected has returned, with this query.
    Answer(String, oneshot::Sender<trigger::Response>),
    /// An answer came from another browser.
    OtherBrowser(oneshot::Sender<trigger::Response>),
    /// Another browser opened the first page.
    OpenedTwice(oneshot::Sender<trigger::Response>),
}

/// Serves the pages of one request for consent.
pub struct CallbackServer {
    address: SocketAddr,
    /// The name of this server in its URLs, with the port.
    authority: String,
    /// The path of the first page.
    start: &'static str,
    /// The path of the answer, as in the functions.
    callback: &'static str,
    /// The URL of the provider's page.
    provider: Url,
    /// Opens the first page for the user who reads the URL in the terminal.
    terminal_ticket: Token,
    /// Opens the first page in the browser that the command starts.
    browser_ticket: Token,
    /// The value of the cookie of the browser that opened the first page.
    browser: Token,
    opened: AtomicBool,
    send: mpsc::Sender<CallbackEvent>,
}

impl CallbackServer {
    /// A server for one request, at this address.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new(
        address: SocketAddr,
        provider: Url,
        send: mpsc::Sender<CallbackEvent>,
    ) -> Result<Self> {
        let [shown, handed, browser] = [Token::random()?, Token::random()?, Token::random()?];
        Ok(Self {
            address,
            authority: address.to_string(),
            start: START,
            callback: CALLBACK,
            provider,
            terminal_ticket: shown,
            browser_ticket: handed,
            browser,
            opened: AtomicBool::new(false),
            send,
        })
    }

    /// The server with the paths of this provider, under the name that the provider accepts.
    pub fn for_provider(self, kind: ProviderKind) -> Self {
        let authority = authority(kind, self.address);
        let (start, callback) = (functions::start_path(kind), functions::callback_path(kind));
        Self { authority, start, callback, ..self }
    }

    /// The URL of the first page, for the user at the terminal.
    pub fn terminal_url(&self) -> Url {
        self.page(&self.terminal_ticket)
    }

    /// The URL of the first page to start a browser with: every user of the machine sees it in the
    /// list of processes.
    pub fn browser_url(&self) -> Url {
        self.page(&self.browser_ticket)
    }

    fn page(&self, ticket: &Token) -> Url {
        Url::parse(&format!("http://{}{}?ticket={}", self.authority, self.start, ticket.expose()))
            .expect("a literal URL")
    }

    /// Answers a request. Everything except these two pages, and everything after the first answer,
    /// is refused.
    pub async fn answer(&self, request: Request) -> Response {
        let Some(ConnectInfo(peer)) =
            request.extensions().get::<ConnectInfo<SocketAddr>>().copied()
        else {
            return not_found();
        };
        let for_us = request.headers().get_all(header::HOST).iter().eq([self.authority.as_str()]);
        // Images and scripts of other pages are refused (Fetch Metadata).
        let is_page =
            request.headers().get("sec-fetch-dest").is_none_or(|for_what| for_what == "document");
        if request.method() != Method::GET || !for_us || !is_page {
            return not_found();
        }
        let query = request.uri().query().unwrap_or_default();
        match request.uri().path() {
            path if path == self.start && self.is_opened_by(query, peer) => {
                self.open(request.headers()).await
            }
            path if path == self.start
                && parse_ticket(query.as_bytes())
                    .is_some_and(|given| given.has_hash(&self.browser_ticket.hash())) =>
            {
                to_http(other_user_page(), false)
            }
            path if path == self.callback && self.is_browser(request.headers()) => {
                self.forward(|reply| CallbackEvent::Answer(query.to_owned(), reply)).await
            }
            path if path == self.callback => self.forward(CallbackEvent::OtherBrowser).await,
            _ => not_found(),
        }
    }

    fn is_opened_by(&self, query: &str, peer: SocketAddr) -> bool {
        parse_ticket(query.as_bytes()).is_some_and(|given| {
            given.has_hash(&self.terminal_ticket.hash())
                || (given.has_hash(&self.browser_ticket.hash())
                    && !socket_owner::is_of_another_user(peer, self.address))
        })
    }

    async fn open(&self, headers: &HeaderMap) -> Response {
        if self.opened.swap(true, Ordering::AcqRel) && !self.is_browser(headers) {
            return self.forward(CallbackEvent::OpenedTwice).await;
        }
        to_http(
            page::redirect_with_cookie(
                self.provider.as_str(),
                cookie::set(CookieScope::Command, self.browser.expose()),
            ),
            false,
        )
    }

    fn is_browser(&self, headers: &HeaderMap) -> bool {
        cookie::get(CookieScope::Command, headers).is_some_and(|cookie| {
            Token::parse(&cookie).is_some_and(|given| given.has_hash(&self.browser.hash()))
        })
    }

    async fn forward(
        &self,
        arrival: impl FnOnce(oneshot::Sender<trigger::Response>) -> CallbackEvent,
    ) -> Response {
        let (reply, answer) = oneshot::channel();
        // If the channel is full or closed, the first answer is being processed.
        if self.send.try_send(arrival(reply)).is_ok()
            && let Ok(page) = answer.await
        {
            return to_http(page::with_header(page, cookie::clear(CookieScope::Command)), false);
        }
        text_response(StatusCode::GONE, "An answer was received already.\n")
    }
}

/// The name of a port of this machine in a redirect URL that the provider accepts.
pub fn authority(kind: ProviderKind, address: SocketAddr) -> String {
    match kind.oauth_facts() {
        Some(facts) if facts.redirects_to_localhost => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}

/// The page for a browser that, according to the system, is another user's.
fn other_user_page() -> trigger::Response {
    page::page(
        StatusCode::FORBIDDEN,
        "This page cannot be opened from here",
        &["Nothing was connected. Open the address that the command shows in your terminal."],
    )
}

fn not_found() -> Response {
    text_response(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;

    use super::*;

    const HERE: &str = "127.0.0.1:4711";

    fn server() -> (Arc<CallbackServer>, mpsc::Receiver<CallbackEvent>) {
        let (send, arrived) = mpsc::channel(1);
        let provider = Url::parse("https://accounts.example.com/?state=x").unwrap();
        (Arc::new(CallbackServer::new(HERE.parse().unwrap(), provider, send).unwrap()), arrived)
    }

    async fn request(
        callback: &CallbackServer,
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
        callback.answer(request).await
    }

    fn path(callback: &CallbackServer) -> String {
        let [shown, handed] = [callback.terminal_url(), callback.browser_url()];
        assert_ne!(shown, handed);
        format!("{}?{}", shown.path(), shown.query().unwrap())
    }

    fn cookie(response: &Response) -> String {
        response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn it_opens_by_its_own_name_and_with_its_own_secret() {
        let (callback, mut arrived) = server();
        let start = path(&callback);
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
                request(&callback, method, path, host, None).await.status(),
                StatusCode::NOT_FOUND,
                "{method} {path} {host}"
            );
        }
        let picture =
            Request::builder().uri(CALLBACK).header("host", HERE).header("sec-fetch-dest", "image");
        let mut picture = picture.body(Body::empty()).unwrap();
        picture.extensions_mut().insert(ConnectInfo::<SocketAddr>("127.0.0.1:1".parse().unwrap()));
        assert_eq!(callback.answer(picture).await.status(), StatusCode::NOT_FOUND);
        let handed = format!("{}?{}", START, callback.browser_url().query().unwrap());
        let refused = request(&callback, "GET", &handed, HERE, None).await.status();
        assert_eq!(
            refused == StatusCode::FORBIDDEN,
            cfg!(target_os = "linux"),
            "no such connection is this user's"
        );
        assert!(arrived.try_recv().is_err(), "none of these ends anything");
    }

    #[tokio::test]
    async fn one_browser_is_sent_away_and_only_its_answer_is_one() {
        let (callback, mut arrived) = server();
        let start = path(&callback);
        let away = request(&callback, "GET", &start, HERE, None).await;
        assert_eq!(
            (away.status(), away.headers()["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "https://accounts.example.com/?state=x")
        );
        let own = cookie(&away);
        assert_eq!(
            request(&callback, "GET", &start, HERE, Some(&own)).await.status(),
            StatusCode::SEE_OTHER,
            "the page is loaded again"
        );

        let answer = |cookie: Option<String>| {
            let callback = callback.clone();
            tokio::spawn(async move {
                request(&callback, "GET", "/oauth/google/callback?code=x", HERE, cookie.as_deref())
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
            let Some(CallbackEvent::OtherBrowser(reply)) = arrived.recv().await else {
                panic!("it was taken")
            };
            reply.send(page::page(StatusCode::BAD_REQUEST, "x", &[])).unwrap();
            assert_eq!(page.await.unwrap(), StatusCode::BAD_REQUEST);
        }
        let page = answer(Some(own.clone()));
        let Some(CallbackEvent::Answer(query, reply)) = arrived.recv().await else {
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
        let (callback, mut arrived) = server();
        let start = path(&callback);
        request(&callback, "GET", &start, HERE, None).await;
        let second =
            tokio::spawn(async move { request(&callback, "GET", &start, HERE, None).await });
        let Some(CallbackEvent::OpenedTwice(reply)) = arrived.recv().await else {
            panic!("it was not noticed")
        };
        reply.send(page::page(StatusCode::GONE, "x", &[])).unwrap();
        assert!(!second.await.unwrap().headers().contains_key("location"));
    }

    #[tokio::test]
    async fn each_provider_has_its_paths_and_the_name_that_it_accepts() {
        let (send, _arrived) = mpsc::channel(1);
        let provider = Url::parse("https://login.example.com/?state=x").unwrap();
        let server = CallbackServer::new(HERE.parse().unwrap(), provider, send).unwrap();
        let server = server.for_provider(ProviderKind::Microsoft);
        assert!(
            server
                .terminal_url()
                .as_str()
                .starts_with("http://localhost:4711/oauth/microsoft/start?ticket="),
            "{}",
            server.terminal_url()
        );
        let start = path(&server);
        let asked =
            async |path: &str, host: &str| request(&server, "GET", path, host, None).await.status();
        assert_eq!(asked(&start, HERE).await, StatusCode::NOT_FOUND, "it is not its name");
        let google = start.replace("microsoft", "google");
        assert_eq!(asked(&google, "localhost:4711").await, StatusCode::NOT_FOUND);
        assert_eq!(asked(&start, "localhost:4711").await, StatusCode::SEE_OTHER);
        let google = authority(ProviderKind::Google, HERE.parse().unwrap());
        assert_eq!(google, HERE);
    }
}
