//! The file: its permissions, older and newer schemas, full disks, damage, and what remains.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::super::{FILE, schema};
use super::{Embedded, ManualClock, open};
use crate::{Error, Leases, Op, Queue, Row, Store, Table};

fn put(key: &str, value: &str) -> Op {
    Op::Put { key: key.into(), value: value.into() }
}

fn try_open(dir: &Path, migrations: &[&str]) -> crate::Result<Embedded> {
    Embedded::open_with(dir, || jiff::Timestamp::UNIX_EPOCH, migrations)
}

fn version(dir: &Path) -> u32 {
    Connection::open(dir.join(FILE))
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

/// Every file of the directory with its bytes.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap_or_default(),
            )
        })
        .collect();
    files.sort();
    files
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("deeper/data");
    let storage = open(&dir);
    storage.commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
    let _lease = storage.acquire("local", &["x"]).await.unwrap().taken();
    for path in [&dir, &dir.join("leases"), dir.parent().unwrap()] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    let inside = [&dir, &dir.join("leases")]
        .map(|dir| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()));
    let files: Vec<_> = inside.into_iter().flatten().filter(|path| path.is_file()).collect();
    assert_eq!(files.len(), 4, "database, its log and shared memory, a lock: {files:?}");
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(storage);
    // A copy or a backup may leave it so.
    fs::set_permissions(dir.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&dir));
    assert_eq!(mode(&dir.join(FILE)), 0o600);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused_and_stays_as_it_is() {
    // As a killed newer program leaves it, with a log; and as one without a log leaves it.
    for mode in ["WAL", "DELETE"] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
        fs::remove_dir(dir.path().join("leases")).unwrap();
        let newer = Connection::open(dir.path().join(FILE)).unwrap();
        newer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        newer.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        newer
            .execute_batch("ALTER TABLE rows ADD COLUMN future TEXT; PRAGMA user_version = 99")
            .unwrap();
        drop(newer);
        // Every reader of the log creates the shared memory again.
        let files = || {
            contents(dir.path())
                .into_iter()
                .filter(|(name, _)| !name.ends_with("-shm"))
                .collect::<Vec<_>>()
        };
        let before = files();
        assert_eq!(before.len(), if mode == "WAL" { 2 } else { 1 });
        let error = try_open(dir.path(), schema::MIGRATIONS).unwrap_err();
        assert!(
            matches!(&error, Error::NewerSchema { found: 99, known: 1, path } if *path == dir.path().display().to_string())
        );
        assert!(error.to_string().contains("nothing was changed"));
        assert!(files() == before, "{mode}: not a byte has changed, and nothing was added");
        assert_eq!(version(dir.path()), 99);
    }
}

#[test]
fn many_can_open_a_new_directory_at_once() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let start = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    open(dir.path());
                });
            }
        });
    }
}

/// A file of version 1, as the program wrote it at that version. Every later schema must read it:
/// this text never changes.
const VERSION_1: &str = r#"
    CREATE TABLE rows (tbl TEXT NOT NULL, pk TEXT NOT NULL, rk TEXT NOT NULL, etag INTEGER NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (tbl, pk, rk)) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, queue TEXT NOT NULL, visible_at INTEGER NOT NULL, receipt INTEGER,
        dequeue_count INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE INDEX messages_by_turn ON messages (queue, visible_at, id);
    CREATE TABLE counter (value INTEGER NOT NULL) STRICT;
    INSERT INTO counter VALUES (7);
    INSERT INTO rows VALUES ('directory', 'local', 'account|a1', 1, '{"v":1}'), ('secrets', 'local', 'a1', 2, 'sealed'),
        ('pairs', 'p1', 'map|e1', 4, '{"v":1,"n":1}'), ('pairs', 'p1', 'map|e2', 5, '{"v":1,"n":2}');
    INSERT INTO messages VALUES (3, 'sync-calendar', 1000, NULL, 0, 'waiting'), (6, 'sync-calendar', 2000, 7, 2, 'taken twice');
    PRAGMA user_version = 1;
"#;

#[tokio::test]
async fn a_file_of_version_1_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    Connection::open(dir.path().join(FILE)).unwrap().execute_batch(VERSION_1).unwrap();
    let storage = open(dir.path());
    assert_eq!(version(dir.path()), u32::try_from(schema::MIGRATIONS.len()).unwrap());
    let account = storage.get(Table::Directory, "local", "account|a1").await.unwrap().unwrap();
    assert_eq!(
        account,
        Row { key: "account|a1".into(), etag: "1".into(), value: "{\"v\":1}".into() }
    );
    assert_eq!(storage.get(Table::Secrets, "local", "a1").await.unwrap().unwrap().value, "sealed");
    let rows = storage.scan(Table::Pairs, "p1", "map|", None, 10).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(),
        ["{\"v\":1,\"n\":1}", "{\"v\":1,\"n\":2}"]
    );
    let replace =
        Op::Replace { key: "map|e1".into(), etag: rows[0].etag.clone(), value: "new".into() };
    let etag = storage.commit(Table::Pairs, "p1", &[replace]).await.unwrap().remove(0);
    assert!(etag.parse::<u32>().unwrap() > 7, "numbers go on from where they were");
    let messages = storage.take("sync-calendar", 32, Duration::from_secs(60)).await.unwrap();
    assert_eq!(
        messages.iter().map(|m| (m.body.as_str(), m.dequeue_count)).collect::<Vec<_>>(),
        [("waiting", 1), ("taken twice", 3)]
    );
}

#[tokio::test]
async fn an_older_file_becomes_a_newer_one_step_by_step() {
    let dir = tempfile::tempdir().unwrap();
    let one = &schema::MIGRATIONS[..1];
    try_open(dir.path(), one).unwrap().commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
    // Each step needs the previous one.
    let three =
        [one[0], "ALTER TABLE rows ADD COLUMN extra TEXT", "UPDATE rows SET extra = value || '!'"];
    let storage = try_open(dir.path(), &three).unwrap();
    assert_eq!(version(dir.path()), 3);
    assert_eq!(storage.get(Table::Pairs, "p", "a").await.unwrap().unwrap().value, "1");
    let extra: String = Connection::open(dir.path().join(FILE))
        .unwrap()
        .query_row("SELECT extra FROM rows", [], |row| row.get(0))
        .unwrap();
    assert_eq!(extra, "1!");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_older_file_whole() {
    let dir = tempfile::tempdir().unwrap();
    let one = &schema::MIGRATIONS[..1];
    try_open(dir.path(), one).unwrap().commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
    let broken = [one[0], "ALTER TABLE rows ADD COLUMN extra TEXT", "UPDATE nowhere SET x = 1"];
    assert!(matches!(try_open(dir.path(), &broken), Err(Error::Failed(_))));
    assert_eq!(version(dir.path()), 1);
    let storage = try_open(dir.path(), one).unwrap();
    assert_eq!(storage.get(Table::Pairs, "p", "a").await.unwrap().unwrap().value, "1");
    storage.commit(Table::Pairs, "p", &[put("a", "2")]).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_reported_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    storage.commit(Table::Pairs, "p", &[put("kept", "1")]).await.unwrap();
    storage.writer.run(|db| Ok(db.pragma_update(None, "max_page_count", 40)?)).await.unwrap();
    let ops: Vec<Op> = (0..20).map(|n| put(&format!("n{n}"), &"x".repeat(20_000))).collect();
    let outcome = storage.commit(Table::Pairs, "p", &ops).await;
    assert!(matches!(outcome, Err(Error::Full)), "{outcome:?}");
    assert!(matches!(
        storage.put("q", &"x".repeat(40_000), Duration::ZERO).await,
        Ok(()) | Err(Error::Full)
    ));
    let rows = storage.scan(Table::Pairs, "p", "", None, 100).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["kept"]);
    storage.writer.run(|db| Ok(db.pragma_update(None, "max_page_count", 100_000)?)).await.unwrap();
    storage.commit(Table::Pairs, "p", &ops).await.expect("with space again, it goes on");
    storage.check().await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    fs::write(&file, "this is no database at all, but quite long enough to be one".repeat(100))
        .unwrap();
    let before = fs::read(&file).unwrap();
    let Err(Error::Failed(why)) = try_open(dir.path(), schema::MIGRATIONS) else {
        panic!("it must not open")
    };
    assert!(why.contains("damaged") && why.contains("Your calendars are not touched"), "{why}");
    assert_eq!(fs::read(&file).unwrap(), before, "it is left for a rescue");

    fs::remove_file(&file).unwrap();
    let storage = open(dir.path());
    let ops: Vec<Op> = (0..100).map(|n| put(&format!("n{n}"), &"x".repeat(2_000))).collect();
    storage.commit(Table::Pairs, "p", &ops).await.unwrap();
    storage.check().await.unwrap();
    drop(storage);
    let mut bytes = fs::read(&file).unwrap();
    let third = bytes.len() / 3;
    bytes[third..2 * third].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let Err(Error::Failed(why)) = open(dir.path()).check().await else {
        panic!("damage must be found")
    };
    assert!(why.contains("damaged"), "{why}");
    let Err(Error::Failed(why)) = open(dir.path()).scan(Table::Pairs, "p", "", None, 1000).await
    else {
        panic!("it must not be read")
    };
    assert!(why.contains("damaged"), "{why}");
}

#[tokio::test]
async fn an_impossible_directory_is_reported_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    let Err(Error::Failed(why)) = try_open(&path, schema::MIGRATIONS) else {
        panic!("it must not open")
    };
    assert!(
        why.contains(&path.display().to_string()) && why.contains("CALRELAY_DATA_DIR"),
        "{why}"
    );
}

#[tokio::test]
async fn a_file_that_is_held_for_too_long_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    storage.writer.run(|db| Ok(db.busy_timeout(Duration::from_millis(20))?)).await.unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(
        storage.commit(Table::Pairs, "p", &[put("a", "1")]).await,
        Err(Error::Unavailable(_))
    ));
    assert_eq!(
        storage.get(Table::Pairs, "p", "a").await.unwrap(),
        None,
        "readers do not wait for a writer"
    );
    other.execute_batch("ROLLBACK").unwrap();
    storage
        .commit(Table::Pairs, "p", &[put("a", "1")])
        .await
        .expect("it goes on when the other is done");
}

#[tokio::test]
async fn what_was_deleted_is_not_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let trace = "sealed-text-of-a-removed-account";
    let holds = |dir: &Path| {
        contents(dir)
            .iter()
            .any(|(_, bytes)| bytes.windows(trace.len()).any(|part| part == trace.as_bytes()))
    };
    let storage = open(dir.path());
    storage.commit(Table::Secrets, "p", &[put("a", trace)]).await.unwrap();
    drop(storage);
    assert!(holds(dir.path()), "while it is stored it can be found");
    let storage = open(dir.path());
    storage
        .commit(Table::Secrets, "p", &[Op::Delete { key: "a".into(), etag: None }])
        .await
        .unwrap();
    drop(storage);
    assert!(!holds(dir.path()), "once deleted and closed it cannot");
}

#[tokio::test]
async fn secrets_and_the_directory_are_synced_and_pairs_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let storage = ManualClock::default().open(dir.path());
    for (table, level) in [(Table::Secrets, 2), (Table::Pairs, 1), (Table::Directory, 2)] {
        storage.commit(table, "p", &[put("a", "1")]).await.unwrap();
        let found: i64 = storage
            .writer
            .run(|db| Ok(db.query_row("PRAGMA synchronous", [], |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(found, level, "{}", table.name());
    }
}

#[tokio::test]
async fn it_prints_as_its_place_only() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    storage.commit(Table::Secrets, "p", &[put("a", "hidden")]).await.unwrap();
    assert_eq!(
        format!("{storage:?}"),
        format!("Embedded {{ file: {:?}, .. }}", dir.path().join(FILE))
    );
}
