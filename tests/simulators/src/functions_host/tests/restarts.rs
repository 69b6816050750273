//! When the handler is started again. The handler here is a shell that ends with the statuses it is
//! given, one a start, and then stays.

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::*;
use crate::functions_host::shared::Outcome;
use crate::functions_host::supervisor::supervise;

const SCRIPT: &str = r#"
    echo "$$ $FUNCTIONS_CUSTOMHANDLER_PORT" >> starts
    n=$(wc -l < starts)
    if [ "$n" -gt $# ]; then exec sleep 600; fi
    shift $((n - 1))
    exit "$1"
"#;

struct Shell {
    core: Arc<Core>,
    tasks: JoinSet<()>,
    root: TempDir,
}

impl Shell {
    fn start(statuses: &[&str], timeout: Duration) -> Self {
        let root = tempfile::tempdir().unwrap();
        let arguments =
            ["-c", SCRIPT, "sh"].iter().chain(statuses).map(|text| (*text).to_owned()).collect();
        let app = App { root: root.path().to_owned(), arguments, timeout, ..app() };
        let (kills, asked) = mpsc::unbounded_channel();
        let core = Arc::new(Core::new(app, Clock::new(), kills));
        let mut tasks = JoinSet::new();
        tasks.spawn(supervise(core.clone(), vec![("PATH".into(), "/usr/bin:/bin".into())], asked));
        Self { core, tasks, root }
    }

    /// The process and the port of each start.
    fn starts(&self) -> Vec<(u32, u16)> {
        let text = std::fs::read_to_string(self.root.path().join("starts")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(id, port)| (id.parse().unwrap(), port.parse().unwrap())).collect()
    }

    async fn started(&self, times: usize) {
        until(&format!("it was not started {times} times"), || self.starts().len() >= times).await;
        a_moment().await;
        assert_eq!(self.starts().len(), times);
    }

    fn ended(&self) -> Option<String> {
        match &*self.core.state.borrow() {
            State::Ended(why) => Some(why.clone()),
            _ => None,
        }
    }
}

async fn kill(signal: &str, id: u32) -> bool {
    Command::new("kill")
        .args(["-s", signal, &id.to_string()])
        .output()
        .await
        .unwrap()
        .status
        .success()
}

#[tokio::test]
async fn an_end_with_0_is_the_last() {
    let mut shell = Shell::start(&["0"], Duration::from_secs(60));
    assert!(shell.core.handler().await.is_none());
    shell.tasks.join_next().await.unwrap().unwrap();
    assert_eq!((shell.starts().len(), shell.ended()), (1, None));
    assert!(shell.core.complaints()[0].contains("ended with 0"));
    assert_eq!(
        shell.core.invoke(&queued("work"), &json!({})).await,
        Outcome::Failed,
        "and nothing is done from now on"
    );
}

#[tokio::test]
async fn an_end_with_200_is_no_error_however_often() {
    let shell = Shell::start(&["200"; 7], Duration::from_secs(60));
    shell.started(8).await;
    assert_eq!((shell.ended(), shell.core.complaints()), (None, vec![]));
}

#[tokio::test]
async fn the_third_error_within_half_an_hour_ends_the_host() {
    let mut shell = Shell::start(&["1", "200", "2", "200", "3"], Duration::from_secs(60));
    shell.core.ended().await;
    shell.tasks.join_next().await.unwrap().unwrap();
    assert_eq!(shell.starts().len(), 5);
    let why = shell.ended().unwrap();
    assert!(why.contains("ended 3 times") && why.contains("exit status: 3"), "{why}");
}

#[tokio::test]
async fn errors_are_forgotten_after_half_an_hour() {
    let shell = Shell::start(&["1", "1"], Duration::from_secs(60));
    shell.started(3).await;
    shell.core.clock.advance(Duration::from_secs(31 * 60));
    assert!(kill("KILL", shell.starts()[2].0).await);
    shell.started(4).await;
    assert_eq!(shell.ended(), None);
}

#[tokio::test]
async fn the_time_out_kills_the_process_and_the_next_one_is_started() {
    let shell = Shell::start(&[], Duration::from_millis(300));
    until("no start", || shell.starts().len() == 1).await;
    let (id, port) = shell.starts()[0];
    let stuck = Handler::new(DONE.0, DONE.1, 0);
    stuck.listen(port).await;
    assert_eq!(
        shell.core.handler().await.map(|up| up.id),
        Some(Some(id)),
        "any answer means that it is ready"
    );
    assert!(kill("0", id).await, "it runs");
    assert_eq!(shell.core.invoke(&queued("work"), &json!({})).await, Outcome::Failed);
    assert!(!kill("0", id).await, "it is dead as soon as the invocation has failed");
    shell.started(2).await;
    assert_eq!(shell.ended(), None, "and that is no error of the handler's");
}
