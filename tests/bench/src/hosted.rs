//! Calrelay as it is deployed: the folder that the Functions host is given, and what the system
//! knows of the processes in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use simulators::azurite::Azurite;
use store::azure::{AccountSettings, Azure};
use tempfile::TempDir;

use crate::stage::own_data;

/// The two kinds of storage, as they are headed.
pub const STORAGES: [&str; 2] = ["embedded", "Azurite"];

/// An app's folder, thrown away with this.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// As `infra/package.sh` makes it: the program, `host.json`, and the `function.json` of each
    /// function. Where the program is in such a folder already, that folder is copied.
    ///
    /// # Errors
    /// Where a file is missing.
    pub fn lay(program: &Path) -> anyhow::Result<Self> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packaged = program.parent().filter(|parent| parent.join("host.json").is_file());
        let (host, functions) = match packaged {
            Some(package) => (package.join("host.json"), package.to_owned()),
            None => (repository.join("host.json"), repository.join("functions")),
        };
        let folder = own_data()?;
        fs::copy(program, folder.path().join("calrelay")).context("the program")?;
        fs::copy(host, folder.path().join("host.json")).context("host.json")?;
        for entry in fs::read_dir(functions)? {
            let entry = entry?;
            let trigger = entry.path().join("function.json");
            if trigger.is_file() {
                let place = folder.path().join(entry.file_name());
                fs::create_dir(&place)?;
                fs::copy(trigger, place.join("function.json"))?;
            }
        }
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program in it.
    pub fn program(&self) -> PathBuf {
        self.0.path().join("calrelay")
    }
}

/// The settings for embedded storage under the Functions host.
pub fn embedded() -> Vec<(String, String)> {
    settings(&[("CALRELAY_STORE", "embedded")])
}

/// The settings for storage in the account of this connection string.
pub fn azure(connection: &str) -> Vec<(String, String)> {
    settings(&[("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage", connection)])
}

fn settings(given: &[(&str, &str)]) -> Vec<(String, String)> {
    // The servers here are on the loopback.
    given
        .iter()
        .chain(&[("CALRELAY_ALLOW_PRIVATE_HOSTS", "true")])
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A client of its own for this storage, which counts.
///
/// # Errors
/// Where the connection string is none.
pub fn storage(azurite: &Azurite) -> anyhow::Result<Azure> {
    Ok(Azure::connect(&AccountSettings::from_connection_string(&azurite.connection_string())?)?)
}

/// A running process, as `/proc` has it.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Resident: what is counted against an instance.
    pub resident: u64,
    /// Its share of it: pages that others have too are counted in part.
    pub share: u64,
    /// Of the resident, what was written and belongs to no file.
    pub own: u64,
    /// Threads.
    pub threads: u64,
}

impl Process {
    /// Of this process itself.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// With this id.
    pub fn of(id: u32) -> Self {
        Self(id)
    }

    /// Those that were started with this text in a path or an argument, but for ourselves.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(text: &str) -> anyhow::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").context("this part needs /proc")? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            if id != std::process::id() && String::from_utf8_lossy(&line).contains(text) {
                found.push(Self(id));
            }
        }
        ensure!(!found.is_empty(), "a process that was started is not there");
        Ok(found)
    }

    /// What it holds at this moment.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn held(self) -> anyhow::Result<Held> {
        let map = self.read("smaps_rollup")?;
        Ok(Held {
            resident: kib(&map, "Rss:"),
            share: kib(&map, "Pss:"),
            own: kib(&map, "Anonymous:"),
            threads: fs::read_dir(format!("/proc/{}/task", self.0))?.count() as u64,
        })
    }

    /// The time that processors spent on it so far, in milliseconds, to the nearest ten.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn worked(self) -> anyhow::Result<u64> {
        processor_time(&self.read("stat")?).context("/proc/PID/stat")
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.0))
            .with_context(|| format!("process {} has ended", self.0))
    }
}

fn kib(map: &str, name: &str) -> u64 {
    let line = map.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// utime and stime, in hundredths of a second on every Linux that there is.
fn processor_time(stat: &str) -> Option<u64> {
    // The second field is a name in brackets, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((next()? + next()?) * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_by_its_name() {
        let map = "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:               16588 \
        kB\nPss:               14890 kB\nPss_Anon: 9 kB\n";
        assert_eq!((kib(map, "Rss:"), kib(map, "Pss:"), kib(map, "Swap:")), (16_588, 14_890, 0));
    }

    #[test]
    fn the_time_on_processors_is_found_behind_any_name() {
        let stat = "71 (a) b (c)) S 1 71 71 0 -1 4194560 900 0 0 0 12 30 5 5 20 0 4 0 100 200 300";
        assert_eq!(processor_time(stat), Some(420));
        assert_eq!(processor_time("71 (cut"), None);
    }

    #[test]
    fn a_process_knows_itself() {
        let held = Process::own().held().unwrap();
        assert!(
            held.resident >= held.own
                && held.share <= held.resident
                && held.share > 0
                && held.threads > 0,
            "{held:?}"
        );
        assert!(Process::named("no process was ever started with these words").is_err());
    }
}
