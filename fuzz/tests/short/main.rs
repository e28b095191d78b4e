//! A short run of every target, as plain tests: over its seeds and all files of `testdata/crashes`, and over what chance makes of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that fails by a panic is how tests fail"
)]

mod mutate;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use veravox_fuzz::{TARGETS, Target, crashes, tried};

use mutate::Mutator;
use watch::{Finding, Watched};

/// How long each target is given what chance makes, on the clock. Two run at a time on two cores.
const AT_CHANCE: Duration = Duration::from_secs(5);
/// Far more than any input needs on a machine that others use too, far less than for ever.
const PATIENCE: Duration = Duration::from_mins(1);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn short_run(target: Target) {
    let seeds = (target.seeds)();
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), target.name);
    let found = Watched::default().holds(PATIENCE, move |now| {
        for (name, bytes) in seeds.iter().chain(&crashes()) {
            now.tries(target.run, name, bytes)?;
        }
        let (mut mutator, began, mut n) = (Mutator::new(seed, seeds), Instant::now(), 0_u64);
        while began.elapsed() < AT_CHANCE {
            now.tries(target.run, &format!("input {n} of seed {seed:#x}"), &mutator.input())?;
            n += 1;
        }
        Ok(n)
    });
    match found {
        Ok(n) => println!("{}: {n} inputs by chance", target.name),
        Err(Finding { name, words, bytes }) => {
            let kept = folder("artifacts").join(target.name);
            std::fs::create_dir_all(&kept).unwrap();
            let file = kept.join(format!("crash-{seed:016x}"));
            std::fs::write(&file, bytes).unwrap();
            panic!(
                "{}, {name}: {words}\nthe input is {}; a copy in testdata/crashes goes through every target first",
                target.name,
                file.display()
            );
        }
    }
}

/// A test for each target.
macro_rules! short_runs {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            short_run(TARGETS.into_iter().find(|target| target.name == stringify!($name)).unwrap());
        })*
        const TESTS: &[&str] = &[$(stringify!($name)),*];
    };
}

short_runs!(capture container gateway manifest packets stream telephony wav);

#[test]
fn every_target_has_a_test_and_a_program() {
    let programs = std::fs::read_dir(folder("libfuzzer/targets")).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> = programs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    programs.sort();
    assert_eq!(TARGETS.map(|target| target.name).as_slice(), TESTS);
    assert_eq!(programs, TESTS);
}

#[test]
fn a_panic_is_a_finding_unless_it_is_caught() {
    let picky = |bytes: &[u8]| assert!(bytes.is_empty(), "there is something");
    let caught = |bytes: &[u8]| assert!(std::panic::catch_unwind(|| assert!(bytes.is_empty())).is_err());
    assert_eq!((tried(picky, b""), tried(caught, b"x")), (Ok(()), Ok(())));
    let found = Watched::default().holds(PATIENCE, move |now| now.tries(picky, "an x", b"x")).unwrap_err();
    assert_eq!((found.name.as_str(), found.bytes.as_slice()), ("an x", b"x".as_slice()));
    assert!(found.words.contains("there is something"), "{}", found.words);
}

#[test]
fn what_takes_too_long_is_a_finding() {
    let slow = |_: &[u8]| std::thread::sleep(Duration::from_secs(2));
    let found =
        Watched::default().holds(Duration::from_millis(100), move |now| now.tries(slow, "a", b"b")).unwrap_err();
    assert_eq!((found.words.as_str(), found.bytes.as_slice()), ("took more than 100ms", b"b".as_slice()));
}
