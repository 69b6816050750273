//! Route templates, as far as the functions use them: literal segments, `{parameter}`, a last
//! `{*rest}` after a literal, and the empty path.
//!
//! The Functions host gives a function without a route, or with an empty one, its own name as its
//! path. For `/` it needs an optional parameter that is always empty: `{ignored:maxlength(0)?}`.

/// The template of the empty path.
const EMPTY_PATH: &str = "{ignored:maxlength(0)?}";

/// A route of `function.json`, as segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTemplate(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// All further segments, and none (`{*name}`).
    Rest,
}

impl RouteTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// For other features of the Functions host: constraints, defaults, and a `{*rest}` that is not
    /// the last segment, or the first one, which could match anything.
    pub fn parse(template: &str) -> Result<Self, String> {
        if template == EMPTY_PATH {
            return Ok(Self(Vec::new()));
        }
        let unsupported = || format!("the route {template} uses a feature that is not supported");
        let segments = template.split('/').map(Segment::parse);
        let segments: Vec<Segment> = segments.collect::<Option<_>>().ok_or_else(unsupported)?;
        let rest = segments.iter().position(|segment| *segment == Segment::Rest);
        match (rest, segments.first()) {
            (None, _) => Ok(Self(segments)),
            (Some(at), Some(Segment::Literal(_))) if at + 1 == segments.len() => Ok(Self(segments)),
            _ => Err(unsupported()),
        }
    }

    /// Whether the template matches a path, without regard to case, as under the Functions host.
    pub fn matches(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let given: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        let (wanted, has_rest) = match self.0.split_last() {
            Some((Segment::Rest, wanted)) => (wanted, true),
            _ => (&self.0[..], false),
        };
        (given.len() == wanted.len() || has_rest && given.len() > wanted.len())
            && wanted.iter().zip(given).all(|(segment, given)| match segment {
                Segment::Literal(text) => text.eq_ignore_ascii_case(given),
                Segment::Parameter(_) => !given.is_empty(),
                Segment::Rest => false,
            })
    }
}

impl Segment {
    /// Reads a segment; `None` where it uses a feature that is not supported.
    fn parse(text: &str) -> Option<Self> {
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => match name.strip_prefix('*') {
                Some(rest) => is_name(rest).then_some(Self::Rest),
                None => is_name(name).then(|| Self::Parameter(name.to_owned())),
            },
            None => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                (!text.is_empty() && text.chars().all(is_plain))
                    .then(|| Self::Literal(text.to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_whole() {
        let health = RouteTemplate::parse("health").unwrap();
        assert!(
            health.matches("/health") && health.matches("/Health/") && health.matches("health")
        );
        assert!(
            !health.matches("/health/x") && !health.matches("/") && !health.matches("/healthy")
        );
        let callback = RouteTemplate::parse("oauth/{provider}/callback").unwrap();
        assert!(callback.matches("/oauth/google/callback"));
        assert!(!callback.matches("/oauth//callback") && !callback.matches("/oauth/google"));
    }

    #[test]
    fn a_rest_matches_any_number_of_segments() {
        let api = RouteTemplate::parse("api/v1/{*path}").unwrap();
        for path in ["/api/v1", "/api/v1/", "/API/v1/me", "/api/v1/pairs/p1/runs", "/api/v1//x"] {
            assert!(api.matches(path), "{path}");
        }
        for path in ["/", "/api", "/api/", "/api/v2/me", "//api/v1/me", "/api//v1", "/api/v1x"] {
            assert!(!api.matches(path), "{path}");
        }
    }

    #[test]
    fn the_empty_path_is_matched_by_its_own_template_only() {
        let home = RouteTemplate::parse(EMPTY_PATH).unwrap();
        assert!(home.matches("/") && home.matches(""));
        assert!(!home.matches("/x") && !home.matches("//x"));
    }

    #[test]
    fn what_could_match_anything_is_not_understood() {
        for template in [
            "",
            "/",
            "{*path}",
            "{id}/{*path}",
            "app/{*rest}/x",
            "app/{*}",
            "{id:int}",
            "{id?}",
            "app//x",
            "app/",
            "a b",
            "{}",
        ] {
            assert!(RouteTemplate::parse(template).is_err(), "{template}");
        }
    }
}
