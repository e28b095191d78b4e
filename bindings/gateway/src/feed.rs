//! The news of all legs, numbered and kept for a while, for readers who come, go and come back where they were.
//!
//! A reader holds a place in the one shared list, and nothing is kept for it: however slow it is, it costs no memory. One that falls
//! behind what is kept is told how many it missed.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::hub::{LegNews, Outlet, What, now_ms};

/// What is kept at most: news, and bytes of their JSON.
const MAX_NEWS: usize = 20_000;
const MAX_BYTES: usize = 8 << 20;

/// News as they are sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the list.
    pub id: EntryId,
    /// `opened`, `window`, `verdict` or `ended`.
    pub event: &'static str,
    /// A [`LegNews`]; of the report of a leg that ended, the windows are left out, since each was told by itself.
    pub json: String,
}

/// A place in the list: of which run of the gateway, and the how manieth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryId {
    run: u64,
    n: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.n)
    }
}

impl FromStr for EntryId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, n) = text.split_once('-').ok_or(())?;
        Ok(Self { run: u64::from_str_radix(run, 16).map_err(drop)?, n: n.parse().map_err(drop)? })
    }
}

/// The list.
pub struct Feed {
    run: u64,
    kept: Mutex<Kept>,
    /// How many there ever were.
    n_told: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    n_bytes: usize,
    /// How many there were before the first that is kept.
    n_before: u64,
}

/// A reader's place.
pub struct Reader {
    feed: Arc<Feed>,
    n_told: watch::Receiver<u64>,
    next: u64,
    missed: u64,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// News.
    News(Arc<Entry>),
    /// So many are not kept any more.
    Missed(u64),
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With what comes.
    Now,
    /// With what is kept.
    Kept,
    /// After this; with what is kept where it was of another run.
    After(EntryId),
}

impl Default for Feed {
    fn default() -> Self {
        Self { run: now_ms(), kept: Mutex::default(), n_told: watch::Sender::new(0) }
    }
}

impl Feed {
    /// A reader.
    #[must_use]
    pub fn read(self: &Arc<Self>, begin: Begin) -> Reader {
        let kept = self.kept();
        let n_told = kept.n_before + kept.entries.len() as u64;
        let (next, missed) = match begin {
            Begin::Now => (n_told, 0),
            Begin::Kept => (kept.n_before, 0),
            Begin::After(id) if id.run == self.run => (id.n.saturating_add(1).min(n_told), 0),
            // What it missed of the other run is not known; that it missed something is.
            Begin::After(_) => (0, 0),
        };
        Reader { n_told: self.n_told.subscribe(), feed: Arc::clone(self), next, missed }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: &'static str, json: String) {
        let mut kept = self.kept();
        let n = kept.n_before + kept.entries.len() as u64;
        kept.n_bytes += json.len();
        kept.entries.push_back(Arc::new(Entry { id: EntryId { run: self.run, n }, event, json }));
        while kept.entries.len() > MAX_NEWS || kept.n_bytes > MAX_BYTES {
            let Some(oldest) = kept.entries.pop_front() else { break };
            kept.n_bytes -= oldest.json.len();
            kept.n_before += 1;
        }
        drop(kept);
        self.n_told.send_replace(n + 1);
    }
}

impl Reader {
    /// What comes next; waits for it.
    pub async fn next(&mut self) -> Item {
        loop {
            if let Some(item) = self.look() {
                return item;
            }
            // The sender is in the feed, which this holds.
            let _ = self.n_told.wait_for(|n_told| *n_told > self.next).await;
        }
    }

    fn look(&mut self) -> Option<Item> {
        let kept = self.feed.kept();
        self.missed = kept.n_before.saturating_sub(self.next);
        if self.missed > 0 {
            self.next = kept.n_before;
            return Some(Item::Missed(self.missed));
        }
        let entry = kept.entries.get((self.next - kept.n_before) as usize)?;
        self.next += 1;
        Some(Item::News(Arc::clone(entry)))
    }
}

impl Outlet for Feed {
    fn tell(&self, news: &Arc<LegNews>) {
        let event = match &news.what {
            What::Opened => "opened",
            What::Window { .. } => "window",
            What::Verdict { .. } => "verdict",
            What::Ended { .. } => "ended",
        };
        let json = match &news.what {
            What::Ended { words, report: Some(report) } => {
                let mut report = report.clone();
                report.windows.clear();
                let what = What::Ended { words: words.clone(), report: Some(report) };
                serde_json::to_string(&LegNews { what, ..LegNews::clone(news) })
            }
            _ => serde_json::to_string(&**news),
        };
        // Numbers, names of ours and ids: there is nothing that JSON could not hold.
        if let Ok(json) = json {
            self.push(event, json);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn numbers(reader: &mut Reader, n: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..n {
            match reader.next().await {
                Item::News(entry) => numbers.push(entry.id.n),
                Item::Missed(n) => panic!("missed {n}"),
            }
        }
        numbers
    }

    #[tokio::test]
    async fn a_reader_who_comes_back_goes_on_where_it_was() {
        let feed = Arc::new(Feed::default());
        (0..5).for_each(|n| feed.push("window", n.to_string()));
        assert_eq!(numbers(&mut feed.read(Begin::Kept), 5).await, [0, 1, 2, 3, 4]);
        let last = EntryId { run: feed.run, n: 2 };
        assert_eq!(last.to_string().parse(), Ok(last));
        assert_eq!(numbers(&mut feed.read(Begin::After(last)), 2).await, [3, 4]);
        let of_before = EntryId { run: feed.run - 1, n: 900 };
        assert_eq!(numbers(&mut feed.read(Begin::After(of_before)), 5).await, [0, 1, 2, 3, 4]);
        let mut new = feed.read(Begin::Now);
        feed.push("window", String::new());
        assert_eq!(numbers(&mut new, 1).await, [5]);
        for odd in ["", "-", "1", "x-1", "1-x", "1-99999999999999999999999"] {
            assert_eq!(odd.parse::<EntryId>(), Err(()), "{odd}");
        }
        // One that never was, as of a clock that ran ahead: what comes.
        let mut ahead = feed.read(Begin::After(EntryId { run: feed.run, n: u64::MAX }));
        feed.push("window", String::new());
        assert_eq!(numbers(&mut ahead, 1).await, [6]);
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed_and_nothing_grows() {
        let feed = Arc::new(Feed::default());
        let mut slow = feed.read(Begin::Now);
        (0..MAX_NEWS + 7).for_each(|_| feed.push("window", String::new()));
        assert_eq!(slow.next().await, Item::Missed(7));
        assert_eq!(numbers(&mut slow, 2).await, [7, 8]);
        (0..20).for_each(|_| feed.push("ended", "x".repeat(1 << 20)));
        assert!(feed.kept().n_bytes <= MAX_BYTES);
        assert_eq!(feed.kept().entries.len(), 8);
    }
}
