//! `veravox model check`: the rules of a model, one by one.

use std::io::Write as _;

use anstyle::AnsiColor;
use veravox::model::{Rule, check};

use crate::args::{Model, ModelCommand, Setup};
use crate::exit::{Exit, Outcome};

pub fn run(arguments: &Model, setup: &Setup) -> Outcome {
    let ModelCommand::Check { folder } = &arguments.command;
    setup.start_runtime()?;
    let mut n_passed = 0;
    let result = check(folder, &mut |_| n_passed += 1);
    let (good, bad) = (AnsiColor::Green.on_default(), AnsiColor::Red.on_default().bold());
    let mut out = anstream::stdout().lock();
    for (index, rule) in Rule::ALL.iter().enumerate() {
        let rule = rule.describe();
        match &result {
            _ if index < n_passed => writeln!(out, "{good}ok{good:#}      {rule}")?,
            Err(error) if index == n_passed => writeln!(out, "{bad}broken{bad:#}  {rule}\n        {error}")?,
            _ => writeln!(out, "-       {rule}: not reached")?,
        }
    }
    match result {
        Ok(manifest) => {
            writeln!(out, "{} {} is a model that veravox can use", manifest.name, manifest.version)?;
            Ok(Exit::Done)
        }
        Err(_) => Ok(Exit::SomeFailed),
    }
}
