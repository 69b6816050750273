//! Rows compared with a map in memory: any sequence of commits leaves both equal.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::open;
use crate::{Error, Op, Store, Table};

/// An operation on one of a few keys; ETags are chosen when it is run.
#[derive(Clone, Debug)]
enum Wish {
    Insert(u8),
    Put(u8),
    Replace(u8, bool),
    Delete(u8, Option<bool>),
}

fn wish() -> impl Strategy<Value = Wish> {
    let key = 0..6_u8;
    prop_oneof![
        key.clone().prop_map(Wish::Insert),
        key.clone().prop_map(Wish::Put),
        (key.clone(), prop::bool::weighted(0.8)).prop_map(|(key, fresh)| Wish::Replace(key, fresh)),
        (key, prop::option::of(prop::bool::weighted(0.8)))
            .prop_map(|(key, fresh)| Wish::Delete(key, fresh)),
    ]
}

type Model = BTreeMap<String, (String, String)>;

/// The operation with its ETag, and whether its condition holds.
fn realise(wish: &Wish, model: &Model, value: String) -> (Op, bool) {
    let name = |key: &u8| format!("k{key}");
    let etag = |key: &str, fresh: bool| match model.get(key) {
        Some((etag, _)) if fresh => (etag.clone(), true),
        _ => ("1".to_owned(), false),
    };
    match wish {
        Wish::Insert(key) => {
            (Op::Insert { key: name(key), value }, !model.contains_key(&name(key)))
        }
        Wish::Put(key) => (Op::Put { key: name(key), value }, true),
        Wish::Replace(key, fresh) => {
            let (etag, holds) = etag(&name(key), *fresh);
            (Op::Replace { key: name(key), etag, value }, holds)
        }
        Wish::Delete(key, None) => (Op::Delete { key: name(key), etag: None }, true),
        Wish::Delete(key, Some(fresh)) => {
            let (etag, holds) = etag(&name(key), *fresh);
            (Op::Delete { key: name(key), etag: Some(etag) }, holds)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_a_map_with_conditions(commits in prop::collection::vec(prop::collection::vec(wish(), 1..5), 1..30)) {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let storage = open(dir.path());
            // ETag 1 is taken, so that it is stale for every row below.
            storage.commit(Table::Pairs, "elsewhere", &[Op::Put { key: "x".into(), value: String::new() }]).await.unwrap();
            let mut model = Model::new();
            for (round, wishes) in commits.iter().enumerate() {
                let (ops, holds): (Vec<_>, Vec<_>) =
                    wishes.iter().enumerate().map(|(n, wish)| realise(wish, &model, format!("{round}.{n}"))).unzip();
                let keys: std::collections::BTreeSet<_> = ops.iter().map(Op::key).collect();
                let outcome = storage.commit(Table::Pairs, "p", &ops).await;
                if keys.len() < ops.len() {
                    assert!(matches!(outcome, Err(Error::TooLarge(_))));
                } else if let Some(index) = holds.iter().position(|holds| !holds) {
                    assert!(matches!(outcome, Err(Error::Conflict(found)) if found == index), "{outcome:?}, expected {index}");
                } else {
                    for (op, etag) in ops.iter().zip(outcome.unwrap()) {
                        match op.value() {
                            Some(value) => model.insert(op.key().into(), (etag, value.into())),
                            None => model.remove(op.key()),
                        };
                    }
                }
                let rows = storage.scan(Table::Pairs, "p", "", None, 100).await.unwrap();
                let found: Model = rows.into_iter().map(|row| (row.key, (row.etag, row.value))).collect();
                assert_eq!(found, model);
            }
        });
    }
}
