//! Names of zones that are not in the IANA database, and names in it that are no place.

use windows_timezones::WindowsTimezone;

/// Names of UTC, in lower case.
const UTC: [&str; 16] = [
    "utc",
    "gmt",
    "z",
    "uct",
    "zulu",
    "universal",
    "greenwich",
    "gmt0",
    "gmt+0",
    "gmt-0",
    "coordinated universal time",
    "universal coordinated time",
    "(utc) coordinated universal time",
    "tzone://microsoft/utc",
    "utc+00:00",
    "gmt+00:00",
];

/// Windows names that Microsoft has dropped or never had in its own list, but that calendars still carry, in lower
/// case, with the IANA zone whose rules they have today.
const DROPPED: [(&str, &str); 27] = [
    ("armenian standard time", "Asia/Yerevan"),
    ("az. eastern standard time", "America/Phoenix"),
    ("central european time", "Europe/Berlin"),
    ("central standard time mexico", "America/Mexico_City"),
    ("central time", "America/Chicago"),
    ("eastern european time", "Europe/Helsinki"),
    ("eastern time", "America/New_York"),
    ("fiji islands standard time", "Pacific/Fiji"),
    ("gft standard time", "Asia/Bangkok"),
    ("gmt standard time", "Europe/London"),
    ("gtb standard time", "Europe/Bucharest"),
    ("kamchatka standard time", "Asia/Kamchatka"),
    ("malay peninsula standard time", "Asia/Singapore"),
    ("mexico standard time", "America/Mexico_City"),
    ("mexico standard time 2", "America/Mazatlan"),
    ("mid-atlantic standard time", "Etc/GMT+2"),
    ("mountain time", "America/Denver"),
    ("pacific time", "America/Los_Angeles"),
    ("prague bratislava standard time", "Europe/Prague"),
    ("s.a. eastern standard time", "America/Cayenne"),
    ("s.a. pacific standard time", "America/Bogota"),
    ("s.a. western standard time", "America/La_Paz"),
    ("samoa standard time", "Pacific/Apia"),
    ("saudi arabia standard time", "Asia/Riyadh"),
    ("u.s. eastern standard time", "America/Indiana/Indianapolis"),
    ("u.s. mountain standard time", "America/Phoenix"),
    ("western european time", "Europe/Lisbon"),
];

/// Whether the name is one of the names of UTC.
pub(super) fn is_utc(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("etc/").unwrap_or(&name);
    UTC.contains(&name)
}

/// Whether a name is in some copies of the IANA database without being anybody's zone.
pub(super) fn is_no_place(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let path = name.starts_with("posix/") || name.starts_with("right/");
    path || matches!(name.as_str(), "factory" | "localtime" | "posixrules" | "etc/unknown" | "local")
}

/// The IANA name for a Windows name: those of CLDR, those of [`DROPPED`], and either in its summer form.
pub(super) fn windows(name: &str) -> Option<&'static str> {
    let words = name.split_whitespace().collect::<Vec<_>>().join(" ");
    known(&words).or_else(|| {
        let standard = [" Daylight Time", " Summer Time"].iter().find_map(|summer| {
            let at = words.len().checked_sub(summer.len())?;
            (words.is_char_boundary(at) && words[at..].eq_ignore_ascii_case(summer)).then(|| format!("{} Standard Time", &words[..at]))
        })?;
        known(&standard)
    })
}

fn known(name: &str) -> Option<&'static str> {
    if let Ok(zone) = name.parse::<WindowsTimezone>() {
        return Some(zone.tzdb_id());
    }
    let lower = name.to_ascii_lowercase();
    DROPPED.iter().find(|(dropped, _)| *dropped == lower).map(|(_, iana)| *iana)
}

/// The IANA name for `UTC+02:00`, `GMT-0500` or `+03`: whole hours only, for there the database has a name
/// (whose sign is the other way round).
pub(super) fn fixed_offset(name: &str) -> Option<String> {
    let rest = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT")).unwrap_or(name).trim();
    let (sign, digits) = match rest.split_at_checked(1)? {
        ("+", digits) => ('-', digits),
        ("-", digits) => ('+', digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let hours: u8 = hours.parse().ok()?;
    if minutes != "00" || hours > 14 {
        return None;
    }
    Some(if hours == 0 { "Etc/UTC".to_owned() } else { format!("Etc/GMT{sign}{hours}") })
}
