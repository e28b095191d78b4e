//! What chance makes of good inputs: the changes that fuzzers make, without what they learn.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use veravox_fuzz::Seed;

/// What a reader does with more it does with this much; longer inputs are fewer.
const LONGEST: usize = 16 << 10;
/// Heads are where sizes stand: every second change is among these first bytes.
const HEAD: usize = 128;
/// Changes of an input, at most.
const CHANGES: usize = 8;
/// Numbers at the edges of what their bytes hold.
const EDGES: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, u32::MAX];

/// Makes inputs of inputs; the same seed, the same ones.
pub struct Mutator {
    random: Xoshiro256PlusPlus,
    starts: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// Of these, and of the words of `dictionary.txt`.
    pub fn new(seed: u64, starts: Vec<Seed>) -> Self {
        let words = include_str!("../../dictionary.txt").lines().filter(|line| line.starts_with('"'));
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            starts: starts.into_iter().map(|(_, bytes)| bytes).filter(|bytes| !bytes.is_empty()).collect(),
            words: words.map(word).collect(),
        }
    }

    /// Another input.
    pub fn input(&mut self) -> Vec<u8> {
        let mut bytes = self.start();
        // What stands at the end of a file, as the directory of an MP4 does, is lost in most of its inputs, not in all.
        if self.below(4) > 0 {
            bytes.truncate(LONGEST);
        }
        for _ in 0..=self.below(CHANGES) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            *bytes = self.start();
        }
        let at = self.place(bytes);
        let piece = at..bytes.len().min(at + 1 + self.below(64));
        match self.below(9) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.below(256) as u8,
            2 => {
                let edge = EDGES[self.below(EDGES.len())];
                let edge = if self.below(2) == 0 { edge.to_le_bytes() } else { edge.to_be_bytes() };
                write(bytes, at, &edge);
            }
            3 => {
                let word = self.word();
                write(bytes, at, &word);
            }
            4 => {
                let word = self.word();
                bytes.splice(at..at, word);
            }
            5 => drop(bytes.drain(piece)),
            6 => {
                let twice = bytes[piece].to_vec();
                bytes.splice(at..at, twice);
            }
            7 => bytes.truncate(at),
            // The end of another.
            _ => {
                let other = self.start();
                let from = self.place(&other);
                bytes.splice(at.., other[from..].iter().take(LONGEST).copied());
            }
        }
    }

    fn start(&mut self) -> Vec<u8> {
        let n = self.below(self.starts.len());
        self.starts[n].clone()
    }

    fn word(&mut self) -> Vec<u8> {
        let n = self.below(self.words.len());
        self.words[n].clone()
    }

    fn place(&mut self, bytes: &[u8]) -> usize {
        let n = if self.below(2) == 0 { bytes.len().min(HEAD) } else { bytes.len() };
        self.below(n)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.random.next_u64() % n as u64) as usize
    }
}

/// Over what stands there, as far as there is room.
fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes[at..].iter_mut().zip(new).for_each(|(byte, new)| *byte = *new);
}

/// A word of a dictionary of `libFuzzer`'s: in quotes, with `\x` and two digits for a byte, and `\` before a quote or itself.
fn word(line: &str) -> Vec<u8> {
    let (mut word, mut rest) = (Vec::new(), line.trim().trim_matches('"').as_bytes());
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match (first, behind) {
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digits = [char::from(*high), char::from(*low)].iter().collect::<String>();
                (u8::from_str_radix(&digits, 16).unwrap(), behind)
            }
            (b'\\', [byte, behind @ ..]) => (*byte, behind),
            _ => (*first, behind),
        };
        word.push(byte);
        rest = behind;
    }
    word
}

#[test]
fn words_are_read_as_libfuzzer_reads_them() {
    assert_eq!(word(r#""RIFF""#), b"RIFF");
    assert_eq!(word(r##""#!AMR\x0a""##), b"#!AMR\n");
    assert_eq!(word(r#""\"a\\""#), br#""a\"#);
    assert!(Mutator::new(0, Vec::new()).words.len() > 50);
}
