//! The options of a query: which members, what beside them, which events, and how many at once.

use std::collections::BTreeSet;

use super::asking::value;
use super::manners::Manners;
use super::reply::Refusal;
use super::schema::Schema;

/// What a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub select: Option<BTreeSet<String>>,
    /// Ids of the extended properties that are wanted, as they are kept.
    pub marks: Option<BTreeSet<String>>,
    pub exceptions: bool,
    pub filter: Option<Filter>,
    pub top: Option<usize>,
    pub skip: usize,
    pub count: bool,
}

/// Events with an extended property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub id: String,
    /// None: any value.
    pub value: Option<String>,
}

const PROPERTIES: &str = "singleValueExtendedProperties";

/// The id of an extended property with its type and GUID in lower case; its name keeps its case.
/// `None` where it is no such id.
pub(super) fn mark_id(text: &str) -> Option<String> {
    let (kind, rest) = text.split_once(' ')?;
    let (guid, rest) = rest.split_once(' ')?;
    let name = rest.strip_prefix("Name ").or_else(|| rest.strip_prefix("name "))?;
    let inner = guid.strip_prefix('{')?.strip_suffix('}')?;
    let well_formed = inner.len() == 36
        && inner.char_indices().all(|(n, c)| {
            if matches!(n, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() }
        });
    (kind.eq_ignore_ascii_case("string") && well_formed && !name.is_empty())
        .then(|| format!("string {} name {name}", guid.to_lowercase()))
}

impl Query {
    pub fn read(
        pairs: &[(String, String)],
        kind: &str,
        manners: &Manners,
    ) -> Result<Self, Refusal> {
        let mut query = Self::default();
        if let Some(select) = value(pairs, "$select") {
            query.select = Some(selected(select, kind)?);
        }
        for one in value(pairs, "$expand").map(split).unwrap_or_default() {
            query.expand(one)?;
        }
        if let Some(text) = value(pairs, "$filter") {
            query.filter = Some(filter(text, manners)?);
        }
        let number = |name: &str| {
            value(pairs, name)
                .map(|text| {
                    text.parse::<usize>().map_err(|_| {
                        Refusal::new(400, "ErrorInvalidUrlQuery", "The value is no number.")
                    })
                })
                .transpose()
        };
        query.top = number("$top")?;
        if query.top.is_some_and(|top| top == 0 || top > 1_000) {
            let words = "The limit of '1000' for Top query has been exceeded.";
            return Err(Refusal::new(400, "ErrorInvalidUrlQuery", words));
        }
        query.skip = number("$skip")?.unwrap_or(0);
        query.count = value(pairs, "$count") == Some("true");
        Ok(query)
    }

    /// Whether a member is named.
    pub fn names(&self, name: &str) -> bool {
        self.select.as_ref().is_some_and(|select| select.contains(name))
    }

    /// The extended properties that an answer shows.
    pub fn shown_marks(&self, manners: &Manners) -> Option<&BTreeSet<String>> {
        let named = self.select.is_none() || self.names(PROPERTIES);
        self.marks.as_ref().filter(|_| named || !manners.expanded_needs_select)
    }

    fn expand(&mut self, one: &str) -> Result<(), Refusal> {
        let (name, inside) = match one.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')')),
            None => (one.trim(), None),
        };
        match (name, inside) {
            ("exceptionOccurrences", None) => self.exceptions = true,
            (PROPERTIES, Some(inside)) => {
                let rule = inside.trim().strip_prefix("$filter=").ok_or_else(|| unread(one))?;
                let ids = rule.split(" or ").map(|part| {
                    let id = part.trim().strip_prefix("id eq ").and_then(literal)?;
                    mark_id(&id)
                });
                self.marks = Some(ids.collect::<Option<_>>().ok_or_else(|| unread(one))?);
            }
            _ => return Err(unread(one)),
        }
        Ok(())
    }
}

fn unread(text: &str) -> Refusal {
    let words = format!("Parsing OData Select and Expand failed at {} characters.", text.len());
    Refusal::new(400, "RequestBroker--ParseUri", &words)
}

fn selected(text: &str, kind: &str) -> Result<BTreeSet<String>, Refusal> {
    text.split(',')
        .map(|name| {
            let name = name.trim();
            let known = Schema::get().has(kind, name);
            known.then(|| name.to_owned()).ok_or_else(|| {
                let words = format!(
                    "Parsing OData Select and Expand failed: Could not find a property named \
                     '{name}' on type 'microsoft.graph.{kind}'."
                );
                Refusal::new(400, "RequestBroker--ParseUri", &words)
            })
        })
        .collect()
}

/// Parts between commas that are in no brackets and no quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut from) = (Vec::new(), 0, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// `'a''b'` is a'b.
fn literal(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.replace("''", "").contains('\'')).then(|| inner.replace("''", "'"))
}

/// `singleValueExtendedProperties/Any(ep: ep/id eq '…' and ep/value eq '…')`, and with a switch
/// `ep/value ne null`.
fn filter(text: &str, manners: &Manners) -> Result<Filter, Refusal> {
    let wrong = || {
        let words = "The query filter contains one or more invalid nodes.";
        Refusal::new(400, "ErrorInvalidUrlQueryFilter", words)
    };
    let inside = text
        .trim()
        .strip_prefix(PROPERTIES)
        .and_then(|rest| rest.strip_prefix("/Any(").or_else(|| rest.strip_prefix("/any(")))
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(wrong)?;
    let (name, rule) = inside.split_once(':').ok_or_else(wrong)?;
    let (first, second) = rule.split_once(" and ").ok_or_else(wrong)?;
    let of = |part: &str, member: &str| {
        let rest = part.trim().strip_prefix(name.trim())?.strip_prefix(member)?.to_owned();
        Some(rest)
    };
    let id = of(first, "/id eq ").and_then(|id| literal(&id)).and_then(|id| mark_id(&id));
    let id = id.ok_or_else(wrong)?;
    if let Some(value) = of(second, "/value eq ").and_then(|value| literal(&value)) {
        return Ok(Filter { id, value: Some(value) });
    }
    let presence = of(second, "/value ne ").is_some_and(|rest| rest.trim() == "null");
    if presence && manners.presence_filter {
        return Ok(Filter { id, value: None });
    }
    Err(wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "String {6d1f8f0e-7c1b-4f0b-9d53-2f1f6a3c9e10} Name CalrelayOrigin";

    #[test]
    fn a_filter_for_a_mark() {
        let text =
            |rule: &str| format!("{PROPERTIES}/Any(ep: ep/id eq '{ID}' and ep/value {rule})");
        let mut manners = Manners::default();
        let found = filter(&text("eq 'it''s'"), &manners).unwrap();
        assert_eq!(found.value.as_deref(), Some("it's"));
        assert_eq!(filter(&text("ne null"), &manners).unwrap_err().status, 400);
        manners.presence_filter = true;
        assert_eq!(filter(&text("ne null"), &manners).unwrap().value, None);
        assert!(filter("transactionId eq 'x'", &manners).is_err());
    }

    #[test]
    fn the_name_in_an_id_keeps_its_case() {
        let upper = ID.replace("6d1f", "6D1F").replace("String", "string");
        assert_eq!(mark_id(&upper), mark_id(ID));
        assert_ne!(mark_id(&ID.replace("Calrelay", "calrelay")), mark_id(ID));
        assert_eq!(mark_id("String {6d1f} Name X"), None);
    }

    #[test]
    fn what_is_expanded() {
        let pairs = |expand: String| vec![("$expand".to_owned(), expand)];
        let manners = Manners::default();
        let both = pairs(format!("{PROPERTIES}($filter=id eq '{ID}'),exceptionOccurrences"));
        let query = Query::read(&both, "event", &manners).unwrap();
        assert!(query.exceptions && query.marks.is_some_and(|marks| marks.len() == 1));
        assert!(Query::read(&pairs(PROPERTIES.to_owned()), "event", &manners).is_err());
        assert!(Query::read(&pairs("attachments".to_owned()), "event", &manners).is_err());
    }
}
