//! Several processes, and processes that are killed. The children are this test binary again,
//! running one ignored test.

use std::io::{BufRead, BufReader, IsTerminal, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use super::open;
use crate::{Error, Leases, Op, Store, Table};

/// Rows of one commit in the children.
const WIDTH: usize = 40;

/// A child process that runs one of the tests in `child`, in a data directory. It is killed when
/// dropped.
struct Other {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn run(test: &str, dir: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("embedded::tests::processes::child::{test}"),
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(process.stdin.as_mut().unwrap(), "{}", dir.display()).unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    /// The next line of the form `said:…`, or `None` when the child has ended.
    fn next(&mut self) -> Option<String> {
        self.said.find_map(|line| Some(line.ok()?.split_once("said:")?.1.to_owned()))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The work of the children. An ordinary run of the ignored tests gives them no directory, and they
/// do nothing.
mod child {
    use super::*;

    fn dir() -> Option<PathBuf> {
        let mut line = String::new();
        if !std::io::stdin().is_terminal() {
            std::io::stdin().read_line(&mut line).unwrap();
        }
        let line = line.trim();
        (!line.is_empty()).then(|| line.into())
    }

    fn say(what: &str) {
        println!("said:{what}");
    }

    #[tokio::test]
    #[ignore = "run by other tests, as a process of its own"]
    async fn holds_a_lease() {
        let Some(dir) = dir() else { return };
        let lease = open(&dir).acquire("local", &["calendar"]).await.unwrap().taken();
        say(if lease.is_some() { "held" } else { "refused" });
        std::future::pending::<()>().await;
        drop(lease);
    }

    #[tokio::test]
    #[ignore = "run by other tests, as a process of its own"]
    async fn commits_without_end() {
        let Some(dir) = dir() else { return };
        let storage = open(&dir);
        let last = storage
            .get(Table::Pairs, "p", "row00")
            .await
            .unwrap()
            .map_or(0, |row| row.value.trim_end().parse().unwrap());
        for generation in last + 1.. {
            // Large enough that a commit is many pages.
            let value = format!("{generation}{}", " ".repeat(2_000));
            let ops: Vec<Op> = (0..WIDTH)
                .map(|n| Op::Put { key: format!("row{n:02}"), value: value.clone() })
                .collect();
            storage.commit(Table::Pairs, "p", &ops).await.unwrap();
            say(&generation.to_string());
        }
    }

    #[tokio::test]
    #[ignore = "run by other tests, as a process of its own"]
    async fn counts_to_a_hundred() {
        let Some(dir) = dir() else { return };
        let storage = open(&dir);
        for _ in 0..100 {
            increment(&storage).await;
        }
        say("done");
    }
}

async fn increment(storage: &dyn Store) {
    loop {
        let row = storage.get(Table::Directory, "p", "count").await.unwrap();
        let op = match row {
            None => Op::Insert { key: "count".into(), value: "1".into() },
            Some(row) => {
                let next = row.value.parse::<u32>().unwrap() + 1;
                Op::Replace { key: row.key, etag: row.etag, value: next.to_string() }
            }
        };
        match storage.commit(Table::Directory, "p", &[op]).await {
            Ok(_) => return,
            Err(Error::Conflict(0)) => (),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_killed_process_gives_its_lease_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let mut other = Other::run("holds_a_lease", dir.path());
    assert_eq!(other.next().as_deref(), Some("held"));
    assert!(
        storage.acquire("local", &["calendar"]).await.unwrap().taken().is_none(),
        "a living process keeps it"
    );
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    assert!(
        storage.acquire("local", &["calendar"]).await.unwrap().taken().is_some(),
        "a dead one does not"
    );
}

#[tokio::test]
async fn a_lease_excludes_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let lease = open(dir.path()).acquire("local", &["calendar"]).await.unwrap().taken();
    assert!(lease.is_some());
    assert_eq!(Other::run("holds_a_lease", dir.path()).next().as_deref(), Some("refused"));
    drop(lease);
    assert_eq!(Other::run("holds_a_lease", dir.path()).next().as_deref(), Some("held"));
}

#[tokio::test]
async fn a_process_killed_in_a_commit_leaves_it_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..12_u64 {
        let mut other = Other::run("commits_without_end", dir.path());
        let mut acknowledged = 0;
        for _ in 0..=round {
            acknowledged = other.next().expect("it goes on").parse().unwrap();
        }
        // In the middle of the next commit.
        std::thread::sleep(std::time::Duration::from_micros(170 * round));
        other.process.kill().unwrap();
        other.process.wait().unwrap();
        while let Some(said) = other.next() {
            acknowledged = said.parse().unwrap();
        }
        let storage = open(dir.path());
        let rows = storage.scan(Table::Pairs, "p", "row", None, 1000).await.unwrap();
        assert_eq!(rows.len(), WIDTH);
        let generations: Vec<u64> =
            rows.iter().map(|row| row.value.trim_end().parse().unwrap()).collect();
        assert!(generations.iter().all(|g| *g == generations[0]), "half a commit: {generations:?}");
        assert!(
            generations[0] >= acknowledged,
            "commit {acknowledged} was acknowledged and is lost"
        );
        storage.check().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    // They also create the file at one moment.
    let mut others = [(); 3].map(|()| Other::run("counts_to_a_hundred", dir.path()));
    let storage = Arc::new(open(dir.path()));
    for _ in 0..100 {
        increment(&*storage).await;
    }
    for other in &mut others {
        assert_eq!(other.next().as_deref(), Some("done"));
    }
    assert_eq!(storage.get(Table::Directory, "p", "count").await.unwrap().unwrap().value, "400");
    storage.check().await.unwrap();
}
