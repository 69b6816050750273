//! Rules as they are carried over to copies.

use super::*;

#[test]
fn valid_rules_stay_as_they_are() {
    for rule in [
        "FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;WKST=SU;UNTIL=20261224T000000Z",
        "FREQ=MONTHLY;BYDAY=+1MO,-1FR;COUNT=10",
        "INTERVAL=3;FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "FREQ=YEARLY;BYYEARDAY=1,100,-1;UNTIL=20300101",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20300101T090000",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=OMIT",
        "FREQ=HOURLY;INTERVAL=6;BYMINUTE=0,30",
        "freq=weekly;byday=mo",
    ] {
        assert_eq!(validate(rule).as_deref(), Ok(rule), "{rule}");
    }
}

#[test]
fn parts_without_meaning_go() {
    for (rule, carried) in [
        ("FREQ=DAILY;X-EXAMPLE=1;COUNT=3", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;", "FREQ=DAILY"),
        (" FREQ=DAILY ; COUNT=3", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;COUNT=-1", "FREQ=DAILY"),
    ] {
        assert_eq!(validate(rule).as_deref(), Ok(carried), "{rule}");
    }
}
