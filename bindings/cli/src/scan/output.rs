//! Where results go: standard output, a file that appears whole, one that grows line by line, or what is no plain file. Nothing
//! that was there is lost by mistake, and nobody else writes to it at the same time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use same_file::Handle;
use veravox::decode::header_kind;

use super::files::{AudioFile, is_recording_by_name};
use crate::interrupt::Litter;

/// How long somebody may take to open the other end of a pipe.
const PATIENCE: Duration = Duration::from_secs(5);

pub enum Output {
    Stdout,
    /// A device, a pipe: written as results come.
    Through {
        file: File,
        path: PathBuf,
    },
    /// A file of lines, of which only whole ones stay.
    Growing {
        file: File,
        path: PathBuf,
        n_whole: u64,
    },
    Whole {
        part: Part,
        path: PathBuf,
    },
}

/// What cannot be written, with the name of it.
fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

fn is_taken(path: &Path) -> String {
    format!("another veravox writes to {} at the moment", path.display())
}

impl Output {
    /// A place for results that appear whole or not at all.
    pub fn whole(path: &Path, inputs: &[AudioFile]) -> Result<Self, String> {
        if let Some(through) = through(path, inputs)? {
            return Ok(through);
        }
        let path = behind_links(path);
        let part = Part::open(&path)?;
        Ok(Self::Whole { part, path })
    }

    /// A place for lines, which must not be there yet.
    pub fn growing(path: &Path, inputs: &[AudioFile]) -> Result<Self, String> {
        if let Some(through) = through(path, inputs)? {
            return Ok(through);
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{} exists; go on with it by --resume, or remove it", path.display())
            }
            _ => cannot_write(path, &e),
        })?;
        lock(&file, path)?;
        Ok(Self::Growing { file, path: path.to_owned(), n_whole: 0 })
    }

    /// Writes some of the results. The error says what could not be written.
    pub fn put(&mut self, text: &str) -> io::Result<()> {
        let named = |path: &Path, e: io::Error| io::Error::new(e.kind(), cannot_write(path, &e));
        let bytes = text.as_bytes();
        match self {
            Self::Stdout => {
                let mut out = anstream::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            // Colours are for terminals.
            Self::Through { file, path } => {
                anstream::StripStream::new(&mut *file).write_all(bytes).map_err(|e| named(path, e))
            }
            Self::Whole { part, path } => {
                anstream::StripStream::new(&mut part.file).write_all(bytes).map_err(|e| named(path, e))
            }
            Self::Growing { file, path, n_whole } => match file.write_all(bytes) {
                Ok(()) => {
                    *n_whole += bytes.len() as u64;
                    Ok(())
                }
                Err(error) => {
                    // Half a line is worse than none. Where not even that can be done, --resume does it.
                    let _ = file.set_len(*n_whole);
                    let kept = "what was written before stays, and --resume goes on with it";
                    Err(io::Error::new(error.kind(), format!("{}; {kept}", cannot_write(path, &error))))
                }
            },
        }
    }

    /// Ends the results and says in words what became of them. Of an interrupted batch a whole file does not appear.
    pub fn close(self, interrupted: bool) -> Result<String, String> {
        match self {
            Self::Stdout => Ok("their results were printed".to_owned()),
            Self::Through { path, .. } => Ok(format!("their results went to {}", path.display())),
            Self::Growing { path, .. } => {
                Ok(format!("their results are kept in {}; go on with --resume", path.display()))
            }
            Self::Whole { path, .. } if interrupted => {
                Ok(format!("{} was not written (--jsonl keeps what is done, and can be gone on with)", path.display()))
            }
            Self::Whole { part, path } => {
                part.put_in_place(&path).map_err(|e| cannot_write(&path, &e))?;
                Ok(String::new())
            }
        }
    }
}

/// What is no plain file is written through; what must not be overwritten is refused.
fn through(path: &Path, inputs: &[AudioFile]) -> Result<Option<Output>, String> {
    let shown = path.display();
    let Ok(metadata) = fs::metadata(path) else { return Ok(None) };
    if metadata.is_dir() {
        return Err(format!("{shown} is a folder; name a file in it for the results"));
    }
    if !metadata.is_file() {
        let file = open_through(path).map_err(|e| cannot_write(path, &e))?;
        return Ok(Some(Output::Through { file, path: path.to_owned() }));
    }
    let handle = Handle::from_path(path).map_err(|e| cannot_write(path, &e))?;
    if inputs.iter().any(|input| Handle::from_path(&input.path).is_ok_and(|other| other == handle)) {
        return Err(format!("{shown} is one of the files to be scanned; the results would overwrite it"));
    }
    let mut head = Vec::new();
    // What cannot be read is no reason yet: that it can be written is found out below.
    let _ = File::open(path).and_then(|file| file.take(64).read_to_end(&mut head));
    if header_kind(&head).is_some() || metadata.len() > 0 && is_recording_by_name(path) {
        return Err(format!("{shown} is a recording, by its header or its name; the results would overwrite it"));
    }
    // A file that may not be written is not replaced either.
    OpenOptions::new().write(true).open(path).map_err(|e| cannot_write(path, &e))?;
    Ok(None)
}

/// Opens a device or a pipe. A pipe whose other end nobody has opened would block for ever.
fn open_through(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
        /// `O_NONBLOCK` of Linux, of the BSDs and of macOS.
        const NOT_BLOCKING: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 0o4000 } else { 4 };
        if fs::metadata(path)?.file_type().is_fifo() {
            let started = Instant::now();
            loop {
                match OpenOptions::new().write(true).custom_flags(NOT_BLOCKING).open(path) {
                    // Held until the other is open: a reader takes a pipe without writers for the end.
                    Ok(_first) => return OpenOptions::new().write(true).open(path),
                    Err(error) if started.elapsed() > PATIENCE => {
                        let nobody = error.raw_os_error() == Some(6);
                        return Err(if nobody { io::Error::other("nobody reads from this pipe") } else { error });
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
            }
        }
    }
    OpenOptions::new().write(true).open(path)
}

/// The file that a link leads to, whether it is there or not: a link stays a link.
fn behind_links(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().map_or(to.clone(), |folder| folder.join(&to));
    }
    at
}

/// Nobody else may write here until the file is closed.
pub fn lock(file: &File, path: &Path) -> Result<(), String> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(is_taken(path)),
        // Some network drives have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(cannot_write(path, &error)),
    }
}

/// A file beside the one that it becomes. It has one name, so that a second program finds it taken, and what a killed one left is
/// used again.
pub struct Part {
    pub file: File,
    path: PathBuf,
    _litter: Litter,
}

impl Part {
    pub fn open(of: &Path) -> Result<Self, String> {
        let name = of.file_name().ok_or_else(|| format!("{} is no name of a file", of.display()))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".veravox-part");
        let path = of.with_file_name(hidden);
        let open = || OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        loop {
            let file = open().map_err(|e| cannot_write(of, &e))?;
            lock(&file, of)?;
            // Between opening and locking another may have put it in its place.
            if is_at(&file, &path) {
                let litter = Litter::new(&path);
                file.set_len(0).map_err(|e| cannot_write(of, &e))?;
                return Ok(Self { file, path, _litter: litter });
            }
        }
    }

    /// Becomes the file that it is for, with the mode of the one that was there.
    pub fn put_in_place(self, of: &Path) -> io::Result<File> {
        if let Ok(metadata) = fs::metadata(of) {
            self.file.set_permissions(metadata.permissions())?;
        }
        self.file.sync_all()?;
        fs::rename(&self.path, of)?;
        let mut file = self.file.try_clone()?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(file)
    }
}

/// Whether this open file is still the one of this name.
pub fn is_at(file: &File, path: &Path) -> bool {
    let here = file.try_clone().and_then(Handle::from_file);
    here.is_ok_and(|here| Handle::from_path(path).is_ok_and(|there| here == there))
}
