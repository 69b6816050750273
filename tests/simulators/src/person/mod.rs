//! A person at a calendar: puts, edits, deletes and reads events. Equal methods on simulators and
//! on real servers.
//!
//! Edits are as careful as a good calendar program's (`If-Match`, and again from the start after a
//! conflict), so that a test of interleavings never loses a person's own edit.

mod copies;

use anyhow::{Context as _, bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::agenda::{Entry, entries};
use crate::caldav::{self, crlf};
use crate::client::Client;
use crate::google;
use crate::xml::{CALDAV, DAV};

pub use copies::{Ending, cut, duplicated};

/// An account on a CalDAV server, and the home of its calendars.
#[derive(Clone, Debug)]
pub struct Account {
    client: Client,
    home: String,
}

impl Account {
    /// The account whose home is known.
    pub fn at(server: &Url, user: &str, password: &str, home: &str) -> Self {
        Self { client: Client::new(server).login(user, password), home: home.to_owned() }
    }

    /// The client that it speaks through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The path of its home.
    pub fn home(&self) -> &str {
        &self.home
    }

    /// A calendar of the account, made where it is not there yet (MKCALENDAR).
    ///
    /// # Errors
    /// Where the server does not make it.
    pub async fn calendar(&self, name: &str) -> anyhow::Result<Person> {
        let path = format!("{}{}/", self.home, encode(name));
        let answer = self.client.send("MKCALENDAR", &path, &[], "").await?;
        // 405 and 409 mean that the calendar exists.
        ensure!(
            matches!(answer.status, 201 | 405 | 409),
            "MKCALENDAR was answered with {}",
            answer.status
        );
        Ok(Person::Far(Far { client: self.client.clone(), path }))
    }
}

/// A person at one calendar.
#[derive(Clone, Debug)]
pub enum Person {
    /// On the simulator's record itself: never counted, never struck by a fault.
    Near(caldav::Calendar),
    /// At Google, on the simulator's record itself, likewise.
    Google(google::Calendar),
    /// Over HTTP, on any server.
    Far(Far),
}

/// A calendar over HTTP.
#[derive(Clone, Debug)]
pub struct Far {
    client: Client,
    path: String,
}

impl From<caldav::Calendar> for Person {
    fn from(calendar: caldav::Calendar) -> Self {
        Self::Near(calendar)
    }
}

impl From<google::Calendar> for Person {
    fn from(calendar: google::Calendar) -> Self {
        Self::Google(calendar)
    }
}

impl Person {
    /// The path of the calendar; at Google its id.
    pub fn path(&self) -> String {
        match self {
            Self::Near(calendar) => calendar.path(),
            Self::Google(calendar) => calendar.id().to_owned(),
            Self::Far(far) => far.path.clone(),
        }
    }

    /// Puts an object under a name such as `a.ics`, new or not. Lines may end in LF.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub async fn put(&self, name: &str, ics: &str) -> anyhow::Result<()> {
        match self {
            Self::Near(calendar) => {
                calendar.put(name, ics);
                Ok(())
            }
            Self::Google(calendar) => {
                calendar.put_object(name, ics);
                Ok(())
            }
            Self::Far(far) => {
                let answer = far.client.put(&far.object(name), &crlf(ics), &[]).await?;
                ensure!(
                    matches!(answer.status, 200 | 201 | 204),
                    "PUT was answered with {}: {}",
                    answer.status,
                    answer.text()
                );
                Ok(())
            }
        }
    }

    /// Changes an object, and says whether it was there.
    ///
    /// # Errors
    /// Where the server refuses the change.
    pub async fn edit(&self, name: &str, change: impl Fn(&str) -> String) -> anyhow::Result<bool> {
        let far = match self {
            Self::Near(calendar) => return Ok(calendar.edit(name, change)),
            Self::Google(calendar) => {
                let Some(ics) = calendar.object(name) else { return Ok(false) };
                calendar.put_object(name, &change(&ics));
                return Ok(true);
            }
            Self::Far(far) => far,
        };
        for _ in 0..20 {
            let answer = far.client.send("GET", &far.object(name), &[], "").await?;
            if answer.status == 404 {
                return Ok(false);
            }
            let changed = crlf(&change(&answer.text()));
            let answer = far
                .client
                .put(&far.object(name), &changed, &[("if-match", answer.header("etag"))])
                .await?;
            match answer.status {
                200 | 201 | 204 => return Ok(true),
                // Another client was faster: read again.
                412 => {}
                status => bail!("PUT was answered with {status}: {}", answer.text()),
            }
        }
        bail!("another client is faster every time")
    }

    /// Deletes an object, and says whether it was there.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub async fn delete(&self, name: &str) -> anyhow::Result<bool> {
        match self {
            Self::Near(calendar) => Ok(calendar.delete(name)),
            Self::Google(calendar) => Ok(calendar.delete_object(name)),
            Self::Far(far) => {
                match far.client.send("DELETE", &far.object(name), &[], "").await?.status {
                    200 | 204 => Ok(true),
                    404 => Ok(false),
                    status => bail!("DELETE was answered with {status}"),
                }
            }
        }
    }

    /// Duplicates an object under another name and UID; all other properties are kept. Returns
    /// whether the object was there.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub async fn duplicate(&self, name: &str, new: &str, uid: &str) -> anyhow::Result<bool> {
        if let Self::Google(calendar) = self {
            return Ok(calendar.duplicate_object(name, new));
        }
        let Some(ics) = self.get(name).await? else { return Ok(false) };
        self.put(new, &duplicated(&ics, uid)).await?;
        Ok(true)
    }

    /// Cuts a series before the occurrence that starts at `at` ("this and following"): the rest
    /// becomes a new object with another name and UID, and with this change. Both keep all other
    /// properties. Returns whether there was something to cut.
    ///
    /// # Errors
    /// Where the server refuses it.
    pub async fn cut(
        &self,
        name: &str,
        at: &str,
        ending: Ending,
        (new, uid): (&str, &str),
        change: impl Fn(&str) -> String,
    ) -> anyhow::Result<bool> {
        let Some(ics) = self.get(name).await? else { return Ok(false) };
        let Some([first, rest]) = cut(&ics, at, ending, uid) else { return Ok(false) };
        self.duplicate(name, new, uid).await?;
        self.put(new, &change(&rest)).await?;
        self.put(name, &first).await?;
        Ok(true)
    }

    /// Moves an object to another calendar: it keeps its name and UID there, and is deleted here.
    /// Returns whether it was there.
    ///
    /// # Errors
    /// Where a server refuses it.
    pub async fn move_to(&self, other: &Self, name: &str) -> anyhow::Result<bool> {
        if let (Self::Google(here), Self::Google(there)) = (self, other) {
            return Ok(here.move_object_to(there, name));
        }
        let Some(ics) = self.get(name).await? else { return Ok(false) };
        other.put(name, &ics).await?;
        self.delete(name).await
    }

    /// The object with this name.
    ///
    /// # Errors
    /// Where the server does not say.
    pub async fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Near(calendar) => Ok(calendar.get(name)),
            Self::Google(calendar) => Ok(calendar.object(name)),
            Self::Far(far) => {
                let answer = far.client.send("GET", &far.object(name), &[], "").await?;
                match answer.status {
                    200 => Ok(Some(answer.text())),
                    404 => Ok(None),
                    status => bail!("GET was answered with {status}"),
                }
            }
        }
    }

    /// All objects with their names, sorted by name.
    ///
    /// # Errors
    /// Where the server does not list them.
    pub async fn objects(&self) -> anyhow::Result<Vec<(String, String)>> {
        match self {
            Self::Near(calendar) => Ok(calendar.objects()),
            Self::Google(calendar) => Ok(calendar.objects()),
            Self::Far(far) => far.objects().await,
        }
    }

    /// What a person sees: one entry an event or exception, by time and title.
    ///
    /// # Errors
    /// As [`Person::objects`].
    pub async fn agenda(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(entries(self.objects().await?))
    }
}

impl Far {
    fn object(&self, name: &str) -> String {
        format!("{}{}", self.path, encode(name))
    }

    async fn objects(&self) -> anyhow::Result<Vec<(String, String)>> {
        let all = format!(
            r#"<c:calendar-query xmlns="DAV:" xmlns:c="{CALDAV}"><prop><getetag/><c:calendar-data/></prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter></c:calendar-query>"#
        );
        let answer = self.client.xml("REPORT", &self.path, "1", &all).await?;
        ensure!(answer.status == 207, "the listing was answered with {}", answer.status);
        let mut objects = Vec::new();
        for response in answer.xml()?.all(DAV, "response") {
            let data = response
                .all(DAV, "propstat")
                .find_map(|p| p.find(DAV, "prop")?.find(CALDAV, "calendar-data"));
            // The calendar itself may be listed; it has no data.
            let Some(data) = data.filter(|data| !data.text.is_empty()) else { continue };
            let href = &response.find(DAV, "href").context("a response without href")?.text;
            let name = percent_decode_str(href.rsplit('/').next().unwrap_or_default())
                .decode_utf8()?
                .into_owned();
            objects.push((name, crlf(&data.text)));
        }
        objects.sort();
        Ok(objects)
    }
}

const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@');

fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}
