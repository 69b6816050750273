//! `cargo run -p demo`: the main job for a newcomer, in a minute and on this machine alone.
//!
//! A real CalDAV server (Radicale) with two invented calendars, and the real program: connect both,
//! pair them, look first, sync, edit, sync again. What is printed after a `$` is what a person
//! would type. Nothing is left running, and nothing outside `target/` and a temporary directory is
//! touched.

mod agenda;
mod program;
mod sample;
mod world;

use std::process::ExitCode;

use program::Program;
use world::{HOME, WORK, World};

#[tokio::main]
async fn main() -> ExitCode {
    // Ctrl-C ends the demonstration as a failure does, so that server and data are removed.
    let ended = tokio::select! {
        ended = story() => ended,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("you asked it to")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo stopped: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn story() -> anyhow::Result<()> {
    let program = Program::build()?;
    println!(
        "Setting up a CalDAV server on this machine (Radicale, under target/servers; the first \
        time takes a minute) …"
    );
    let world = World::start().await?;
    println!(
        "\nAnna has a work calendar and a home calendar, in two accounts. The stand-up is a \
        weekly series, once moved and once cancelled:\n"
    );
    print!("{}", world.both().await?);

    heading("Connect both accounts");
    let url = world.url();
    program.run(
        &["account", "add", "caldav", "--url", url, "--user", WORK.user, "--password-stdin"],
        WORK.password,
    )?;
    program.run(
        &["account", "add", "caldav", "--url", url, "--user", HOME.user, "--password-stdin"],
        HOME.password,
    )?;
    program.run(&["calendars"], "")?;

    heading("Pair them, both ways. Home sees work in full; work sees of home only \"Busy\"");
    let calendars = program.json(&["calendars"])?;
    let (work, home) = (
        program::id_of_calendar(&calendars, WORK.calendar)?,
        program::id_of_calendar(&calendars, HOME.calendar)?,
    );
    program
        .run(&["pair", "add", "--from", &work, "--to", &home, "--two-way", "--private-back"], "")?;

    heading("Look first: nothing is written");
    program.run(&["sync", "--dry-run"], "")?;
    println!("\nEvents are named by their ids here: no title is in a list, a log or the database.");

    heading("Sync");
    program.counts(&["sync"])?;

    heading("Life goes on");
    for line in world.edits().await? {
        println!("  - {line}");
    }
    println!();
    program.run(&["sync"], "")?;
    println!("\nOnce more, to see that all is quiet now:");
    program.run(&["sync"], "")?;
    println!();
    program.run(&["status"], "")?;

    heading("Both calendars now, read back from the server");
    print!("{}", world.both().await?);
    println!(
        "\n\"Quarter planning\" has a Teams link and two guests. Its copy has no link and no \
        guests; its text is:\n"
    );
    for line in world.text_of_the_meeting_at_home().await?.lines() {
        println!("  | {line}");
    }
    world.check().await?;
    drop(world);
    println!("{}", GO_ON.replace("CALRELAY", &program.path().display().to_string()));
    Ok(())
}

fn heading(words: &str) {
    println!("\n== {words}");
}

const GO_ON: &str = "
The server has been stopped and its data is gone. To go on with calendars of your own:

  CALRELAY account add icloud --user you@example.com       (asks for an app-specific password)
  CALRELAY account add caldav --url https://… --user …     (Fastmail, Nextcloud, Radicale …)

README.md goes on from there.";
