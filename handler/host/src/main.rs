//! `calrelay`: keeps calendars in step. Reads the settings, starts the log, and does what the
//! command says.

mod accept;
mod azure;
mod cli;
mod clock;
mod config;
mod connect;
mod key_vault;
mod lazy;
mod mount;
mod operator;
mod run;
mod schedule;
mod services;
mod standalone;
mod stop;
mod storage;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    let settings = config::Loaded::read(cli.settings());
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
            tracing::error!("the system gives no threads to work with ({error}); nothing was done");
            ExitCode::FAILURE
        }
    }
}
