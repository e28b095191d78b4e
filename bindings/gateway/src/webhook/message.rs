//! A message to a webhook: an id and a JSON body, as Standard Webhooks has them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A message that is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stays the same however often it is sent: a receiver tells repetitions by it.
    pub id: MessageId,
    /// The JSON.
    pub body: Arc<[u8]>,
}

/// The id of a message: when it was made, in milliseconds since 1970, and what tells it from others of that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    made_ms: u64,
    distinct: u64,
}

impl MessageId {
    /// The id of a message that is made now; later ones sort behind it as long as the clock is not set back.
    #[must_use]
    pub fn new(process: u32) -> Self {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let made = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Counted in the lower half, so that messages of one millisecond keep their order.
        let n = N_MADE.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff;
        Self::of_parts(made.as_millis() as u64, u64::from(process) << 32 | n)
    }

    /// An id of what it is made of.
    #[must_use]
    pub fn of_parts(made_ms: u64, distinct: u64) -> Self {
        Self { made_ms, distinct }
    }

    /// How long ago it was made, by the clock on the wall; nothing where that was set back.
    #[must_use]
    pub fn age(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.saturating_sub(Duration::from_millis(self.made_ms))
    }

    /// The name of its file.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{self}.json")
    }

    /// The id in the name of a file; nothing where it is the name of something else.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let (made_ms, distinct) = name.strip_suffix(".json")?.strip_prefix("msg_")?.split_once('_')?;
        let id = Self::of_parts(made_ms.parse().ok()?, u64::from_str_radix(distinct, 16).ok()?);
        (id.file() == name).then_some(id)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{:014}_{:016x}", self.made_ms, self.distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_the_name_of_its_file() {
        let (first, second) = (MessageId::new(7), MessageId::new(7));
        assert!(first < second);
        assert_eq!(MessageId::of_file(&first.file()), Some(first));
        for odd in ["lock", "msg_1_2.json", "msg_.json", "msg_00000000000001_zz.json", "other.txt"] {
            assert_eq!(MessageId::of_file(odd), None, "{odd}");
        }
    }
}
