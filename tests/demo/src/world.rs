//! Anna's two accounts on a real server, and what she does there.

use anyhow::{Context as _, ensure};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use simulators::agenda::Entry;
use simulators::person::Person;
use simulators::servers::Server;

use crate::agenda::{Line, in_step, lines, side_by_side};
use crate::sample::{Weeks, ZONE};

/// An account with one calendar.
pub struct Owner {
    /// The user name.
    pub user: &'static str,
    /// The password.
    pub password: &'static str,
    /// The calendar's name.
    pub calendar: &'static str,
}

/// Where Anna works.
pub const WORK: Owner =
    Owner { user: "anna@work.example", password: "correct horse battery", calendar: "Work" };
/// Where she lives.
pub const HOME: Owner =
    Owner { user: "anna@home.example", password: "staple kettle window", calendar: "Home" };

/// The server, and Anna at both calendars.
pub struct World {
    server: Server,
    work: Person,
    home: Person,
    weeks: Weeks,
    zone: TimeZone,
}

impl World {
    /// With all initial events of her calendars.
    pub async fn start() -> anyhow::Result<Self> {
        let server =
            Server::radicale(&[(WORK.user, WORK.password), (HOME.user, HOME.password)]).await?;
        let zone = TimeZone::get(ZONE)?;
        let monday = now().to_zoned(zone.clone()).date().nth_weekday(1, Weekday::Monday)?;
        let (work, home) = (calendar(&server, &WORK).await?, calendar(&server, &HOME).await?);
        let weeks = Weeks { monday };
        for (name, ics) in weeks.work() {
            work.put(name, &ics).await?;
        }
        for (name, ics) in weeks.home() {
            home.put(name, &ics).await?;
        }
        Ok(Self { server, work, home, weeks, zone })
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        self.server.url().as_str()
    }

    /// What Anna and her colleagues do between two passes, in words.
    pub async fn edits(&self) -> anyhow::Result<[&'static str; 3]> {
        let copy = self.name_of(&self.home, "Design review").await?;
        let ics = self.home.get(&copy).await?.context("the copy is gone")?;
        let later = self
            .weeks
            .an_hour_later(&ics, 2, ["13:00", "14:00"])
            .context("the copy has a time in a form that the demo does not know")?;
        self.home.put(&copy, &later).await?;
        let (name, ics) = self.weeks.school();
        self.home.put(name, &ics).await?;
        self.work.delete("lunch.ics").await?;
        Ok([
            "On her phone, at home, Anna moves the copy of \"Design review\" to 14:00.",
            "At home, she notes a \"Parents' evening\" for Thursday.",
            "At work, the \"Team lunch\" is called off.",
        ])
    }

    /// Both calendars, side by side.
    pub async fn both(&self) -> anyhow::Result<String> {
        let [work, home] = self.lines().await?;
        Ok(side_by_side([WORK.calendar, HOME.calendar], &work, &home))
    }

    /// The text that the copy of the meeting carries.
    pub async fn text_of_the_meeting_at_home(&self) -> anyhow::Result<String> {
        Ok(self.meeting_at_home().await?.text("DESCRIPTION"))
    }

    /// That the two calendars hold what the demo says they do.
    pub async fn check(&self) -> anyhow::Result<()> {
        let [work, home] = self.lines().await?;
        ensure!(
            in_step(&work, &home),
            "the calendars are not in step, which is a mistake in Calrelay"
        );
        let copy = self.meeting_at_home().await?;
        let guests = copy.event.all("ATTENDEE").count() + copy.event.all("ORGANIZER").count();
        ensure!(
            guests == 0 && !copy.text("DESCRIPTION").contains("http"),
            "the copy carries what it must not, which is a mistake in Calrelay"
        );
        Ok(())
    }

    async fn lines(&self) -> anyhow::Result<[Vec<Line>; 2]> {
        let Weeks { monday } = self.weeks;
        let end = monday.checked_add(4.weeks())?;
        let of = async |person: &Person| lines(&person.agenda().await?, &self.zone, monday, end);
        Ok([of(&self.work).await?, of(&self.home).await?])
    }

    async fn meeting_at_home(&self) -> anyhow::Result<Entry> {
        let agenda = self.home.agenda().await?;
        agenda
            .into_iter()
            .find(|entry| entry.summary() == "Quarter planning")
            .context("\"Quarter planning\" has no copy")
    }

    async fn name_of(&self, person: &Person, title: &str) -> anyhow::Result<String> {
        let agenda = person.agenda().await?;
        let entry = agenda.iter().find(|entry| entry.summary() == title);
        Ok(entry.with_context(|| format!("\"{title}\" is not in the calendar"))?.name.clone())
    }
}

async fn calendar(server: &Server, owner: &Owner) -> anyhow::Result<Person> {
    let account = server.account(owner.user).context("the server does not know the account")?;
    let person = account.calendar(&owner.calendar.to_lowercase()).await?;
    let name = format!(
        r#"<propertyupdate xmlns="DAV:"><set><prop><displayname>{}</displayname></prop></set></propertyupdate>"#,
        owner.calendar
    );
    let answer = account.client().xml("PROPPATCH", &person.path(), "0", &name).await?;
    ensure!(answer.status == 207, "the calendar's name was answered with {}", answer.status);
    Ok(person)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo's events must be in the future for the reader, and the program \
    under it runs on the system's clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
