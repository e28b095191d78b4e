//! The protocols: what comes over a connection, in a few words that all of them share.
//!
//! Each protocol is a [`Protocol`], a small machine without sockets or clocks: it is given messages, and tells an [`Ear`] what
//! they mean. Whatever comes may be hostile; what is no message of the protocol is [`Broken`].

pub mod asterisk;
pub mod audiohook;
pub mod audiosocket;
pub mod fork;
pub mod pcm;
pub mod rtp;
pub mod twilio;

use crate::hub::{self, LegNews};
use crate::id::Id;

/// What came: of a stream of bytes any piece, of a WebSocket a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// A call begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its id, where the protocol brings a UUID.
    pub call: Option<Id>,
    /// The phone system's name for the channel.
    pub channel: Option<String>,
    /// Its sides, each a leg.
    pub tracks: usize,
    /// Samples a second of each.
    pub sample_rate_hz: u32,
}

/// Takes what messages mean.
pub trait Ear {
    /// The call begins. Once, before anything else of it.
    fn begin(&mut self, start: Start);
    /// Samples of a side of it.
    fn push(&mut self, track: usize, samples: &[i16]);
    /// So many samples of a side never came.
    fn lost(&mut self, track: usize, n_samples: u64);
    /// For so many samples a side sent nothing, since it was silent.
    fn silence(&mut self, track: usize, n_samples: u64);
    /// The call is put on hold, or is no longer.
    fn hold(&mut self, held: bool);
    /// From here on at another rate.
    fn change_rate(&mut self, sample_rate_hz: u32);
    /// An answer.
    fn reply(&mut self, answer: Outgoing);
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More is to come.
    GoesOn,
    /// That was the end.
    Ends,
}

/// What came is not the protocol: what was expected, never what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// A protocol, over one connection.
pub trait Protocol: Send {
    /// Which it is.
    fn kind(&self) -> hub::Protocol;

    /// Takes what came.
    ///
    /// # Errors
    /// It is not the protocol; the connection is to be ended.
    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken>;

    /// How news is told on the same connection, where the protocol has room for that.
    fn tell(&mut self, _news: &LegNews) -> Option<Outgoing> {
        None
    }

    /// What is said before the gateway ends the connection.
    fn farewell(&mut self) -> Option<Outgoing> {
        None
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! An ear that writes down what it is told, and the trials that every protocol is put to.

    use super::*;

    #[derive(Default)]
    pub struct Notes {
        pub start: Option<Start>,
        pub tracks: Vec<Vec<i16>>,
        pub gaps: Vec<(usize, &'static str, u64)>,
        pub held: Vec<bool>,
        pub rates: Vec<u32>,
        pub replies: Vec<Outgoing>,
    }

    impl Ear for Notes {
        fn begin(&mut self, start: Start) {
            assert!(self.start.is_none(), "begun twice");
            assert!((1..=2).contains(&start.tracks));
            self.tracks = vec![Vec::new(); start.tracks];
            self.start = Some(start);
        }
        fn push(&mut self, track: usize, samples: &[i16]) {
            self.tracks[track].extend_from_slice(samples);
        }
        fn lost(&mut self, track: usize, n_samples: u64) {
            assert!(track < self.tracks.len());
            self.gaps.push((track, "lost", n_samples));
        }
        fn silence(&mut self, track: usize, n_samples: u64) {
            assert!(track < self.tracks.len());
            self.gaps.push((track, "silence", n_samples));
        }
        fn hold(&mut self, held: bool) {
            assert!(self.start.is_some());
            self.held.push(held);
        }
        fn change_rate(&mut self, sample_rate_hz: u32) {
            assert!(self.start.is_some());
            self.rates.push(sample_rate_hz);
        }
        fn reply(&mut self, answer: Outgoing) {
            self.replies.push(answer);
        }
    }

    impl Notes {
        pub fn reply_json(&self, n: usize) -> serde_json::Value {
            let Outgoing::Text(text) = &self.replies[n] else { panic!("no text") };
            serde_json::from_str(text).unwrap()
        }
    }

    /// Whatever comes, in whatever order, a protocol does not panic, and says nothing of a call that has not begun.
    pub fn survives(make: impl Fn() -> Box<dyn Protocol>, examples: &[Incoming<'_>]) {
        use proptest::prelude::*;
        let examples: Vec<(bool, Vec<u8>)> = examples
            .iter()
            .map(|message| match message {
                Incoming::Text(text) => (true, text.as_bytes().to_vec()),
                Incoming::Binary(bytes) => (false, bytes.to_vec()),
            })
            .collect();
        let anything = (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..400));
        let damaged = (proptest::sample::select(examples.clone()), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8)
            .prop_map(|((is_text, mut bytes), at, value, how)| {
                let at = if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
                match how {
                    0 if !bytes.is_empty() => bytes[at] = value,
                    1 => bytes.truncate(at),
                    2 => bytes.insert(at, value),
                    _ => {}
                }
                (is_text, bytes)
            });
        let messages = proptest::collection::vec(prop_oneof![1 => anything, 4 => damaged], 0..24);
        // PROPTEST_CASES=1000000 is a night's worth.
        let usual = ProptestConfig::default();
        let config = ProptestConfig { cases: usual.cases.max(500), failure_persistence: None, ..usual };
        proptest!(config, |(messages in messages)| {
            let (mut protocol, mut notes) = (make(), Notes::default());
            for (is_text, bytes) in &messages {
                let text = String::from_utf8_lossy(bytes);
                let message = if *is_text { Incoming::Text(&text) } else { Incoming::Binary(bytes) };
                if protocol.hear(message, &mut notes) != Ok(Flow::GoesOn) {
                    break;
                }
            }
        });
    }
}
