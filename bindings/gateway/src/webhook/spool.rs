//! A folder that keeps messages until they were delivered, whatever happens to the process.
//!
//! A message is a file. It is written under another name, brought to the disk, and only then given its own name; a file with its
//! own name is therefore whole, and one without is what a crash left. It is removed when the target accepted it: after a crash
//! between the two it is delivered once more, and its id tells.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::webhook::message::{Message, MessageId};

const LOCK: &str = "lock";
/// Of the name that a message has while it is written.
const UNFINISHED: &str = ".part";

/// The folder.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    max_bytes: u64,
    /// Of the messages that are kept.
    n_bytes: AtomicU64,
    /// Held as long as the spool is used: two gateways must not deliver the same messages.
    _lock: File,
}

/// What was there when the folder was opened, oldest first, with the size of each.
pub type Kept = Vec<(MessageId, u64)>;

impl Spool {
    /// Opens the folder, made if it is not there, and lists what it keeps. What a crash left half written is removed.
    ///
    /// # Errors
    /// Where the folder cannot be made, read or written, or another process uses it.
    pub fn open(folder: &Path, max_bytes: u64) -> io::Result<(Self, Kept)> {
        make_folder(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another gateway uses this folder"),
            TryLockError::Error(error) => error,
        })?;
        let mut kept = Kept::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            } else if let Some(id) = MessageId::of_file(name) {
                kept.push((id, entry.metadata()?.len()));
            }
        }
        kept.sort();
        let n_bytes = kept.iter().map(|(_, n_bytes)| n_bytes).sum();
        Ok((Self { folder: folder.to_owned(), max_bytes, n_bytes: AtomicU64::new(n_bytes), _lock: lock }, kept))
    }

    /// Keeps messages. When this returns, those it says are on the disk.
    ///
    /// # Errors
    /// Where the disk or the spool is full, or the disk fails: for the message of the same place. The others are kept.
    pub fn keep(&self, messages: &[Message]) -> Vec<io::Result<()>> {
        let written: Vec<_> = messages.iter().map(|message| self.write(message)).collect();
        if written.iter().all(Result::is_err) {
            return written;
        }
        // One for all: that their new names are on the disk.
        match File::open(&self.folder).and_then(|folder| folder.sync_all()) {
            Ok(()) => written,
            Err(error) => written.into_iter().map(|done| done.and(Err(io::Error::from(error.kind())))).collect(),
        }
    }

    fn write(&self, message: &Message) -> io::Result<()> {
        let n_bytes = message.body.len() as u64;
        if self.n_bytes().saturating_add(n_bytes) > self.max_bytes {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the spool has its largest size"));
        }
        let path = self.path(&message.id);
        let unfinished = path.with_extension(format!("json{UNFINISHED}"));
        let done = write_and_sync(&unfinished, &message.body).and_then(|()| fs::rename(&unfinished, &path));
        match &done {
            Ok(()) => drop(self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed)),
            // Half a message has no use, and its room on a full disk has.
            Err(_) => drop(fs::remove_file(&unfinished)),
        }
        done
    }

    /// Reads a message.
    ///
    /// # Errors
    /// Where it is not there any more or the disk fails.
    pub fn read(&self, id: &MessageId) -> io::Result<Vec<u8>> {
        fs::read(self.path(id))
    }

    /// Forgets a message that was delivered.
    pub fn remove(&self, id: &MessageId) {
        let path = self.path(id);
        let n_bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        // Where it cannot be removed, it is delivered once more after the next start.
        if fs::remove_file(&path).is_ok() {
            self.n_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
        }
    }

    /// Bytes of the messages that are kept.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes.load(Ordering::Relaxed)
    }

    fn path(&self, id: &MessageId) -> PathBuf {
        self.folder.join(id.file())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// For the eyes of this user alone.
fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: u64) -> Message {
        Message {
            id: MessageId::of_parts(1_700_000_000_000 + n, n),
            body: format!("{{\"n\":{n}}}").into_bytes().into(),
        }
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, kept) = Spool::open(folder.path(), 1_000).unwrap();
        assert!(kept.is_empty());
        let messages: Vec<_> = [2, 1, 3].map(message).into();
        assert!(spool.keep(&messages).iter().all(Result::is_ok));
        spool.remove(&message(1).id);
        drop(spool);
        // A crash while a fourth was written.
        fs::write(folder.path().join("msg_x.json.part"), "{\"n\"").unwrap();
        let (spool, kept) = Spool::open(folder.path(), 1_000).unwrap();
        assert_eq!(kept.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&message(2).id, &message(3).id]);
        assert_eq!(spool.read(&message(3).id).unwrap(), b"{\"n\":3}");
        assert_eq!(spool.n_bytes(), 14);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "two messages and the lock");
    }

    #[test]
    fn two_gateways_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Spool::open(folder.path(), 1_000).unwrap();
        let error = Spool::open(folder.path(), 1_000).unwrap_err();
        assert!(error.to_string().contains("another gateway"), "{error}");
        drop(first);
        Spool::open(folder.path(), 1_000).unwrap();
    }

    #[test]
    fn a_full_spool_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(folder.path(), 15).unwrap();
        let results = spool.keep(&[message(1), message(2), message(3)]);
        assert!(results[0].is_ok() && results[1].is_ok());
        assert_eq!(results[2].as_ref().unwrap_err().kind(), io::ErrorKind::StorageFull);
        spool.remove(&message(1).id);
        assert!(spool.keep(&[message(3)])[0].is_ok(), "there is room again");
    }

    #[test]
    fn a_disk_that_fails_leaves_nothing_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(folder.path(), 1_000).unwrap();
        // A folder stands where the file is to be.
        fs::create_dir_all(folder.path().join(message(1).id.file()).join("x")).unwrap();
        let results = spool.keep(&[message(1), message(2)]);
        assert!(results[0].is_err() && results[1].is_ok());
        assert!(!fs::read_dir(folder.path()).unwrap().any(|e| e.unwrap().path().extension() == Some("part".as_ref())));
    }
}
