//! The stand-in is tested against the host's contract: a tolerant stand-in would hide defects of
//! the handler.

mod front;
mod invocations;
mod packages;
mod queues;
#[cfg(unix)]
mod restarts;
mod timers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use url::Url;

use super::app::{App, Function, Trigger};
use super::clock::Clock;
use super::shared::{Core, Kill, State, Up};

/// What a handler answers where all is well.
const DONE: (u16, &str) = (200, r#"{"Outputs":{},"Logs":[]}"#);

/// A handler inside the test. What it is asked waits for a permit each.
#[derive(Clone)]
struct Handler {
    answer: (u16, &'static str),
    permits: Arc<Semaphore>,
    asked: Arc<Mutex<Vec<Value>>>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Handler {
    fn new(status: u16, body: &'static str, permits: usize) -> Self {
        let (permits, asked) = (Arc::new(Semaphore::new(permits)), Arc::default());
        Self {
            answer: (status, body),
            permits,
            asked,
            under_way: Arc::default(),
            most: Arc::default(),
        }
    }

    /// One that answers everything in this way, and at once.
    fn ready((status, body): (u16, &'static str)) -> Self {
        Self::new(status, body, 10_000)
    }

    /// Listens on a free port, or on this one; where.
    async fn listen(&self, port: u16) -> Url {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let this = self.clone();
        let router = Router::new().fallback(move |method: axum::http::Method, body: Bytes| {
            let this = this.clone();
            async move {
                if method == "GET" {
                    Response::new(Body::empty())
                } else {
                    this.answer(&body).await
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(&self, body: &[u8]) -> Response<Body> {
        self.asked.lock().unwrap().push(serde_json::from_slice(body).unwrap());
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let (status, body) = self.answer;
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    }

    /// How many invocations have arrived.
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The invocations so far.
    fn bodies(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

/// An app without functions.
fn app() -> App {
    App {
        root: PathBuf::from("/"),
        program: PathBuf::from("/bin/sh"),
        arguments: Vec::new(),
        functions: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        prefix: String::new(),
        batch_size: 4,
        new_batch_threshold: 1,
        max_dequeue_count: 3,
        visibility_timeout: Duration::ZERO,
        max_polling_interval: Duration::from_millis(50),
    }
}

fn function(name: &str, trigger: Trigger) -> Function {
    Function { name: name.to_owned(), binding: "given".to_owned(), trigger }
}

/// A function behind the queue of its name.
fn queued(name: &str) -> Function {
    function(
        name,
        Trigger::Queue { queue: name.to_owned(), connection: "AzureWebJobsStorage".to_owned() },
    )
}

/// A host whose handler is up, as the seventh; and the kills that it asks for.
fn core(app: App, handler: &Url) -> (Arc<Core>, mpsc::UnboundedReceiver<Kill>) {
    let (kills, asked) = mpsc::unbounded_channel();
    let core = Core::new(app, Clock::new(), kills);
    core.state.send_replace(State::Up(Up { url: handler.clone(), generation: 7, id: None }));
    (Arc::new(core), asked)
}

/// Waits until something holds; for ever, where a test moves the time.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let mut left = 2_000;
    while !holds() {
        left -= 1;
        assert!(left > 0, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Long enough for something to happen that must not.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}
