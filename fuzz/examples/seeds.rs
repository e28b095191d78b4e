//! Lays out what the targets start from, for `libFuzzer`: `seeds DIR` writes DIR/TARGET/NAME.

use std::path::PathBuf;
use std::{env, fs, io};

use veravox_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| io::Error::other("expected a folder"))?;
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in (target.seeds)() {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
