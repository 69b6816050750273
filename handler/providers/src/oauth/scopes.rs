//! Scopes as answers spell them.

/// Whether every scope of `asked` is among those that were granted. A scope that belongs to a
/// resource is compared by its last segment, since an answer names it with its resource or without,
/// and in any case. An answer may name more than was asked for.
pub fn are_granted<'a>(asked: impl IntoIterator<Item = &'a str>, granted: &str) -> bool {
    fn name(scope: &str) -> &str {
        scope.rsplit('/').next().unwrap_or(scope)
    }
    asked.into_iter().all(|asked| {
        granted
            .split_ascii_whitespace()
            .any(|granted| name(granted).eq_ignore_ascii_case(name(asked)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_granted_in_either_spelling_and_among_others() {
        let long = "https://graph.microsoft.com/Calendars.ReadWrite";
        for granted in [
            long,
            "Calendars.ReadWrite",
            "openid profile calendars.readwrite",
            "https://graph.microsoft.com/Mail.Read  HTTPS://GRAPH.MICROSOFT.COM/CALENDARS.READWRITE",
            "Calendars.ReadWrite Calendars.ReadWrite.Shared User.Read",
        ] {
            assert!(are_granted([long], granted), "{granted}");
        }
        for other in
            ["", "Calendars.Read", "Calendars.ReadWrite.Shared", "openid", "xCalendars.ReadWrite"]
        {
            assert!(!are_granted([long], other), "{other}");
        }
        assert!(!are_granted([long, "Mail.Read"], long));
    }
}
