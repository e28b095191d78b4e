//! What a picture consists of, whatever it is written as.

use super::colours::Colour;

/// A place in a picture: to the right and down from its upper left corner.
pub type Place = (f64, f64);

/// Room above pictures that lie one below the other, for their title, and between them.
pub const HEAD: f64 = 30.0;
pub const GAP: f64 = 6.0;

/// One thing that is drawn.
pub enum Mark {
    /// A line through points. `dashes` are the lengths of dash and gap.
    Line {
        points: Vec<Place>,
        colour: Colour,
        width: f64,
        dashes: Option<[f64; 2]>,
    },
    /// A box between two corners.
    Box {
        from: Place,
        to: Place,
        colour: Colour,
        fill: Fill,
    },
    /// A filled outline.
    Shape {
        points: Vec<Place>,
        colour: Colour,
    },
    /// A point, with words that show when it is pointed at.
    Dot {
        at: Place,
        radius: f64,
        colour: Colour,
        words: String,
    },
    Words {
        at: Place,
        words: String,
        anchor: Anchor,
        upright: bool,
        colour: Colour,
    },
    /// An image between two corners.
    Image {
        from: Place,
        to: Place,
        pixels: Pixels,
    },
}

/// How a box is filled.
#[derive(Clone, Copy)]
pub enum Fill {
    /// Evenly, 1 for all of the colour.
    Even(f64),
    /// Lightly, with an edge.
    Edged,
    /// With stripes, and an edge: told from the other without its colour.
    Hatched,
    /// The edge alone.
    Hollow,
}

/// Which part of the words stands at their place.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// An image, three bytes a pixel, row by row from above.
pub struct Pixels {
    pub rgb: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// A picture of marks, the later ones over the earlier.
pub struct Drawing {
    pub title: String,
    /// What it shows, for who cannot see it.
    pub description: String,
    pub width: f64,
    pub height: f64,
    /// Its axes and their words.
    pub around: Vec<Mark>,
    /// The corners of the plot, and what is drawn inside them and nowhere else.
    pub plot: (Place, Place),
    pub inside: Vec<Mark>,
    /// What lies over the plot.
    pub over: Vec<Mark>,
}
