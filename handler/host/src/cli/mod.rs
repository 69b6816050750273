//! The command line: one file for each command.
//!
//! With `--json` stdout holds one JSON document and nothing else; other text goes to stderr. The
//! exit status is 0 for done, 1 for failed, 2 for wrong usage. A command that fails before it has
//! an answer prints `{"error": {"code", "message"}}`.

mod account;
mod audit;
mod browser;
mod calendars;
mod clean_up;
mod command;
mod consent;
mod doctor;
mod explain;
mod outcome;
mod output;
mod pair;
mod password;
mod provider_words;
mod sign_in;
mod status;
mod sync;
mod token;
mod vault;
mod words;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use records::problem::Problem;

use self::command::Command;
use self::outcome::{CommandOutcome, Result};
use crate::config::LoadedSettings;
use crate::telemetry::LogReader;
use crate::terminal::Output;
use crate::{custom_handler, services, standalone};

/// Keeps calendars in step: Google, Microsoft 365, iCloud, Fastmail, Nextcloud, Radicale and any
/// other CalDAV server.
///
/// Without a command, calrelay keeps running and syncs all pairs every CALRELAY_POLL_SECONDS (60 by
/// default), until it is stopped with Ctrl-C. It listens on 127.0.0.1:7071, or on the address of
/// --listen; /health there shows whether it is well. If the Azure Functions host starts calrelay,
/// it serves as the custom handler.
#[derive(Debug, Parser)]
#[command(name = "calrelay", version)]
pub struct Cli {
    /// Answer with one JSON document on stdout, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// Take settings from this file; the environment has priority [default: local.settings.json in
    /// the data directory]
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Log more: -v what is done, -vv every step; RUST_LOG has priority
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Without a command: the address to listen on [default: 127.0.0.1:7071]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    /// Reads the arguments; invalid ones end the process with status 2.
    pub fn read() -> Self {
        let cli = Self::try_parse().unwrap_or_else(|error| refuse(&error));
        if cli.json && cli.command.is_none() {
            refuse(&Self::command().error(
                ErrorKind::MissingSubcommand,
                "--json belongs to a command that answers with data",
            ));
        }
        if cli.listen.is_some() && cli.command.is_some() {
            refuse(
                &Self::command().error(
                    ErrorKind::ArgumentConflict,
                    "--listen is for calrelay without a command",
                ),
            );
        }
        cli
    }

    /// The settings file that `--settings` names.
    pub fn settings(&self) -> Option<&Path> {
        self.settings.as_deref()
    }

    /// How many times `--verbose` is given.
    pub fn verbose(&self) -> u8 {
        self.verbose
    }

    /// The reader of the log.
    pub fn reader(&self, settings: &LoadedSettings) -> LogReader {
        match self.command {
            Some(_) => LogReader::Command,
            None if settings.under_functions_host => LogReader::FunctionsHost,
            None => LogReader::Service,
        }
    }

    /// Runs the command.
    pub async fn run(self, settings: LoadedSettings) -> ExitCode {
        let output = Output::new(self.json);
        let Some(command) = self.command else {
            return match Box::pin(serve(self.listen, settings, &output)).await {
                Ok(status) => status,
                Err(problem) => {
                    output.failure(&problem);
                    ExitCode::FAILURE
                }
            };
        };
        let outcome = Box::pin(dispatch(command, settings, &output)).await;
        match outcome {
            Ok(CommandOutcome::Done) => ExitCode::SUCCESS,
            Ok(CommandOutcome::Failed) => ExitCode::FAILURE,
            Err(problem) => {
                output.failure(&problem);
                ExitCode::FAILURE
            }
        }
    }
}

/// Ends the process: after `--help` or `--version` with status 0, else with status 2, and with
/// `--json` a document on stdout.
fn refuse(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let message = error.render().to_string();
        let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let message = format!(
            "The command is not used in this way: {first}. Nothing was done. --help says how it \
            is used."
        );
        let problem = Problem { code: "usage".into(), message };
        let _ = Output::new(true).answer(&serde_json::json!({ "error": problem }), String::new);
    }
    error.exit()
}

/// Without a command: serves the Functions host, or runs standalone.
async fn serve(
    listen: Option<SocketAddr>,
    settings: LoadedSettings,
    output: &Output,
) -> Result<ExitCode> {
    let findings = settings.findings();
    let mut config = settings.config.map_err(|wrong| wrong_settings(&wrong))?;
    if let Some(port) = config.functions_port {
        let (services, storage) = services::build_service(&config, findings).await?;
        audit::record_settings(&services.local(), settings.values);
        let served = custom_handler::serve(services, port, config.poll).await;
        storage.settle().await;
        return served.map_err(|error| Problem {
            code: "system".into(),
            message: format!(
                "Calrelay could not serve the Functions host on port {port} ({error})."
            ),
        });
    }
    let listen = match listen {
        Some(listen) => listen,
        None => standalone::LISTEN.parse().expect("a literal address"),
    };
    // Clients from other machines are not the machine's owner, who can reach its private hosts
    // anyway.
    config.allow_private_hosts &= listen.ip().is_loopback() || config.private_hosts_chosen;
    let (services, storage) = services::build_service(&config, findings).await?;
    audit::record_settings(&services.local(), settings.values);
    let this = standalone::Standalone { services, storage, config: &config, listen };
    standalone::serve(this, output).await.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(command: Command, settings: LoadedSettings, output: &Output) -> Result {
    if let Command::Doctor = command {
        return doctor::run(&settings, output).await;
    }
    let config = settings.config.map_err(|wrong| wrong_settings(&wrong))?;
    let (services, storage) = services::build(&config, settings.remarks).await?;
    let scope = services.local();
    let (actor, action) = (audit::actor(settings.user.as_deref()), command.audit_action());
    let work = async {
        match command {
            Command::Account(command) => account::run(&scope, &config, command, output).await,
            Command::Calendars(arguments) => calendars::run(&scope, &arguments, output).await,
            Command::Pair(command) => pair::run(&scope, &config, command, output).await,
            Command::Sync(arguments) => sync::run(&scope, &arguments, output).await,
            Command::CleanUp(arguments) => clean_up::run(&scope, &arguments, output).await,
            Command::Status => status::run(&scope, &config, output).await,
            Command::Explain(arguments) => explain::run(&scope, &arguments, output).await,
            Command::Vault(command) => vault::run(&services, &config, &command, output).await,
            Command::Token(command) => token::run(&scope, command, output).await,
            Command::SignIn => sign_in::run(&scope, output).await,
            Command::Audit => audit::run(&scope, output).await,
            Command::Doctor => unreachable!("answered above"),
        }
    };
    let outcome = Box::pin(audit::audited(&scope, &actor, action, output, work)).await;
    storage.settle().await;
    outcome
}

fn wrong_settings(wrong: &[String]) -> Problem {
    let message =
        format!("The settings cannot be used, and nothing was done: {}.", wrong.join("; "));
    Problem { code: "settings".into(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(arguments: &[&str]) -> std::result::Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("calrelay").chain(arguments.iter().copied()))
    }

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in [
            "",
            "--listen 127.0.0.1:0",
            "account add caldav --url https://dav.example.org/ --user anna --password-stdin --json",
            "account add icloud --user anna@example.org",
            "account add google",
            "account add google --link --json",
            "account add microsoft --refresh-token-stdin",
            "account list --json",
            "account remove a1",
            "calendars --account a1 --json",
            "--json calendars",
            "pair add --from c1 --to c2",
            "pair add --from c1 --to c2 --two-way --private --private-back --window-past 3mo \
            --window-future 90d --json",
            "pair list",
            "pair remove p1",
            "pair add --from c1 --to c2 --draft --json",
            "pair start p1 --json",
            "pair pause p1",
            "pair resume p1 --json",
            "sync",
            "sync --pair p1 --dry-run --full --json",
            "sync --pair p1 --confirm-deletions",
            "sync --pair p1 --make-again --json",
            "sync --pair p1 --leave-out",
            "pair add --from c1 --to c2 --take-over",
            "pair take-over p1 --json",
            "pair clean-up p1 --dry-run --include-edited --json",
            "clean-up --calendar c1 --dry-run --json",
            "clean-up --calendar c1 --yes",
            "status --json",
            "explain --pair p1 --event abc.ics",
            "explain --pair p1 --on 2026-12-03 --zone Europe/Berlin --json",
            "explain --pair p1 --on 2026-12-03 --titles",
            "doctor --json",
            "audit --json",
            "token add --name N --scope read,sync --expires-days 90 --json",
            "token add --name N --scope write",
            "token list --json",
            "token remove t1",
            "sign-in --json",
            "-v status",
            "sync -vv --settings x.json",
            "vault rotate --json",
            "vault rotate --webhooks-now",
        ] {
            let arguments: Vec<&str> = line.split_whitespace().collect();
            assert!(usage(&arguments).is_ok(), "{line}");
        }
    }

    #[test]
    fn wrong_usage_ends_with_two() {
        for line in [
            "account add caldav --user anna",
            "account add caldav --url https://dav.example.org/ --user anna --password hunter2",
            "pair add --from c1",
            "pair add --from c1 --to c2 --window-past 3weeks",
            "pair add --from c1 --to c2 --private-back",
            "sync --confirm-deletions",
            "sync --make-again",
            "sync --pair p1 --make-again --leave-out",
            "clean-up",
            "explain --pair p1",
            "explain --pair p1 --on 2026-02-30",
            "explain --pair p1 --on 2026-12-03 --event abc.ics",
            "explain --pair p1 --event abc.ics --zone UTC",
            "explain --pair p1 --on 2026-12-03 --titles --json",
            "account",
            "account add google --link --refresh-token-stdin",
            "status now",
            "vault",
            "vault rotate now",
            "token add --name N",
            "token add --name N --scope moon",
            "token add --name N --scope read --expires-days 367",
            "token",
            "sign-in now",
            "--listen nowhere",
        ] {
            let arguments: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(usage(&arguments).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
