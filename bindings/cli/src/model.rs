//! `veravox model check`: the rules of a model, one by one.

use std::io::Write as _;
use std::path::Path;

use veravox::Detector;
use veravox::model::{Kind, Rule, check, kind_of};

use crate::args::{Model, ModelCommand, Setup};
use crate::exit::{Exit, Outcome};
use crate::words::{GREEN, RED};

pub fn run(arguments: &Model, setup: &Setup) -> Outcome {
    let ModelCommand::Check { folder } = &arguments.command;
    setup.start_runtime()?;
    // A cascade or a fusion has rules of its own, and models that each keep theirs.
    if kind_of(folder).is_ok_and(|kind| kind != Kind::Model) {
        return check_whole(folder);
    }
    let mut n_passed = 0;
    let result = check(folder, &mut |_| n_passed += 1);
    let mut out = anstream::stdout().lock();
    for (index, rule) in Rule::ALL.iter().enumerate() {
        let rule = rule.describe();
        match &result {
            _ if index < n_passed => writeln!(out, "{GREEN}ok{GREEN:#}      {rule}")?,
            Err(error) if index == n_passed => writeln!(out, "{RED}broken{RED:#}  {rule}\n        {error}")?,
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

fn check_whole(folder: &Path) -> Outcome {
    let mut out = anstream::stdout().lock();
    match Detector::load(folder) {
        Ok(detector) => {
            let head = detector.report_head(0);
            for manifest in detector.manifests().chain(detector.second()) {
                writeln!(out, "{GREEN}ok{GREEN:#}      {} {}", manifest.name, manifest.version)?;
                for member in &manifest.members {
                    writeln!(out, "{GREEN}ok{GREEN:#}        {} {}", member.name, member.version)?;
                }
            }
            let (name, version) =
                head.cascade.map_or((head.model.name, head.model.version), |cascade| (cascade.name, cascade.version));
            writeln!(out, "{name} {version} is something that veravox can use")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(out, "{RED}broken{RED:#}  {error}")?;
            Ok(Exit::SomeFailed)
        }
    }
}
