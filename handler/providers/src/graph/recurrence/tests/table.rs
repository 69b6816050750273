//! The rows of the table.

use super::*;

/// Each row of the table: a rule, the day of its first start, and its pattern.
pub(super) fn rows() -> Vec<(&'static str, Date, serde_json::Value)> {
    let all = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let workdays = &all[..5];
    let tuesday = date(2026, 3, 10);
    vec![
        ("FREQ=DAILY", tuesday, json!({ "type": "daily", "interval": 1 })),
        ("FREQ=DAILY;INTERVAL=99", tuesday, json!({ "type": "daily", "interval": 99 })),
        (
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": workdays,
                "firstDayOfWeek": "monday",
            }),
        ),
        (
            "FREQ=WEEKLY",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"],
                "firstDayOfWeek": "monday",
            }),
        ),
        // Where the week begins decides which weeks are left out.
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO",
            tuesday,
            json!({
                "type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"],
                "firstDayOfWeek": "monday",
            }),
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
            tuesday,
            json!({
                "type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"],
                "firstDayOfWeek": "sunday",
            }),
        ),
        (
            "FREQ=WEEKLY;INTERVAL=3;BYDAY=SA,MO;WKST=WE",
            date(2026, 3, 14),
            json!({
                "type": "weekly", "interval": 3, "daysOfWeek": ["monday", "saturday"],
                "firstDayOfWeek": "wednesday",
            }),
        ),
        (
            "FREQ=MONTHLY",
            date(2026, 1, 28),
            json!({ "type": "absoluteMonthly", "interval": 1, "dayOfMonth": 28 }),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=1",
            date(2026, 2, 1),
            json!({ "type": "absoluteMonthly", "interval": 5, "dayOfMonth": 1 }),
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            date(2026, 1, 31),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": all, "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=2TU",
            tuesday,
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"],
                "index": "second",
            }),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1SU",
            date(2026, 3, 29),
            json!({
                "type": "relativeMonthly", "interval": 2, "daysOfWeek": ["sunday"],
                "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            date(2026, 2, 27),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": workdays,
                "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=4",
            date(2026, 3, 14),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["saturday", "sunday"],
                "index": "fourth",
            }),
        ),
        (
            "FREQ=YEARLY",
            tuesday,
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 10, "month": 3 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=3",
            tuesday,
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 10, "month": 3 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
            date(2026, 12, 31),
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 31, "month": 12 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28",
            date(2026, 2, 28),
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 28, "month": 2 }),
        ),
        (
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=10;BYDAY=-1SU",
            date(2026, 10, 25),
            json!({
                "type": "relativeYearly", "interval": 2, "daysOfWeek": ["sunday"],
                "index": "last", "month": 10,
            }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            date(2026, 11, 26),
            json!({
                "type": "relativeYearly", "interval": 1, "daysOfWeek": ["thursday"],
                "index": "fourth", "month": 11,
            }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            date(2026, 2, 27),
            json!({
                "type": "relativeYearly", "interval": 1, "daysOfWeek": workdays,
                "index": "last", "month": 2,
            }),
        ),
        // Spelt in other ways.
        (
            "freq=monthly; byday=+2tu ;X-PART=1",
            tuesday,
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"],
                "index": "second",
            }),
        ),
        (
            "FREQ=WEEKLY;BYDAY=2TU,TU,MO",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": ["monday", "tuesday"],
                "firstDayOfWeek": "monday",
            }),
        ),
    ]
}
