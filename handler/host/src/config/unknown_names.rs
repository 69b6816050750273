//! Unknown names of settings, and the name that was probably meant.

use super::names::{PREFIX, own_names};

/// A warning about an unknown name that begins with [`PREFIX`].
pub fn warning(name: &str) -> Option<String> {
    // Names of variables are case-insensitive on Windows and case-sensitive elsewhere, so a name in
    // another case gets a warning.
    if !name.to_ascii_uppercase().starts_with(PREFIX) || own_names().any(|known| known == name) {
        return None;
    }
    let name: String = name.chars().take(64).collect();
    let nearest = own_names().min_by_key(|known| distance(&name.to_ascii_uppercase(), known))?;
    Some(format!("The setting {name} is not known and has no effect; did you mean {nearest}?"))
}

/// The Levenshtein distance: how many characters have to be inserted, deleted or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, steps) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "ab", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(one, other), steps, "{one} {other}");
            assert_eq!(distance(other, one), steps, "{other} {one}");
        }
    }

    #[test]
    fn a_slip_names_what_was_meant() {
        for (slip, meant) in [
            ("CALRELAY_DATADIR", "CALRELAY_DATA_DIR"),
            ("CALRELAY_POLL_SECOND", "CALRELAY_POLL_SECONDS"),
            ("CALRELAY_POLL", "CALRELAY_MODE"),
            ("CALRELAY_ALLOW_PRIVATE_HOST", "CALRELAY_ALLOW_PRIVATE_HOSTS"),
            ("calrelay_store", "CALRELAY_STORE"),
        ] {
            let words = warning(slip).unwrap();
            assert!(words.contains(&format!("did you mean {meant}?")), "{words}");
        }
    }

    #[test]
    fn known_names_and_those_of_others_are_no_matter() {
        for name in own_names().chain(["PATH", "RELAY_DATA_DIR", "GOOGLE_CLIENT_ID"]) {
            assert_eq!(warning(name), None, "{name}");
        }
    }
}
