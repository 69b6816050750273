//! The base path of the server, its former base paths, and the prefixes that it also answers under.

use super::manners::{Manners, OldBase};

/// Where a request path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// To this path below the base.
    Here(String),
    /// To another address, with this status.
    Moved(u16, String),
    /// To nothing: 404.
    Nowhere,
}

impl Manners {
    /// The prefix of a request path (empty if it has none), and where the rest of the path leads.
    pub(super) fn route(&self, path: &str) -> (String, Route) {
        let prefix = self
            .prefixes
            .iter()
            .find(|prefix| below(path, prefix).is_some())
            .cloned()
            .unwrap_or_default();
        let path = below(path, &prefix).unwrap_or(path);
        // The root and the well-known address (RFC 6764) are never moved: discovery begins there.
        if matches!(path.trim_end_matches('/'), "" | "/.well-known/caldav") {
            return (prefix, Route::Here(path.to_owned()));
        }
        let mut known: Vec<(&str, OldBase)> =
            self.left.iter().map(|(base, what)| (base.as_str(), *what)).collect();
        known.push((&self.base, OldBase::Answers));
        known.sort_by_key(|(base, _)| std::cmp::Reverse(base.len()));
        let found = known.into_iter().find_map(|(base, what)| Some((below(path, base)?, what)));
        let route = match found {
            Some((rest, OldBase::Answers)) => Route::Here(rest.to_owned()),
            Some((rest, OldBase::Redirects(status))) => {
                Route::Moved(status, format!("{prefix}{}{rest}", self.base))
            }
            Some((_, OldBase::Gone)) | None => Route::Nowhere,
        };
        (prefix, route)
    }
}

/// The rest of a path below a base; `None` if the path is not below it.
fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base)
        .filter(|rest| base.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_removed_and_an_old_base_behaves_as_set() {
        let mut manners =
            Manners { base: "/new".into(), prefixes: vec!["/cloud".into()], ..Manners::generic() };
        manners.left = vec![
            (String::new(), OldBase::Redirects(301)),
            ("/older".into(), OldBase::Gone),
            ("/old".into(), OldBase::Answers),
        ];
        let here = |path: &str| Route::Here(path.to_owned());
        for (asked, prefix, route) in [
            ("/new/a/", "", here("/a/")),
            ("/old/a/", "", here("/a/")),
            ("/older/a/", "", Route::Nowhere),
            ("/newer/a/", "", Route::Moved(301, "/new/newer/a/".into())),
            ("/cloud/a/", "/cloud", Route::Moved(301, "/cloud/new/a/".into())),
            ("/cloud/new/a/", "/cloud", here("/a/")),
            ("/cloud", "/cloud", here("")),
            ("/", "", here("/")),
            ("/cloud/.well-known/caldav", "/cloud", here("/.well-known/caldav")),
        ] {
            assert_eq!(manners.route(asked), (prefix.to_owned(), route), "{asked}");
        }
        assert_eq!(Manners::generic().route("/a/"), (String::new(), here("/a/")));
    }
}
