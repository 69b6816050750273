//! The words of the pages of a pair.

use records::problem::PairStatus;

use super::Words;

impl Words {
    pub fn how_it_stands(self) -> &'static str {
        "How it stands"
    }

    /// The row headers of the table about a pair.
    pub fn pair_rows(self) -> [&'static str; 6] {
        ["State", "Last sync", "Next look", "How quick", "Copies", "Rules"]
    }

    /// When changes are looked for.
    pub fn next_look(self, state: PairStatus, is_polled: bool) -> &'static str {
        match (state, is_polled) {
            (PairStatus::Draft, _) => "after it is switched on",
            (PairStatus::Paused, _) => "after it is resumed",
            (PairStatus::NeedsReconnect, _) => "after the account is connected again",
            (_, true) => "within a minute or so",
            (_, false) => "when the provider tells of a change; at the latest tonight",
        }
    }

    /// How long changes take.
    pub fn quickness(self, half: f64, most: f64, changes: u64, days: i64) -> String {
        let seconds = |value: f64| match value {
            value if value < 10.0 => format!("{value:.1} s"),
            value => format!("{value:.0} s"),
        };
        format!(
            "half within {}, 95 % within {} ({changes} changes, {days} days)",
            seconds(half),
            seconds(most)
        )
    }

    pub fn not_measured(self) -> &'static str {
        "not measured yet"
    }

    /// What copies show, and in which direction they go.
    pub fn rules(self, names: [&str; 2], two_way: bool, private: [bool; 2]) -> String {
        let shows = |name: &str, private: bool| match private {
            true => format!("{name} shows only \u{201c}Busy\u{201d}"),
            false => format!("{name} shows everything"),
        };
        let [from, to] = names;
        match two_way {
            true => format!("both ways; {}, {}", shows(to, private[0]), shows(from, private[1])),
            false => format!("one way; {}", shows(to, private[0])),
        }
    }

    pub fn pause(self) -> &'static str {
        "Pause"
    }

    pub fn resume(self) -> &'static str {
        "Resume"
    }

    pub fn paused(self) -> &'static str {
        "The pair is paused. Its calendars are neither read nor written."
    }

    pub fn resumed(self) -> &'static str {
        "The pair goes on where it stopped."
    }

    pub fn end_this_pair(self) -> &'static str {
        "End this pair"
    }

    pub fn end_heading(self) -> &'static str {
        "End this pair?"
    }

    pub fn end_words(self, name: &str, copies: u64) -> String {
        let copies = match copies {
            1 => "Its 1 copy stays".to_owned(),
            n => format!("Its {n} copies stay"),
        };
        format!(
            "{name} ends, and Calrelay forgets what it remembers of it. {copies} in the calendars, as \
            ordinary events: a new pair between the same calendars takes them over."
        )
    }

    pub fn end_button(self) -> &'static str {
        "End the pair"
    }

    pub fn ended(self) -> &'static str {
        "The pair is ended. Its copies stay as ordinary events."
    }

    pub fn why_not_there(self) -> &'static str {
        "Why is an event not there?"
    }

    pub fn which_day(self) -> &'static str {
        "Day"
    }

    pub fn show_that_day(self) -> &'static str {
        "Show that day"
    }

    pub fn events_of_that_day(self) -> &'static str {
        "Events of that day"
    }

    pub fn day_columns(self) -> [&'static str; 4] {
        ["Time", "Event", "Calendar", "Copied, or why not"]
    }

    pub fn copied(self) -> &'static str {
        "Copied"
    }

    pub fn all_day(self) -> &'static str {
        "all day"
    }

    pub fn no_events(self) -> &'static str {
        "Neither calendar has an event on that day."
    }

    pub fn no_such_day(self) -> &'static str {
        "There is no such day. Choose one of the calendar."
    }

    pub fn day_left_out(self) -> &'static str {
        "This time zone has left that day out."
    }

    pub fn more_events(self) -> &'static str {
        "There are more events on that day than are shown here."
    }

    pub fn not_read(self, calendar: &str) -> String {
        format!("{calendar} could not be read")
    }

    /// Where the titles come from.
    pub fn titles_are_not_kept(self) -> &'static str {
        "This is read from both calendars now. Titles are shown to you and not stored."
    }

    pub fn conflicts(self) -> &'static str {
        "Conflicts"
    }

    pub fn conflicts_of_a_month(self) -> &'static str {
        "Conflicts of the last 30 days"
    }

    pub fn about_conflicts(self) -> &'static str {
        "A conflict is an event that was changed in both calendars before Calrelay saw either change."
    }

    pub fn no_conflicts(self) -> &'static str {
        "There was none in the last 30 days."
    }

    pub fn conflict_columns(self) -> [&'static str; 4] {
        ["Event of", "Seen", "What met", "What was kept"]
    }

    /// What was kept of a conflict, by its name in the API.
    pub fn outcome(self, outcome: &str) -> &'static str {
        match outcome {
            "merged" => "Both changes",
            "from_wins" | "to_wins" => "The later change",
            _ => "The edit: the event was not deleted",
        }
    }

    pub fn not_copied(self, count: u64) -> String {
        format!("Events that could not be copied ({count})")
    }

    pub fn further(self) -> &'static str {
        "Further ones"
    }
}
