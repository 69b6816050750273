//! The contract of rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::names::random_name;
use super::row_ops::{conflict, delete, insert, keys, put, replace, scan, value, write};
use crate::{Error, MAX_COMMIT, MAX_COMMIT_BYTES, MAX_KEY, MAX_VALUE, Op, Row, Store, Table};

/// Keys that a wrong implementation confuses, truncates, or puts into a URL without escapes.
const ODD: &[&str] = &[
    "plain",
    "Plain",
    "plain ",
    " plain",
    "o'clock",
    "\"quoted\"",
    "a/b",
    "a\\b",
    "a#b",
    "a?b",
    "a%b",
    "a%20b",
    "a%2Fb",
    "a+b",
    "a&b=c",
    "a|b",
    "a,b;c",
    "(a)",
    "$batch",
    "*",
    "_",
    "%",
    "..",
    ".",
    "é",
    "e\u{301}",
    "カレンダー",
    "📅",
    "א-b",
    "a\u{a0}b",
    "https://dav.example/c/1.ics?x=1#y",
    "'; DROP TABLE rows; --",
];

pub(super) async fn all(make: &impl AsyncFn() -> Arc<dyn Store>) {
    comes_back(&*make().await, &*make().await).await;
    conditions_hold(&*make().await).await;
    etags_are_new(&*make().await).await;
    all_or_nothing(&*make().await).await;
    limits_hold(&*make().await).await;
    scans_in_order(&*make().await).await;
    odd_keys(&*make().await).await;
    odd_values(&*make().await).await;
    one_winner(make).await;
    no_update_is_lost(make).await;
}

async fn comes_back(store: &dyn Store, other: &dyn Store) {
    let (p, q) = (&random_name("p"), &random_name("q"));
    assert_eq!(value(store, p, "a").await, None, "a row that was never written is not there");
    let etags = write(store, p, &[insert("a", "1"), put("b", "2")]).await;
    let row = other.get(Table::Pairs, p, "a").await.expect("another handle reads");
    assert_eq!(
        row,
        Some(Row { key: "a".into(), etag: etags[0].clone(), value: "1".into() }),
        "another handle sees a commit at once"
    );
    for table in [Table::Directory, Table::Secrets] {
        assert_eq!(store.get(table, p, "a").await.expect("reads"), None, "tables are apart");
    }
    assert_eq!(value(store, q, "a").await, None, "partitions are apart");
    let asked = ["b", "missing", "a", "b"].map(String::from);
    let mut found =
        store.get_many(Table::Pairs, p, &asked).await.expect("several rows can be asked for");
    found.sort_by(|x, y| x.key.cmp(&y.key));
    assert_eq!(keys(&found), ["a", "b"], "those that are there come, each once");
    assert_eq!(found[1].etag, etags[1], "with the ETag that the commit returned");
    assert_eq!(store.get_many(Table::Pairs, p, &[]).await.expect("no rows can be asked for"), []);
    let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    for chunk in many.chunks(100) {
        write(store, q, &chunk.iter().map(|key| put(key, key)).collect::<Vec<_>>()).await;
    }
    assert_eq!(
        store.get_many(Table::Pairs, q, &many).await.expect("hundreds can be asked for").len(),
        300
    );
}

async fn conditions_hold(store: &dyn Store) {
    let p = &random_name("p");
    let first = write(store, p, &[insert("a", "1")]).await.remove(0);
    conflict(store, p, &[insert("a", "2")], 0, "as the row is there").await;
    let second = write(store, p, &[replace("a", &first, "2")]).await.remove(0);
    conflict(store, p, &[replace("a", &first, "3")], 0, "as the ETag is stale").await;
    conflict(store, p, &[delete("a", Some(&first))], 0, "as the ETag is stale").await;
    for foreign in ["*", "", "W/\"x\"", "0", "-1", "999999999999999999999"] {
        conflict(store, p, &[replace("a", foreign, "3")], 0, "as the ETag is foreign").await;
        conflict(store, p, &[delete("a", Some(foreign))], 0, "as the ETag is foreign").await;
    }
    assert_eq!(value(store, p, "a").await.as_deref(), Some("2"), "a conflict changes nothing");
    conflict(store, p, &[replace("missing", &second, "3")], 0, "as there is no such row").await;
    conflict(store, p, &[delete("missing", Some(&second))], 0, "as there is no such row").await;
    write(store, p, &[delete("missing", None)]).await;
    write(store, p, &[put("a", "4"), put("b", "4")]).await;
    assert_eq!(value(store, p, "a").await.as_deref(), Some("4"), "a put replaces any row");
    let etag = store.get(Table::Pairs, p, "a").await.expect("reads").expect("is there").etag;
    write(store, p, &[delete("a", Some(&etag)), delete("b", None)]).await;
    assert!(scan(store, p, "", 10).await.is_empty(), "what was deleted is gone");
}

async fn etags_are_new(store: &dyn Store) {
    let p = &random_name("p");
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let etags = write(store, p, &[put("a", "same"), put("b", "same")]).await;
        let stored =
            store.get_many(Table::Pairs, p, &["a".into(), "b".into()]).await.expect("reads");
        for (key, etag) in ["a", "b"].iter().zip(&etags) {
            assert!(
                stored.iter().any(|row| row.key == *key && row.etag == *etag),
                "the ETags stand in the order of the operations"
            );
        }
        assert!(
            seen.insert(etags[0].clone()),
            "each write of a row has an ETag of its own, even of the same value"
        );
    }
    let last = write(store, p, &[put("c", "1"), delete("b", None), put("d", "1")]).await;
    assert_eq!(
        last.iter().map(String::is_empty).collect::<Vec<_>>(),
        [false, true, false],
        "a delete has no ETag"
    );
    let before = store.get(Table::Pairs, p, "a").await.expect("reads").expect("is there").etag;
    write(store, p, &[delete("a", None)]).await;
    write(store, p, &[insert("a", "same")]).await;
    conflict(store, p, &[replace("a", &before, "2")], 0, "as the row was removed and made again")
        .await;
}

async fn all_or_nothing(store: &dyn Store) {
    let p = &random_name("p");
    let etag = write(store, p, &[insert("there", "1"), insert("kept", "1")]).await.remove(1);
    for index in [0, 1, 50, MAX_COMMIT - 1] {
        let mut ops: Vec<Op> = (0..MAX_COMMIT).map(|n| insert(&format!("new{n}"), "x")).collect();
        ops[(index + 1) % MAX_COMMIT] = replace("kept", &etag, "changed");
        ops[(index + 2) % MAX_COMMIT] = put("put", "x");
        ops[(index + 3) % MAX_COMMIT] = delete("there", None);
        ops[index] = replace("absent", &etag, "x");
        conflict(store, p, &ops, index, "as one condition of a hundred does not hold").await;
        assert_eq!(
            keys(&scan(store, p, "", 1000).await),
            ["kept", "there"],
            "a commit with a conflict adds and removes nothing"
        );
        assert_eq!(value(store, p, "kept").await.as_deref(), Some("1"), "and changes nothing");
    }
    assert_eq!(write(store, p, &[]).await, Vec::<String>::new(), "an empty commit is no error");
}

async fn limits_hold(store: &dyn Store) {
    let p = &random_name("p");
    let full: Vec<Op> = (0..MAX_COMMIT).map(|n| insert(&format!("n{n:03}"), "x")).collect();
    let large = "x".repeat(MAX_VALUE + 1);
    let long = "k".repeat(MAX_KEY + 1);
    let refused = [
        ([full.clone(), vec![insert("more", "x")]].concat(), "more operations than the limit"),
        (vec![insert("a", "1"), insert("b", "1"), put("a", "2")], "two operations on one row"),
        (vec![insert("a", "1"), delete("a", None)], "a write and a delete of one row"),
        (vec![insert("a", "1"), insert("b", &large)], "a value above the limit"),
        (vec![insert("a", "1"), insert(&long, "1")], "a key above the limit"),
        (
            (0..=MAX_COMMIT_BYTES / MAX_VALUE)
                .map(|n| insert(&n.to_string(), &large[1..]))
                .collect(),
            "more bytes than the limit",
        ),
    ];
    for (ops, what) in refused {
        let outcome = store.commit(Table::Pairs, p, &ops).await;
        assert!(
            matches!(outcome, Err(Error::TooLarge(_))),
            "{what} is refused as too large, not {outcome:?}"
        );
        assert!(scan(store, p, "", 10).await.is_empty(), "{what}: nothing was written");
    }
    assert_eq!(
        write(store, p, &full).await.len(),
        MAX_COMMIT,
        "a commit of just the limit is accepted"
    );
    write(store, p, &[put("large", &large[1..]), put(&long[1..], "1")]).await;
    assert_eq!(
        value(store, p, "large").await.map(|v| v.len()),
        Some(MAX_VALUE),
        "a value of just the limit comes back whole"
    );
    assert_eq!(value(store, p, &long[1..]).await.as_deref(), Some("1"), "a key of just the limit");
}

async fn scans_in_order(store: &dyn Store) {
    let p = &random_name("p");
    let plain = ["a", "a|", "a|1", "a|10", "a|2", "a|2|x", "a}", "aa", "b", "b|1", "B", "0", "~"];
    write(store, p, &plain.map(|key| insert(key, key))).await;
    let mut sorted = plain.to_vec();
    sorted.sort_unstable();
    for limit in [1, 2, 3, 1000] {
        assert_eq!(
            keys(&scan(store, p, "", limit).await),
            sorted,
            "an empty prefix is everything, in order, by {limit}"
        );
        assert_eq!(
            keys(&scan(store, p, "a|", limit).await),
            ["a|", "a|1", "a|10", "a|2", "a|2|x"],
            "a prefix, by {limit}"
        );
    }
    assert!(scan(store, p, "c", 10).await.is_empty(), "a prefix that nothing has");
    let from = async |prefix: &str, after: &str| {
        let page =
            store.scan(Table::Pairs, p, prefix, Some(after), 1).await.expect("a scan is answered");
        page.into_iter().next().map(|row| row.key)
    };
    assert_eq!(from("a|", "a|1").await.as_deref(), Some("a|10"), "after a key comes the next");
    assert_eq!(
        from("a|", "a|11").await.as_deref(),
        Some("a|2"),
        "also where that key is not there"
    );
    assert_eq!(from("a|", "a|2|x").await, None, "after the last of the prefix comes none");
    assert_eq!(
        from("a|", "0").await.as_deref(),
        Some("a|"),
        "a key before the prefix leaves nothing out"
    );
    assert_eq!(from("a|", "b").await, None, "a key behind the prefix leaves all out");
    let q = &random_name("q");
    for chunk in (0..2_300).collect::<Vec<u32>>().chunks(MAX_COMMIT) {
        write(
            store,
            q,
            &chunk.iter().map(|n| insert(&format!("m|{n:05}"), "{}")).collect::<Vec<_>>(),
        )
        .await;
    }
    let rows = scan(store, q, "m|", 1000).await;
    assert_eq!(
        rows.len(),
        2_300,
        "a long scan returns each row, and no page but the last is short of its limit"
    );
    assert!(rows.is_sorted_by(|x, y| x.key < y.key), "once and in order");
}

async fn odd_keys(store: &dyn Store) {
    let p = &format!("{} o'r é%/#?", random_name("p"));
    for key in ODD {
        write(store, p, &[insert(key, key)]).await;
    }
    for key in ODD {
        assert_eq!(
            value(store, p, key).await.as_deref(),
            Some(*key),
            "a row with an odd key ({key:?}) is itself"
        );
        let found = scan(store, p, key, 7).await;
        assert!(keys(&found).contains(key), "it is found by itself as a prefix ({key:?})");
        assert!(found.iter().all(|row| row.key.starts_with(key)), "and nothing else is ({key:?})");
    }
    let found = scan(store, p, "", 1).await;
    assert_eq!(found.len(), ODD.len(), "paging by one finds each row once");
    assert_eq!(
        keys(&found).into_iter().collect::<BTreeSet<_>>(),
        ODD.iter().copied().collect(),
        "and misses none"
    );
    let asked: Vec<String> = ODD.iter().map(|key| (*key).into()).collect();
    assert_eq!(store.get_many(Table::Pairs, p, &asked).await.expect("reads").len(), ODD.len());
    write(store, p, &ODD.iter().map(|key| delete(key, None)).collect::<Vec<_>>()).await;
    assert!(scan(store, p, "", 10).await.is_empty(), "each can be deleted");
}

async fn odd_values(store: &dyn Store) {
    let p = &random_name("p");
    let wide = "é".repeat(MAX_VALUE / 2);
    let values = [
        "",
        " ",
        "null",
        "{\"v\":1,\"t\":\"a\\u0000b\"}",
        "line\r\nline\n",
        "<&>'\"\\",
        "📅 עברית",
        "=\"; DROP",
        &wide,
    ];
    for (n, text) in values.iter().enumerate() {
        write(store, p, &[put(&n.to_string(), text)]).await;
        assert_eq!(
            value(store, p, &n.to_string()).await.as_deref(),
            Some(*text),
            "value {n} comes back as it was written"
        );
    }
}

/// Of several concurrent writes from two handles, one wins.
async fn one_winner(make: &impl AsyncFn() -> Arc<dyn Store>) {
    let (p, handles) = (random_name("p"), [make().await, make().await]);
    let etag = write(&*handles[0], &p, &[insert("old", "1")]).await.remove(0);
    for op in [insert("new", "1"), replace("old", &etag, "2")] {
        let mut tasks = JoinSet::new();
        for n in 0..16 {
            let (store, p, op) = (handles[n % 2].clone(), p.clone(), op.clone());
            tasks.spawn(async move {
                store.commit(Table::Pairs, &p, &[put(&format!("by{n}"), "1"), op]).await
            });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1, "one of many commits wins");
        assert_eq!(
            outcomes.iter().filter(|o| matches!(o, Err(Error::Conflict(1)))).count(),
            15,
            "the others conflict"
        );
        let marks = scan(&*handles[1], &p, "by", 100).await;
        assert_eq!(marks.len(), 1, "of the losers nothing is written");
        write(&*handles[0], &p, &[delete(&marks[0].key, None)]).await;
    }
}

async fn no_update_is_lost(make: &impl AsyncFn() -> Arc<dyn Store>) {
    let (p, handles) = (random_name("p"), [make().await, make().await]);
    write(&*handles[0], &p, &[insert("count", "0")]).await;
    let mut tasks = JoinSet::new();
    for n in 0..6 {
        let (store, p) = (handles[n % 2].clone(), p.clone());
        tasks.spawn(async move {
            let mut done = 0;
            while done < 10 {
                let row =
                    store.get(Table::Pairs, &p, "count").await.expect("reads").expect("is there");
                let next: u32 = row.value.parse::<u32>().expect("a number") + 1;
                match store
                    .commit(Table::Pairs, &p, &[replace("count", &row.etag, &next.to_string())])
                    .await
                {
                    Ok(_) => done += 1,
                    Err(Error::Conflict(0)) => tokio::task::yield_now().await,
                    Err(other) => panic!("only conflicts are expected, not {other}"),
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(
        value(&*handles[1], &p, "count").await.as_deref(),
        Some("60"),
        "every one of 60 increments counts"
    );
}
