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

/// Windows names that Microsoft has dropped or never had in its own list, but that calendars still
/// carry, in lower case, with the IANA zone whose rules they have today.
const DROPPED: [(&str, &str); 30] = [
    // Named by Windows since 2026, and not by CLDR's list yet.
    ("alberta standard time", "America/Edmonton"),
    ("british columbia standard time", "America/Vancouver"),
    ("manitoba standard time", "America/Winnipeg"),
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

/// Whether a name is in some copies of the IANA database without being the zone of any place.
pub(super) fn is_no_place(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let path = name.starts_with("posix/") || name.starts_with("right/");
    path || matches!(
        name.as_str(),
        "factory" | "localtime" | "posixrules" | "etc/unknown" | "local"
    )
}

/// The names by which Windows and Exchange show zones to people, in lower case and without the
/// offset before them, each with its Windows name.
const SHOWN: [(&str, &str); 132] = [
    ("international date line west", "Dateline Standard Time"),
    ("aleutian islands", "Aleutian Standard Time"),
    ("hawaii", "Hawaiian Standard Time"),
    ("marquesas islands", "Marquesas Standard Time"),
    ("alaska", "Alaskan Standard Time"),
    ("baja california", "Pacific Standard Time (Mexico)"),
    ("pacific time (us & canada)", "Pacific Standard Time"),
    ("pacific time (us & canada); tijuana", "Pacific Standard Time"),
    ("arizona", "US Mountain Standard Time"),
    ("chihuahua, la paz, mazatlan", "Mountain Standard Time (Mexico)"),
    ("la paz, mazatlan", "Mountain Standard Time (Mexico)"),
    ("mountain time (us & canada)", "Mountain Standard Time"),
    ("yukon", "Yukon Standard Time"),
    ("central america", "Central America Standard Time"),
    ("central time (us & canada)", "Central Standard Time"),
    ("easter island", "Easter Island Standard Time"),
    ("guadalajara, mexico city, monterrey", "Central Standard Time (Mexico)"),
    ("saskatchewan", "Canada Central Standard Time"),
    ("bogota, lima, quito", "SA Pacific Standard Time"),
    ("bogota, lima, quito, rio branco", "SA Pacific Standard Time"),
    ("chetumal", "Eastern Standard Time (Mexico)"),
    ("eastern time (us & canada)", "Eastern Standard Time"),
    ("haiti", "Haiti Standard Time"),
    ("havana", "Cuba Standard Time"),
    ("indiana (east)", "US Eastern Standard Time"),
    ("turks and caicos", "Turks And Caicos Standard Time"),
    ("asuncion", "Paraguay Standard Time"),
    ("atlantic time (canada)", "Atlantic Standard Time"),
    ("caracas", "Venezuela Standard Time"),
    ("cuiaba", "Central Brazilian Standard Time"),
    ("georgetown, la paz, manaus, san juan", "SA Western Standard Time"),
    ("santiago", "Pacific SA Standard Time"),
    ("newfoundland", "Newfoundland Standard Time"),
    ("araguaina", "Tocantins Standard Time"),
    ("brasilia", "E. South America Standard Time"),
    ("cayenne, fortaleza", "SA Eastern Standard Time"),
    ("city of buenos aires", "Argentina Standard Time"),
    ("buenos aires", "Argentina Standard Time"),
    ("greenland", "Greenland Standard Time"),
    ("montevideo", "Montevideo Standard Time"),
    ("punta arenas", "Magallanes Standard Time"),
    ("saint pierre and miquelon", "Saint Pierre Standard Time"),
    ("salvador", "Bahia Standard Time"),
    ("azores", "Azores Standard Time"),
    ("cabo verde is.", "Cape Verde Standard Time"),
    ("cape verde is.", "Cape Verde Standard Time"),
    ("casablanca", "Morocco Standard Time"),
    ("dublin, edinburgh, lisbon, london", "GMT Standard Time"),
    ("greenwich mean time : dublin, edinburgh, lisbon, london", "GMT Standard Time"),
    ("monrovia, reykjavik", "Greenwich Standard Time"),
    ("sao tome", "Sao Tome Standard Time"),
    ("amsterdam, berlin, bern, rome, stockholm, vienna", "W. Europe Standard Time"),
    ("belgrade, bratislava, budapest, ljubljana, prague", "Central Europe Standard Time"),
    ("brussels, copenhagen, madrid, paris", "Romance Standard Time"),
    ("sarajevo, skopje, warsaw, zagreb", "Central European Standard Time"),
    ("west central africa", "W. Central Africa Standard Time"),
    ("amman", "Jordan Standard Time"),
    ("athens, bucharest", "GTB Standard Time"),
    ("athens, bucharest, istanbul", "GTB Standard Time"),
    ("beirut", "Middle East Standard Time"),
    ("cairo", "Egypt Standard Time"),
    ("chisinau", "E. Europe Standard Time"),
    ("damascus", "Syria Standard Time"),
    ("gaza, hebron", "West Bank Standard Time"),
    ("harare, pretoria", "South Africa Standard Time"),
    ("helsinki, kyiv, riga, sofia, tallinn, vilnius", "FLE Standard Time"),
    ("jerusalem", "Israel Standard Time"),
    ("juba", "South Sudan Standard Time"),
    ("kaliningrad", "Kaliningrad Standard Time"),
    ("khartoum", "Sudan Standard Time"),
    ("tripoli", "Libya Standard Time"),
    ("windhoek", "Namibia Standard Time"),
    ("baghdad", "Arabic Standard Time"),
    ("istanbul", "Turkey Standard Time"),
    ("kuwait, riyadh", "Arab Standard Time"),
    ("minsk", "Belarus Standard Time"),
    ("moscow, st. petersburg", "Russian Standard Time"),
    ("moscow, st. petersburg, volgograd", "Russian Standard Time"),
    ("nairobi", "E. Africa Standard Time"),
    ("volgograd", "Volgograd Standard Time"),
    ("tehran", "Iran Standard Time"),
    ("abu dhabi, muscat", "Arabian Standard Time"),
    ("astrakhan, ulyanovsk", "Astrakhan Standard Time"),
    ("baku", "Azerbaijan Standard Time"),
    ("izhevsk, samara", "Russia Time Zone 3"),
    ("port louis", "Mauritius Standard Time"),
    ("saratov", "Saratov Standard Time"),
    ("tbilisi", "Georgian Standard Time"),
    ("yerevan", "Caucasus Standard Time"),
    ("kabul", "Afghanistan Standard Time"),
    ("ashgabat, tashkent", "West Asia Standard Time"),
    ("ekaterinburg", "Ekaterinburg Standard Time"),
    ("islamabad, karachi", "Pakistan Standard Time"),
    ("qyzylorda", "Qyzylorda Standard Time"),
    ("chennai, kolkata, mumbai, new delhi", "India Standard Time"),
    ("sri jayawardenepura", "Sri Lanka Standard Time"),
    ("kathmandu", "Nepal Standard Time"),
    ("astana", "Central Asia Standard Time"),
    ("dhaka", "Bangladesh Standard Time"),
    ("omsk", "Omsk Standard Time"),
    ("yangon (rangoon)", "Myanmar Standard Time"),
    ("bangkok, hanoi, jakarta", "SE Asia Standard Time"),
    ("barnaul, gorno-altaysk", "Altai Standard Time"),
    ("hovd", "W. Mongolia Standard Time"),
    ("krasnoyarsk", "North Asia Standard Time"),
    ("novosibirsk", "N. Central Asia Standard Time"),
    ("tomsk", "Tomsk Standard Time"),
    ("beijing, chongqing, hong kong, urumqi", "China Standard Time"),
    ("irkutsk", "North Asia East Standard Time"),
    ("kuala lumpur, singapore", "Singapore Standard Time"),
    ("perth", "W. Australia Standard Time"),
    ("taipei", "Taipei Standard Time"),
    ("ulaanbaatar", "Ulaanbaatar Standard Time"),
    ("eucla", "Aus Central W. Standard Time"),
    ("chita", "Transbaikal Standard Time"),
    ("osaka, sapporo, tokyo", "Tokyo Standard Time"),
    ("seoul", "Korea Standard Time"),
    ("yakutsk", "Yakutsk Standard Time"),
    ("adelaide", "Cen. Australia Standard Time"),
    ("darwin", "AUS Central Standard Time"),
    ("brisbane", "E. Australia Standard Time"),
    ("canberra, melbourne, sydney", "AUS Eastern Standard Time"),
    ("guam, port moresby", "West Pacific Standard Time"),
    ("hobart", "Tasmania Standard Time"),
    ("vladivostok", "Vladivostok Standard Time"),
    ("lord howe island", "Lord Howe Standard Time"),
    ("magadan", "Magadan Standard Time"),
    ("norfolk island", "Norfolk Standard Time"),
    ("solomon is., new caledonia", "Central Pacific Standard Time"),
    ("auckland, wellington", "New Zealand Standard Time"),
    ("fiji", "Fiji Standard Time"),
    ("nuku'alofa", "Tonga Standard Time"),
];

/// The IANA name for what Windows shows to people: `(UTC-05:00) Eastern Time (US & Canada)`, with
/// or without the offset.
pub(super) fn shown(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let bare = ["(utc", "(gmt"]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix)?.split_once(')').map(|(_, rest)| rest));
    let bare = bare.unwrap_or(&lower).trim();
    SHOWN.iter().find(|(shown, _)| *shown == bare).and_then(|(_, windows)| self::windows(windows))
}

/// A name without the number by which programs distinguish two zones of one object: `Europe/Berlin
/// 1`, `W. Europe Standard Time 2`.
pub(super) fn unnumbered(name: &str) -> Option<&str> {
    let (rest, number) = name.rsplit_once(' ')?;
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| rest.trim_end())
}

/// The IANA name for a Windows name: those of CLDR, those of [`DROPPED`], and either in its summer
/// form.
pub(super) fn windows(name: &str) -> Option<&'static str> {
    let words = name.split_whitespace().collect::<Vec<_>>().join(" ");
    known(&words).or_else(|| {
        let standard = [" Daylight Time", " Summer Time"].iter().find_map(|summer| {
            let at = words.len().checked_sub(summer.len())?;
            (words.is_char_boundary(at) && words[at..].eq_ignore_ascii_case(summer))
                .then(|| format!("{} Standard Time", &words[..at]))
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

/// The zones that have always the same offset, which is no whole hour.
const ODD_OFFSETS: [(&str, &str); 8] = [
    ("-09:30", "Pacific/Marquesas"),
    ("+03:30", "Asia/Tehran"),
    ("+04:30", "Asia/Kabul"),
    ("+05:30", "Asia/Kolkata"),
    ("+05:45", "Asia/Kathmandu"),
    ("+06:30", "Asia/Yangon"),
    ("+08:45", "Australia/Eucla"),
    ("+09:30", "Australia/Darwin"),
];

/// The IANA name for `UTC+02:00`, `GMT-0500`, `+03`, `+05:30` or `(UTC+01:00)`, where the database
/// has a zone that never changes its clock (the sign of its names for whole hours is the other way
/// round).
pub(super) fn fixed_offset(name: &str) -> Option<String> {
    let name = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(name);
    let rest = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT")).unwrap_or(name).trim();
    let (sign, digits) = rest.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-"))?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes.strip_suffix(":00").unwrap_or(minutes)),
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let is_number =
        |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let hours: u8 = hours.parse().ok()?;
    if minutes != "00" {
        let offset = format!("{sign}{hours:02}:{minutes}");
        return ODD_OFFSETS
            .iter()
            .find(|(odd, _)| *odd == offset)
            .map(|(_, iana)| (*iana).to_owned());
    }
    match (hours, sign) {
        (0, _) => Some("Etc/UTC".to_owned()),
        (1..=14, "+") => Some(format!("Etc/GMT-{hours}")),
        (1..=12, _) => Some(format!("Etc/GMT+{hours}")),
        _ => None,
    }
}

/// For the test that all of them lead somewhere.
#[cfg(test)]
pub(super) fn shown_names() -> impl Iterator<Item = &'static str> {
    SHOWN.iter().map(|(shown, _)| *shown)
}
