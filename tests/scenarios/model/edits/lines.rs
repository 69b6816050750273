//! Properties of the first event of an object: read, replaced, moved.

pub fn line(name: &str, time: &str, series: bool) -> String {
    match (time.len(), series) {
        (8, _) => format!("{name};VALUE=DATE:{time}"),
        (_, true) => format!("{name};TZID=Europe/Berlin:{time}"),
        _ => format!("{name}:{time}"),
    }
}

/// Half an hour or a day later. Times of the simulation never cross midnight or a month's end.
pub fn later(time: &str) -> String {
    if time.len() == 8 {
        let day: u32 = time[6..].parse().expect("a day");
        return format!("{}{:02}", &time[..6], day + 1);
    }
    let minute: u32 = time[11..13].parse().expect("a minute");
    format!("{}{:02}{}", &time[..11], minute + 20, &time[13..])
}

/// The DTSTART of the first event.
pub fn start(ics: &str) -> String {
    let events = ics.split("BEGIN:VEVENT").nth(1).unwrap_or_default();
    let found = events.lines().find(|line| line.starts_with("DTSTART")).unwrap_or_default();
    found.rsplit(':').next().unwrap_or_default().trim().to_owned()
}

/// The first event with a property replaced, added or taken out.
pub fn with(ics: &str, name: &str, new: Option<String>) -> String {
    let mut out = Vec::new();
    let (mut inside, mut done, mut nested) = (false, false, 0);
    for line in ics.lines() {
        let line = line.trim_end_matches('\r');
        let is =
            |text: &str| line.strip_prefix(text).is_some_and(|rest| rest.starts_with([':', ';']));
        if line == "BEGIN:VEVENT" && !done {
            inside = true;
        } else if inside && line.starts_with("BEGIN:") {
            nested += 1;
        } else if inside && nested > 0 && line.starts_with("END:") {
            nested -= 1;
        } else if inside && line == "END:VEVENT" {
            out.extend(new.clone());
            inside = false;
            done = true;
        } else if inside && nested == 0 && is(name) {
            continue;
        }
        out.push(line.to_owned());
    }
    out.join("\n") + "\n"
}
