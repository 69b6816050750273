//! Entity tags as versions of events (RFC 9110 section 8.8.3).
//!
//! Servers, and proxies in front of them, vary the form: weak here and strong there,
//! without quotes, with the mark of a compressed answer. So tags are compared without it, and sent
//! as they were listed.

/// What a tag says, without its form.
pub fn core(etag: &str) -> &str {
    let etag = etag.trim();
    let etag = etag
        .strip_prefix("W/")
        .or_else(|| etag.strip_prefix("w/"))
        .unwrap_or(etag)
        .trim_matches('"');
    ["--gzip", "-gzip", ";gzip", "-br"]
        .iter()
        .find_map(|mark| etag.strip_suffix(mark))
        .unwrap_or(etag)
}

/// Whether two tags name the same version.
pub fn is_same(one: &str, other: &str) -> bool {
    core(one) == core(other)
}

/// Whether both are known, and name the same version.
pub fn are_same(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if is_same(one, other))
}

/// The same version as a strong tag, which a condition may demand (RFC 9110 section 13.1.1).
pub fn strong(etag: &str) -> String {
    format!("\"{}\"", core(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_tag_is_no_version() {
        for form in [
            "\"a1\"",
            "W/\"a1\"",
            "w/\"a1\"",
            "a1",
            " \"a1\" ",
            "\"a1-gzip\"",
            "W/\"a1--gzip\"",
            "\"a1;gzip\"",
            "\"a1-br\"",
        ] {
            assert!(is_same(form, "\"a1\""), "{form}");
            assert_eq!(strong(form), "\"a1\"");
        }
        for other in ["\"a2\"", "W/\"A1\"", "", "\"a1-x\""] {
            assert!(!is_same(other, "\"a1\""), "{other}");
        }
        assert!(
            !are_same(None, None)
                && !are_same(Some("1"), None)
                && are_same(Some("1"), Some("W/\"1\""))
        );
    }
}
