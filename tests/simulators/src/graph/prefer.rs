//! The `Prefer` header: ids, zone, bodies and the size of pages.

use axum::http::HeaderMap;

use super::manners::Manners;
use super::reply::Refusal;
use super::zones;

/// What a request prefers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefer {
    pub immutable: bool,
    /// The zone of times in the answer.
    pub zone: String,
    pub asks_zone: bool,
    pub text: bool,
    pub page: Option<usize>,
}

impl Prefer {
    pub fn read(headers: &HeaderMap, manners: &Manners) -> Result<Self, Refusal> {
        let mut prefer = Self {
            immutable: false,
            zone: "UTC".to_owned(),
            asks_zone: false,
            text: false,
            page: None,
        };
        let all: Vec<&str> =
            headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).collect();
        for one in all.join(",").split(',') {
            let (name, value) = one.trim().split_once('=').unwrap_or((one.trim(), ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "idtype" => prefer.immutable = value == "ImmutableId",
                "outlook.timezone" if !zones::is_taken(value, manners) => {
                    return Err(bad_zone(value));
                }
                "outlook.timezone" => {
                    (prefer.asks_zone, prefer.zone) = (true, value.to_owned());
                }
                "outlook.body-content-type" => prefer.text = value.eq_ignore_ascii_case("text"),
                "odata.maxpagesize" => prefer.page = value.parse().ok().filter(|size| *size > 0),
                _ => {}
            }
        }
        Ok(prefer)
    }

    /// What `Preference-Applied` says.
    pub fn applied(&self) -> Option<String> {
        let mut said = Vec::new();
        if self.asks_zone {
            said.push(format!("outlook.timezone=\"{}\"", self.zone));
        }
        if self.text {
            said.push("outlook.body-content-type=\"text\"".to_owned());
        }
        if self.immutable {
            said.push("IdType=\"ImmutableId\"".to_owned());
        }
        said.extend(self.page.map(|size| format!("odata.maxpagesize={size}")));
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// 400 for the name of a zone.
pub(super) fn bad_zone(name: &str) -> Refusal {
    let words = format!(
        "A valid TimeZone value must be specified. The following TimeZone value is not supported: \
         '{name}'."
    );
    Refusal::new(400, "TimeZoneNotSupportedException", &words)
}
