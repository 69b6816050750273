//! One call of the API, after it has been read and before it is answered.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::collection::Collection;
use super::discovery::Method;
use super::manners::Manners;
use super::reply::Refusal;
use super::state::{Records, Role};

/// A call that may be made: whose, and with which parameters.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub method: &'a Method,
    pub path: BTreeMap<String, String>,
    pub query: Vec<(String, String)>,
    pub body: Map<String, Value>,
    pub headers: &'a HeaderMap,
    pub account: String,
    pub now: Timestamp,
    pub manners: &'a Manners,
    /// Scheme and host, without a slash.
    pub base: &'a str,
}

impl Call<'_> {
    /// A parameter of the query.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that can be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that says yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.param(name) == Some("true")
    }

    /// A time in the query, which was checked before.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.param(name).and_then(super::times::instant)
    }

    /// A parameter of the path; every method has its own.
    pub fn at(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The calendar in the path, and what the account may do there.
    pub fn calendar<'r>(&self, records: &'r Records) -> Result<(&'r Collection, Role), Refusal> {
        records.seen(&self.account, self.at("calendarId")).ok_or_else(Refusal::not_found)
    }

    /// The id of the calendar in the path, where the account may write there.
    pub fn writable(&self, records: &Records) -> Result<String, Refusal> {
        let (calendar, role) = self.calendar(records)?;
        if role < Role::Writer {
            return Err(Refusal::new(
                403,
                "requiredAccessLevel",
                "You need to have writer access to this calendar.",
            ));
        }
        Ok(calendar.id.clone())
    }

    /// The zone in which times are shown.
    pub fn zone<'a>(&'a self, calendar: &'a Collection) -> Result<&'a str, Refusal> {
        match self.param("timeZone") {
            Some(name) if super::times::zone(name).is_none() => {
                Err(Refusal::invalid("Invalid time zone."))
            }
            Some(name) => Ok(name),
            None => Ok(&calendar.zone),
        }
    }
}
