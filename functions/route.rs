//! Route templates, as far as the functions use them: literal segments, `{parameter}`, and the
//! empty path.
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
}

impl RouteTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// For other features of the Functions host: constraints, defaults, and `{*rest}`, which could
    /// match anything.
    pub fn parse(template: &str) -> Result<Self, String> {
        if template == EMPTY_PATH {
            return Ok(Self(Vec::new()));
        }
        let segment = |text: &str| match text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            Some(name) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Ok(Segment::Parameter(name.to_owned()))
            }
            None if !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) =>
            {
                Ok(Segment::Literal(text.to_owned()))
            }
            _ => Err(format!("the route {template} uses a feature that is not supported")),
        };
        Ok(Self(template.split('/').map(segment).collect::<Result<_, _>>()?))
    }

    /// Whether the template matches a path, without regard to case, as under the Functions host.
    pub fn matches(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let given: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        given.len() == self.0.len()
            && self.0.iter().zip(given).all(|(segment, given)| match segment {
                Segment::Literal(text) => text.eq_ignore_ascii_case(given),
                Segment::Parameter(_) => !given.is_empty(),
            })
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
    fn the_empty_path_is_matched_by_its_own_template_only() {
        let home = RouteTemplate::parse(EMPTY_PATH).unwrap();
        assert!(home.matches("/") && home.matches(""));
        assert!(!home.matches("/x") && !home.matches("//x"));
    }

    #[test]
    fn what_could_match_anything_is_not_understood() {
        for template in
            ["", "/", "{*path}", "app/{*rest}", "{id:int}", "{id?}", "app//x", "app/", "a b", "{}"]
        {
            assert!(RouteTemplate::parse(template).is_err(), "{template}");
        }
    }
}
