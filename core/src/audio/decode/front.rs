//! The bytes of a file from front to end, with a look at what comes next.

use std::io::{self, Read, Seek, SeekFrom};

use super::source::AudioSource;

/// A source of bytes whose next ones can be looked at before they are read: what a file is stands in its first bytes, and
/// what follows the audio in the ones behind it. A pipe has it too, since nothing is read twice.
pub(super) struct Front {
    source: Box<dyn AudioSource>,
    /// Bytes that were looked at and not yet read.
    ahead: Vec<u8>,
    position: u64,
    n_bytes: Option<u64>,
}

impl Front {
    /// `n_bytes` is none where nobody knows how many will come.
    pub fn new(source: Box<dyn AudioSource>, n_bytes: Option<u64>) -> Self {
        Self { source, ahead: Vec::new(), position: 0, n_bytes }
    }

    /// Where the next byte stands.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of the whole file, where that is known.
    pub fn n_bytes(&self) -> Option<u64> {
        self.n_bytes
    }

    /// Bytes still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        self.n_bytes.map(|n| n.saturating_sub(self.position))
    }

    /// The next `n` bytes, fewer at the end.
    pub fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let missing = n.saturating_sub(self.ahead.len());
        if missing > 0 {
            self.source.by_ref().take(missing as u64).read_to_end(&mut self.ahead)?;
        }
        Ok(self.ahead.get(..n.min(self.ahead.len())).unwrap_or_default())
    }

    /// Passes over `n` bytes. How many there were.
    pub fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut rest = n;
        let looked_at = usize::try_from(n).unwrap_or(usize::MAX).min(self.ahead.len());
        self.ahead.drain(..looked_at);
        rest -= looked_at as u64;
        if rest == 0 {
            self.position += n;
            return Ok(n);
        }
        if let Some(n_bytes) = self.n_bytes {
            let here = self.position + looked_at as u64;
            let now = rest.min(n_bytes.saturating_sub(here));
            self.source.seek(SeekFrom::Start(here + now))?;
            rest -= now;
        } else {
            rest -= io::copy(&mut self.source.by_ref().take(rest), &mut io::sink())?;
        }
        self.position += n - rest;
        Ok(n - rest)
    }

    /// Exactly `n` bytes, or none where fewer are left.
    pub fn read_exactly(&mut self, n: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.by_ref().take(n as u64).read_to_end(&mut bytes)?;
        Ok((bytes.len() == n).then_some(bytes))
    }
}

impl Read for Front {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = if self.ahead.is_empty() {
            self.source.read(buffer)?
        } else {
            let n = buffer.len().min(self.ahead.len());
            for (to, from) in buffer.iter_mut().zip(self.ahead.drain(..n)) {
                *to = from;
            }
            n
        };
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for Front {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Current(by) => {
                let wanted = self.position.checked_add_signed(by);
                SeekFrom::Start(wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?)
            }
            other => other,
        };
        if to == SeekFrom::Start(self.position) {
            return Ok(self.position);
        }
        self.position = self.source.seek(to)?;
        self.ahead.clear();
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A source that cannot seek and gives a few bytes at a time.
    struct Drops(Cursor<Vec<u8>>);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = buffer.len().min(3);
            self.0.read(&mut buffer[..n])
        }
    }

    impl Seek for Drops {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }
    }

    #[test]
    fn what_was_looked_at_is_read_once() {
        let bytes: Vec<u8> = (0..100).collect();
        for known in [true, false] {
            let mut front = if known {
                Front::new(Box::new(Cursor::new(bytes.clone())), Some(100))
            } else {
                Front::new(Box::new(Drops(Cursor::new(bytes.clone()))), None)
            };
            assert_eq!(front.peek(4).unwrap(), [0, 1, 2, 3]);
            assert_eq!(front.peek(8).unwrap().len(), 8);
            assert_eq!(front.read_exactly(2).unwrap().unwrap(), [0, 1]);
            assert_eq!(front.skip(10).unwrap(), 10);
            assert_eq!(front.position(), 12);
            assert_eq!(front.peek(8).unwrap()[..2], [12, 13]);
            assert_eq!(front.skip(4).unwrap(), 4);
            assert_eq!(front.read_exactly(6).unwrap().unwrap(), [16, 17, 18, 19, 20, 21]);
            assert_eq!(front.skip(1_000).unwrap(), 78);
            assert!(front.peek(1).unwrap().is_empty());
            assert_eq!(front.read_exactly(1).unwrap(), None);
        }
    }

    #[test]
    fn a_file_can_be_read_again_from_its_front() {
        let mut front = Front::new(Box::new(Cursor::new((0..10).collect::<Vec<u8>>())), Some(10));
        front.peek(6).unwrap();
        front.skip(3).unwrap();
        assert_eq!(front.seek(SeekFrom::Current(-1)).unwrap(), 2);
        assert_eq!(front.peek(1).unwrap(), [2]);
        front.rewind().unwrap();
        assert_eq!(front.read_exactly(10).unwrap().unwrap(), (0..10).collect::<Vec<u8>>());
    }
}
