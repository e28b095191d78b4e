//! The colours of pictures.

use std::fmt;

/// A colour by its red, green and blue; written as SVG has it.
#[derive(Clone, Copy)]
pub struct Colour(pub [u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Colours that people who see them differently can tell apart (Okabe and Ito): people blue, machines vermilion.
pub const BONAFIDE: Colour = Colour([0, 114, 178]);
pub const SPOOF: Colour = Colour([213, 94, 0]);
pub const NEUTRAL: Colour = Colour([118, 118, 118]);
pub const INK: Colour = Colour([34, 34, 34]);
pub const WHITE: Colour = Colour([255, 255, 255]);
pub const GRID: Colour = Colour([228, 228, 228]);
