//! Route templates of ASP.NET, as far as they decide which function answers.

use anyhow::{bail, ensure};

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// In lower case, because case does not matter.
    Literal(String),
    /// One segment; the constraints that it must meet.
    Parameter { optional: bool, longest: Option<usize> },
    /// Everything that is left.
    Rest,
}

impl Template {
    /// Reads it.
    ///
    /// # Errors For constraints that the stand-in does not know.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        for segment in text.trim_matches('/').split('/').filter(|segment| !segment.is_empty()) {
            let Some(inner) =
                segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'))
            else {
                ensure!(
                    !segment.contains(['{', '}', '*', '?']),
                    "{segment} is more than this stand-in knows"
                );
                parts.push(Part::Literal(segment.to_ascii_lowercase()));
                continue;
            };
            if inner.starts_with('*') {
                parts.push(Part::Rest);
                continue;
            }
            let (inner, optional) =
                inner.strip_suffix('?').map_or((inner, false), |inner| (inner, true));
            let longest = match inner.split_once(':') {
                None => None,
                Some((_, constraint)) => {
                    let number = constraint
                        .strip_prefix("maxlength(")
                        .and_then(|rest| rest.strip_suffix(')'));
                    let Some(number) = number.and_then(|number| number.parse().ok()) else {
                        bail!("the constraint {constraint} is not known")
                    };
                    Some(number)
                }
            };
            parts.push(Part::Parameter { optional, longest });
        }
        Ok(Self(parts))
    }

    /// Whether the template matches a path. Case does not matter, and a parameter is never empty.
    pub fn matches(&self, path: &str) -> bool {
        let mut given = path
            .trim_start_matches('/')
            .trim_end_matches('/')
            .split('/')
            .filter(|segment| !segment.is_empty());
        for part in &self.0 {
            match (part, given.next()) {
                (Part::Rest, _) => return true,
                (Part::Literal(text), Some(given)) if text.eq_ignore_ascii_case(given) => {}
                (Part::Parameter { longest, .. }, Some(given))
                    if longest.is_none_or(|longest| given.chars().count() <= longest) => {}
                (Part::Parameter { optional: true, .. }, None) => {}
                _ => return false,
            }
        }
        given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_may_hold_nothing_matches_the_root_only() {
        let root = Template::parse("{ignored:maxlength(0)?}").unwrap();
        assert!(root.matches("/") && root.matches(""));
        assert!(!root.matches("/sync_calendar"));
    }

    #[test]
    fn a_catch_all_would_let_everybody_in() {
        let all = Template::parse("{*path}").unwrap();
        assert!(all.matches("/sync_calendar") && all.matches("/"));
    }
}
