//! Ids of calls and legs: UUIDs, which tell nothing of a caller.

use std::fmt;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Serialize, Serializer};

/// A UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// One that was never given before: 122 random bits (RFC 9562, version 4).
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        // The operating system's generator does not fail once it has started; zeros would be an id as well.
        let _ = SystemRandom::new().fill(&mut bytes);
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Self(bytes)
    }

    /// One that a protocol brings in 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// One that a protocol brings as text: 32 hexadecimal digits, with or without dashes. Other text, which may be a number or a
    /// name, is no id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let mut n = 0;
        for digit in text.chars().filter(|c| *c != '-') {
            let digit = digit.to_digit(16)? as u8;
            let byte = bytes.get_mut(n / 2)?;
            *byte = *byte << 4 | digit;
            n += 1;
        }
        (n == 32).then_some(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let id = Id::random();
        assert_ne!(id, Id::random());
        let text = id.to_string();
        assert_eq!((text.len(), text.as_bytes()[14]), (36, b'4'));
        assert_eq!(Id::parse(&text), Some(id));
        assert_eq!(Id::parse(&text.replace('-', "").to_uppercase()), Some(id));
        for other in ["", "+15550100", "alice", &text[1..], &format!("{text}0")] {
            assert_eq!(Id::parse(other), None, "{other}");
        }
    }
}
