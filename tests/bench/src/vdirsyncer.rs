//! vdirsyncer 0.21, for comparison: the same two calendars, synced its own way. It always syncs
//! both ways; with one side empty that is a copy.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process;
use crate::stage::{End, own_data};

/// A configuration with one pair.
#[derive(Debug)]
pub struct Vdirsyncer {
    python: PathBuf,
    dir: TempDir,
}

impl Vdirsyncer {
    /// Configures it, and lets it find the two calendars.
    ///
    /// # Errors
    /// Where it does not find them.
    pub async fn connect(ends: &[End; 2], source: &str, target: &str) -> anyhow::Result<Self> {
        let this = Self { python: simulators::servers::python().await?, dir: own_data()? };
        let status = this.dir.path().join("status");
        let mut config = format!(
            "[general]\nstatus_path = \"{}\"\n\n[pair bench]\na = \"source\"\nb = \
            \"target\"\ncollections = [[\"bench\", \"{source}\", \
             \"{target}\"]]\nconflict_resolution = \"a wins\"\n",
            status.display()
        );
        for (name, end) in ["source", "target"].into_iter().zip(ends) {
            config.push_str(&format!(
                "\n[storage {name}]\ntype = \"caldav\"\nurl = \"{}\"\nusername = \"{}\"\npassword \
                = \"{}\"\n",
                end.url(),
                end.user,
                end.password
            ));
        }
        fs::write(this.dir.path().join("config"), config)?;
        process::run(this.command("discover"), "").await?;
        Ok(this)
    }

    /// One pass, to be run.
    pub fn pass(&self) -> Command {
        self.command("sync")
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", "vdirsyncer", "--config"])
            .arg(self.dir.path().join("config"))
            .arg(verb);
        command.current_dir(self.dir.path());
        command
    }
}
