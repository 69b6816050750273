//! Partial answers: `fields=items(id,start/dateTime),nextPageToken`.

use serde_json::{Map, Value};

/// The part of an answer that was asked for, where all that was asked for exists.
pub(super) fn selected(
    fields: &str,
    value: &Value,
    exists: impl Fn(&[&str]) -> bool,
) -> Result<Value, &'static str> {
    let mut rest = fields;
    let tree = read(&mut rest).filter(|_| rest.is_empty()).ok_or("fields cannot be read")?;
    if tree.exists(&mut Vec::new(), &exists) {
        Ok(pick(&tree, value))
    } else {
        Err("fields names what the answer cannot have")
    }
}

/// Names, each with what is wanted inside; nothing inside means all.
#[derive(Debug)]
struct Tree(Vec<(String, Option<Tree>)>);

impl Tree {
    fn exists<'a>(&'a self, above: &mut Vec<&'a str>, exists: &impl Fn(&[&str]) -> bool) -> bool {
        self.0.iter().all(|(name, inside)| {
            above.push(name);
            let all =
                exists(above) && inside.as_ref().is_none_or(|inside| inside.exists(above, exists));
            above.pop();
            all
        })
    }
}

fn read(rest: &mut &str) -> Option<Tree> {
    let mut names = Vec::new();
    loop {
        names.push(one(rest)?);
        match rest.strip_prefix(',') {
            Some(more) => *rest = more,
            None => return Some(Tree(names)),
        }
    }
}

fn one(rest: &mut &str) -> Option<(String, Option<Tree>)> {
    let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() {
        return None;
    }
    let inside = if let Some(mut more) = after.strip_prefix('/') {
        let inner = one(&mut more)?;
        *rest = more;
        Some(Tree(vec![inner]))
    } else if let Some(mut more) = after.strip_prefix('(') {
        let inner = read(&mut more)?;
        *rest = more.strip_prefix(')')?;
        Some(inner)
    } else {
        *rest = after;
        None
    };
    Some((name.to_owned(), inside))
}

fn pick(tree: &Tree, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| pick(tree, item)).collect(),
        Value::Object(fields) => {
            let mut picked = Map::new();
            for (name, inside) in &tree.0 {
                let wanted = fields.iter().filter(|(field, _)| name == "*" || name == *field);
                picked.extend(wanted.map(|(field, value)| {
                    (
                        field.clone(),
                        inside.as_ref().map_or_else(|| value.clone(), |t| pick(t, value)),
                    )
                }));
            }
            Value::Object(picked)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_is_answered() {
        let whole = json!({"kind": "k", "items": [{"id": "a", "start": {"date": "d", "timeZone": "z"}, "etag": "e"}], "nextPageToken": "p"});
        let seen = selected("items(id,start/date),nextPageToken", &whole, |_| true).unwrap();
        assert_eq!(
            seen,
            json!({"items": [{"id": "a", "start": {"date": "d"}}], "nextPageToken": "p"})
        );
        assert_eq!(
            selected("items/id", &whole, |_| true).unwrap(),
            json!({"items": [{"id": "a"}]})
        );
        for broken in ["", "items(", "items(id", "items)", "a,,b", "items/"] {
            assert!(selected(broken, &whole, |_| true).is_err(), "{broken}");
        }
        let known = |path: &[&str]| path.last() != Some(&"start");
        assert!(
            selected("items/start", &whole, known).is_err()
                && selected("items/id", &whole, known).is_ok()
        );
    }
}
