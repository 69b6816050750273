//! Words about pairs that several commands show.

use engine::calendar::PairId;
use records::problem::Held;
use records::problem::HeldKind;
use records::problem::PairStatus;
use serde::Serialize;

/// The name of a state.
pub fn state(state: PairStatus) -> &'static str {
    match state {
        PairStatus::Ok => "ok",
        PairStatus::Held => "held",
        PairStatus::Error => "error",
        PairStatus::Paused => "paused",
        PairStatus::Draft => "draft",
        PairStatus::NeedsReconnect => "needs_reconnect",
    }
}

/// The name of a reason in `--json`.
pub fn reason(reason: &impl Serialize) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// What a pair holds, and the command that confirms it.
pub fn held_words(held: &Held, pair: &PairId) -> String {
    let Held { kind, deletions, of, confirm, second_look } = held;
    let confirm = confirm.join(" ");
    if *kind == HeldKind::Emptied {
        let leave_out = confirm.replace("--make-again", "--leave-out");
        return format!(
            "{} of {of} that this pair had in one of its calendars {} gone, as if that calendar \
            had been emptied or created again. \
             Nothing was deleted for it. To make them again: calrelay {confirm}. To leave them \
             out: calrelay {leave_out}",
            plural(*deletions, "event", "events"),
            if *deletions == 1 { "is" } else { "are" }
        );
    }
    let asks = format!(
        "{} of {} wait for your confirmation, as they are unusually many. If they are right: \
        calrelay {confirm}",
        plural(*deletions, "deletion", "deletions"),
        plural(*of, "copy", "copies")
    );
    let Some(second_look) = second_look else { return asks };
    format!(
        "{asks}. Without an answer, a sync after {} makes those that are still due then. To keep \
        the copies, pause the pair before: calrelay pair pause {pair}. calrelay pair remove \
        {pair} ends the pair, and its copies stay as ordinary events",
        second_look.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The words about copies of another installation.
pub fn by_another_words(count: u64, pair: &PairId) -> String {
    let events = if count == 1 {
        "1 event looks like a copy".to_owned()
    } else {
        format!("{count} events look like copies")
    };
    format!(
        "{events} of another Calrelay, and nothing was made beside them. If that one is gone: \
        calrelay pair take-over {pair}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_deletions_say_when_they_are_made_and_how_the_copies_are_kept() {
        let pair = PairId::new("p1");
        let mut held = Held::new(&pair, 12, 15);
        let asks = "12 deletions of 15 copies wait for your confirmation, as they are unusually \
        many. If they are right: calrelay sync --pair p1 --confirm-deletions";
        assert_eq!(held_words(&held, &pair), asks, "they wait for the owner alone");
        held.second_look = Some("2026-03-01T10:20:30Z".parse().unwrap());
        let words = held_words(&held, &pair);
        assert!(words.starts_with(asks), "{words}");
        for part in ["a sync after 2026-03-01 10:20:30 UTC", "calrelay pair pause p1"] {
            assert!(words.contains(part), "{words}");
        }
    }
}
