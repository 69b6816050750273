//! `calrelay`: keeps calendars in step. Reads the settings, starts the log, and runs the command.

mod accept;
mod cli;
mod clock;
mod config;
#[cfg(test)]
mod consent_pages_tests;
mod custom_handler;
mod ingress;
mod invoke;
mod key_vault;
mod lazy_vault;
mod operator;
mod ownership;
mod progress;
mod registry;
mod routes;
mod schedule;
mod services;
mod shutdown;
mod standalone;
mod storage;
mod telemetry;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    let settings = config::LoadedSettings::read(cli.settings());
    telemetry::start(settings.log.as_deref(), cli.reader(&settings), cli.verbose());
    for remark in &settings.remarks {
        match &remark.fix {
            Some(fix) => tracing::warn!("{} {fix}", remark.message),
            None => tracing::info!("{}", remark.message),
        }
    }
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli.run(settings)),
        Err(error) => {
            tracing::error!("the system gives no threads ({error}); nothing was done");
            ExitCode::FAILURE
        }
    }
}
