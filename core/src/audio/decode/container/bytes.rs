//! The bytes of a recording, for symphonia.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use symphonia::core::io::MediaSource;

use super::super::front::Front;

/// The bytes of a recording as symphonia takes them. Shared, so that a file can be opened a second time, or further behind.
#[derive(Clone)]
pub(super) struct SharedSource {
    pub inner: Arc<Mutex<Front>>,
    /// Where the recording starts and ends in the file; no end where it can be read from front to end only, as from a pipe.
    pub start: u64,
    pub end: Option<u64>,
}

impl SharedSource {
    pub fn lock(&self) -> MutexGuard<'_, Front> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for SharedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut front = self.lock();
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(front.position()));
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        front.read(buffer.get_mut(..most).unwrap_or_default())
    }
}

impl Seek for SharedSource {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::from(io::ErrorKind::InvalidInput);
        let mut front = self.lock();
        let to = match position {
            SeekFrom::Start(to) => self.start.checked_add(to),
            SeekFrom::Current(by) => front.position().checked_add_signed(by),
            SeekFrom::End(by) => self.end.ok_or_else(outside)?.checked_add_signed(by),
        };
        let to = to.filter(|to| *to >= self.start).ok_or_else(outside)?;
        Ok(front.seek(SeekFrom::Start(to))? - self.start)
    }
}

impl MediaSource for SharedSource {
    fn is_seekable(&self) -> bool {
        self.end.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.start))
    }
}
