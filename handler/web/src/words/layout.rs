//! The words of the frame.

use super::Words;

impl Words {
    /// The name of the program.
    pub fn product(self) -> &'static str {
        "Calrelay"
    }

    /// The title of a document.
    pub fn title(self, heading: &str) -> String {
        format!("{heading} - Calrelay")
    }

    /// The title of a form that was refused.
    pub fn refused_title(self, heading: &str) -> String {
        format!("Error: {heading} - Calrelay")
    }

    /// The first link.
    pub fn skip(self) -> &'static str {
        "Skip to content"
    }

    /// The name of the navigation.
    pub fn main_navigation(self) -> &'static str {
        "Main"
    }

    pub fn pairs(self) -> &'static str {
        "Pairs"
    }

    pub fn accounts(self) -> &'static str {
        "Accounts"
    }

    pub fn settings(self) -> &'static str {
        "Settings"
    }

    /// The heading above the errors of a form.
    pub fn problem_summary(self) -> &'static str {
        "There is a problem"
    }

    /// Begins the words of an error beside its field.
    pub fn error_prefix(self) -> &'static str {
        "Error: "
    }
}

impl Words {
    /// How long ago something was.
    pub fn ago(self, ago: jiff::SignedDuration) -> String {
        let (seconds, minutes, hours) = (ago.as_secs(), ago.as_mins(), ago.as_hours());
        let count = |n: i64, one: &str| match n {
            1 => format!("1 {one} ago"),
            n => format!("{n} {one}s ago"),
        };
        match (hours / 24, hours, minutes) {
            (days @ 2.., ..) => count(days, "day"),
            (_, hours @ 1.., _) => count(hours, "hour"),
            (_, _, minutes @ 1..) => count(minutes, "minute"),
            _ => count(seconds, "second"),
        }
    }
}
