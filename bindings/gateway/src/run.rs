//! The program: arguments, signals, beginning and end.

use std::ffi::OsString;
use std::sync::Arc;

use anstream::{eprintln, println};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Arguments, Command};
use crate::config::{DEFAULTS, Source};
use crate::gateway::Gateway;
use crate::journal;
use crate::loadtest;
use crate::outlets::Outlets;
use crate::serve::Listeners;

/// The configuration cannot be used, or an address.
const REFUSED: u8 = 2;

/// Runs the program with these arguments, the first of which is its name, and gives the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(help_or_error) => {
            // Where not even this can be written, nobody is left to be told.
            let _ = help_or_error.print();
            return help_or_error.exit_code() as u8;
        }
    };
    if arguments.print_config {
        anstream::print!("{DEFAULTS}");
        return 0;
    }
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(loadtest::THREAD_NAME).build() {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&format!("cannot start: {error}")),
        };
    let Arguments { command, config, model, calibration, check: only_check, .. } = arguments;
    let source = Source { path: config, model, calibration };
    let done = match command {
        Some(Command::Loadtest(arguments)) => runtime.block_on(loadtest::run(&arguments)),
        None if only_check => check(source),
        None => runtime.block_on(serve(source)),
    };
    done.map_or_else(|words| refuse(&words), |()| 0)
}

fn refuse(words: &str) -> u8 {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    eprintln!("{style}error:{style:#} {words}");
    REFUSED
}

fn check(source: Source) -> Result<(), String> {
    let gateway = Gateway::start(source)?;
    let engine = gateway.scorer.engine().map_err(|missing| missing.words)?;
    for manifest in engine.detector().manifests() {
        println!("model        {} {}", manifest.name, manifest.version);
    }
    Outlets::check(&gateway.config)?;
    Listeners::check(&gateway)?;
    println!("the configuration is good");
    Ok(())
}

async fn serve(source: Source) -> Result<(), String> {
    let signals = || -> std::io::Result<_> {
        Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?))
    };
    let (mut terminate, mut interrupt, mut hangup) = signals().map_err(|e| format!("cannot wait for signals: {e}"))?;
    let gateway = Gateway::start(source)?;
    journal::start(gateway.config.log);
    if let Err(missing) = gateway.scorer.engine() {
        tracing::error!(cause = missing.fault.as_str(), reason = missing.words, "calls are not watched");
    }
    let outlets = Outlets::start(&gateway)?;
    let listeners = Listeners::bind(&gateway).await?;
    tracing::info!(
        audiosocket = listeners.audiosocket().map(tracing::field::display),
        http = listeners.http().map(tracing::field::display),
        "ready"
    );
    let serving = tokio::spawn(listeners.serve(Arc::clone(&gateway), Arc::clone(&outlets)));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                let reloading = Arc::clone(&gateway);
                match tokio::task::spawn_blocking(move || reloading.reload()).await {
                    Ok(Ok(())) => tracing::info!("reloaded"),
                    Ok(Err(reason)) => tracing::error!(reason, "not reloaded, all stays as it was"),
                    Err(_) => tracing::error!("reloading failed by a panic, please report it"),
                }
            }
        }
    }
    tracing::info!(legs = gateway.hub.n_legs(), "stopping");
    gateway.stop();
    let _ = serving.await;
    outlets.finish(gateway.config.limits.drain()).await;
    Ok(())
}
