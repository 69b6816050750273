//! A calendar that is saved and restored: equal events under equal ids and etags, and sync states
//! that were given out before are known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::item::Item;
use super::state::{Folder, Transaction};

/// What a calendar holds, and how far it has come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    folder: Folder,
    /// Those in Deleted Items too.
    items: Vec<Item>,
    transactions: BTreeMap<String, Transaction>,
    born: u64,
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Saved({} events, {})", self.items.len(), self.born)
    }
}

impl Calendar {
    /// Writes the calendar down.
    ///
    /// # Panics
    /// Where the calendar is gone.
    pub fn saved(&self) -> Saved {
        self.read(|records| {
            let folder = records.calendars.get(&self.key).cloned();
            let items: Vec<Item> =
                records.items.values().filter(|item| item.calendar == self.key).cloned().collect();
            let transactions = records.people[self.place]
                .transactions
                .iter()
                .filter(|(_, there)| there.calendar == self.key)
                .map(|(id, there)| (id.clone(), there.clone()))
                .collect();
            let folder = folder.expect("the calendar exists while the test saves it");
            Saved { folder, items, transactions, born: records.born }
        })
    }

    /// Puts back what was written down, in the place of everything that the calendar holds. The
    /// calendar gets the id that it had; other handles on it are void.
    pub fn put_back(&mut self, saved: &Saved) {
        let (before, key, owner) = (self.key, saved.folder.key, self.place);
        self.shared.write(|records| {
            records.items.retain(|_, item| item.calendar != before);
            records.calendars.remove(&before);
            records.calendars.insert(key, Folder { owner, ..saved.folder.clone() });
            for person in &mut records.people {
                for mount in person.calendars.iter_mut().filter(|m| m.calendar == before) {
                    mount.calendar = key;
                }
            }
            records.items.extend(saved.items.iter().map(|item| (item.key, item.clone())));
            records.people[owner].transactions.extend(saved.transactions.clone());
            records.born = records.born.max(saved.born);
        });
        self.key = key;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::Graph;

    #[tokio::test]
    async fn a_calendar_that_is_put_back_is_as_it_was_and_goes_on_from_there() {
        let [one, other] = [Graph::start().await.unwrap(), Graph::start().await.unwrap()];
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        one.clock().stand_at(now);
        other.clock().stand_at(now);
        other.account("ben@example.org");
        let [here, mut there] =
            [&one, &other].map(|graph| graph.account("anna@example.org").calendar("Work"));
        let event = |title: &str| {
            json!({
                "subject": title, "isAllDay": true,
                "start": {"dateTime": "2026-03-11T00:00:00", "timeZone": "UTC"},
                "end": {"dateTime": "2026-03-12T00:00:00", "timeZone": "UTC"},
            })
        };
        let lunch = here.add(event("lunch"));
        let dinner = here.add(event("dinner"));
        here.remove(&dinner);
        let written = serde_json::to_string(&here.saved()).unwrap();
        let saved = serde_json::from_str(&written).unwrap();
        there.put_back(&saved);
        assert_eq!((there.id(), there.revision()), (here.id(), here.revision()));
        assert_eq!(there.etag(&lunch), here.etag(&lunch));
        assert_eq!((there.len(), there.find("lunch").is_some()), (1, true));
        assert!(there.restore(&dinner), "Deleted Items too");
        assert_ne!(there.add(event("tea")), lunch, "no id is given twice");
        let token = one.account("anna@example.org").refresh_token();
        other.account("anna@example.org").put_back_refresh_token(&token);
        assert_eq!(other.account("anna@example.org").living_refresh_tokens(), 1);
    }
}
