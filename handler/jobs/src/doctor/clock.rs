//! Checks the clock of this machine, against the clock of a server where one has answered, and
//! against the date of the first release.

use jiff::Timestamp;

use crate::setup::Finding;

const CHECK: &str = "clock";

/// A clock that shows an earlier time is wrong: the program did not exist then.
const FIRST_RELEASE: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Seconds by which two correct clocks may differ.
const LARGEST_SKEW: u64 = 120;

const FIX: &str = "Set the clock, or switch on network time (timedatectl set-ntp true). In Azure, \
restart the function app.";

/// Compares the clock of this machine with that of a server, if one has answered.
pub fn finding(now: Timestamp, server: Option<Timestamp>) -> Finding {
    let Some(server) = server else {
        return if now < FIRST_RELEASE {
            Finding::bad(
                CHECK,
                format!("The clock of this machine says {now:.0}, which is in the past."),
                FIX,
            )
        } else {
            Finding::good(
                CHECK,
                format!(
                    "The clock of this machine says {now:.0}; no server has answered that it \
                    could be compared with."
                ),
            )
        };
    };
    let off = now.as_second().abs_diff(server.as_second());
    if off > LARGEST_SKEW {
        let message = format!(
            "The clock of this machine says {now:.0}, and that of the server {server:.0}: {off} \
            seconds apart."
        );
        return Finding::bad(CHECK, message, FIX);
    }
    Finding::good(
        CHECK,
        format!("The clock of this machine says {now:.0}, as that of the server does."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_held_against_that_of_a_server() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(FIRST_RELEASE, at("2026-01-01T00:00:00Z"));
        let now = at("2026-07-01T12:00:00Z");
        assert!(finding(now, None).ok);
        assert!(!finding(Timestamp::UNIX_EPOCH, None).ok, "the program did not exist then");
        assert!(finding(now, Some(at("2026-07-01T12:02:00Z"))).ok);
        assert!(finding(now, Some(at("2026-07-01T11:58:00Z"))).ok);
        assert!(!finding(now, Some(at("2026-07-01T12:02:01Z"))).ok);
        assert!(!finding(now, Some(at("2026-07-01T09:00:00Z"))).ok);
    }
}
