//! Damages files of every container and reads them: none may panic, hang, take much memory or go on for ever.
//!
//! `cargo run --release -p veravox --example mutate -- --seconds 60 --seed 1`, and with `--only captures` those of that folder of
//! `testdata` alone.

#![expect(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "a program")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use veravox::decode::{AudioReader, DecodeOptions};

/// Far more than any of these files needs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Decoded samples after which a file is given up: damaged headers may promise days.
const MAX_SAMPLES: u64 = 50_000_000;
/// Words that mean something in containers.
const WORDS: [&[u8]; 17] = [
    b"RIFF",
    b"RF64",
    b"WAVE",
    b"fmt ",
    b"data",
    b"LIST",
    b"fLaC",
    b"OggS",
    b"moov",
    b"stsd",
    b"mdat",
    b"ID3\x04",
    b"\x1a\x45\xdf\xa3",
    b"FORM",
    b"\nv=0\r\n",
    b"m=audio 4 RTP/AVP 0 8 97\r\n",
    b"a=rtpmap:97 opus/48000\r\n",
];

/// The file that is read, and since when.
type AtWork = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

fn main() {
    let value = |name: &str, otherwise: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (seconds, seed) = (value("--seconds", 60), value("--seed", 1));
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    let seeds = seeds(only.as_deref());
    assert!(seeds.len() > 10, "the files to damage are not there");

    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let at_work: AtWork = Arc::default();
    watch(Arc::clone(&at_work));
    std::panic::set_hook(Box::new(|_| {}));
    let started = Instant::now();
    let (mut n_tried, mut n_audio, mut failures) = (0_u64, 0_u64, 0_u64);
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        let (path, whole) = &seeds[(random.next_u64() % seeds.len() as u64) as usize];
        let bytes = damaged(whole, &seeds, &mut random);
        *at_work.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), bytes.clone()));
        let pipe = random.next_u64().is_multiple_of(4);
        match catch_unwind(AssertUnwindSafe(|| read(&bytes, path, pipe))) {
            Ok(Ok(n_samples)) => n_audio += u64::from(n_samples > 0),
            Ok(Err(kind)) => *errors.entry(kind).or_default() += 1,
            Err(_) => {
                failures += 1;
                keep(&bytes, "panic");
            }
        }
        n_tried += 1;
    }
    let errors: Vec<String> = errors.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    println!(
        "Damaged files: {n_tried} tried in {seconds} s from seed {seed} and {} whole ones, {n_audio} of them still audio; errors: {}; \
         panics and hangs: {failures}. Most memory: {} MB.",
        seeds.len(),
        errors.join(", "),
        most_memory_mb()
    );
    std::process::exit(i32::from(failures > 0));
}

/// All small files of the tests, whole and already broken.
fn seeds(only: Option<&str>) -> Vec<(PathBuf, Vec<u8>)> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let mut paths: Vec<PathBuf> = ["formats", "bad", "captures"]
        .iter()
        .filter(|folder| only.is_none_or(|only| only == **folder))
        .filter_map(|folder| std::fs::read_dir(testdata.join(folder)).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .collect();
    paths.sort();
    let read = |path: PathBuf| std::fs::read(&path).ok().map(|bytes| (path, bytes));
    paths.into_iter().filter_map(read).filter(|(_, bytes)| (1..200_000).contains(&bytes.len())).collect()
}

/// Up to sixteen wounds: bytes, words and sizes changed, pieces cut out, doubled, or taken from another file.
fn damaged(whole: &[u8], all: &[(PathBuf, Vec<u8>)], random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=random.next_u64() % 16 {
        if bytes.is_empty() {
            break;
        }
        let n = bytes.len();
        // Heads say more than samples do.
        let reach = if random.next_u64().is_multiple_of(3) { n } else { n.min(256) };
        let at = (random.next_u64() % reach as u64) as usize;
        let other = &all[(random.next_u64() % all.len() as u64) as usize].1;
        match random.next_u64() % 8 {
            0 | 1 => bytes[at] = random.next_u64() as u8,
            2 => bytes[at] ^= 1 << (random.next_u64() % 8),
            3 => {
                let sizes =
                    [0_u32, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, n as u32, n as u32 + 1, random.next_u64() as u32];
                let size = sizes[(random.next_u64() % sizes.len() as u64) as usize];
                let size = if random.next_u64().is_multiple_of(2) { size.to_le_bytes() } else { size.to_be_bytes() };
                bytes.iter_mut().skip(at).zip(size).for_each(|(byte, new)| *byte = new);
            }
            4 => {
                let word = WORDS[(random.next_u64() % WORDS.len() as u64) as usize];
                bytes.iter_mut().skip(at).zip(word).for_each(|(byte, new)| *byte = *new);
            }
            5 => bytes.truncate(at),
            6 => {
                let to = (at + (random.next_u64() % 512) as usize).min(n);
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let from = (random.next_u64() % other.len() as u64) as usize;
                let to = (from + (random.next_u64() % 4_096) as usize).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

fn read(bytes: &[u8], path: &Path, pipe: bool) -> Result<u64, &'static str> {
    let options = DecodeOptions::default();
    let opened = if pipe {
        AudioReader::from_pipe(Box::new(std::io::Cursor::new(bytes.to_vec())), &options)
    } else {
        AudioReader::from_bytes(bytes.to_vec(), path.extension().and_then(|e| e.to_str()), &options)
    };
    let mut reader = opened.map_err(|error| error.kind().as_str())?;
    while reader.next_chunk().map_err(|error| error.kind().as_str())?.is_some() {
        if reader.samples_read() > MAX_SAMPLES {
            break;
        }
    }
    Ok(reader.samples_read())
}

/// A hang is ended, with the file that brought it kept.
fn watch(at_work: AtWork) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = at_work.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, bytes)) = now.as_ref()
                && since.elapsed() > PATIENCE
            {
                keep(bytes, "hang");
                eprintln!("a file was not read within {} s", PATIENCE.as_secs());
                std::process::exit(1);
            }
        }
    });
}

fn keep(bytes: &[u8], what: &str) {
    static N: AtomicU64 = AtomicU64::new(0);
    let path = std::env::temp_dir().join(format!("veravox-{what}-{}.bin", N.fetch_add(1, Ordering::Relaxed)));
    let kept = std::fs::write(&path, bytes);
    eprintln!("{what}: {} ({kept:?})", path.display());
}

/// The most memory that the process ever held; 0 where the system does not tell.
fn most_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kb| kb / 1_024)
}
