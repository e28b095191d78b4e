//! From a window's llr by the manifest to its llr at a site.

use serde::{Deserialize, Serialize};

/// The map. It never turns the order of two scores round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Map {
    /// The llr as it is.
    Identity {},
    /// `scale * llr + offset`: logistic regression (Brümmer and du Preez, Computer Speech and Language 20, 2006).
    Affine {
        /// Above 0.
        scale: f64,
        /// Natural-log units.
        offset: f64,
    },
    /// Straight lines between points, level beyond the ends: isotonic regression (Zadrozny and Elkan, KDD 2002).
    Isotonic {
        /// `(llr by the manifest, llr at the site)`, both rising.
        points: Vec<(f64, f64)>,
    },
}

impl Map {
    /// The llr at the site.
    ///
    /// ```
    /// use veravox::site::Map;
    ///
    /// assert_eq!(Map::Affine { scale: 0.5, offset: -1.0 }.llr(4.0), 1.0);
    /// let map = Map::Isotonic { points: vec![(0.0, -1.0), (2.0, 3.0)] };
    /// assert_eq!((map.llr(-9.0), map.llr(1.0), map.llr(9.0)), (-1.0, 1.0, 3.0));
    /// ```
    #[must_use]
    pub fn llr(&self, llr: f64) -> f64 {
        match self {
            Self::Identity {} => llr,
            Self::Affine { scale, offset } => scale * llr + offset,
            Self::Isotonic { points } => between(points, llr),
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let rising = |points: &[(f64, f64)]| points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
        match self {
            Self::Affine { scale, offset } if !(*scale > 0.0 && scale.is_finite() && offset.is_finite()) => {
                Err(format!("the scale must be above 0 and the offset finite, are {scale} and {offset}"))
            }
            Self::Isotonic { points }
                if points.is_empty()
                    || !rising(points)
                    || points.iter().any(|(x, y)| !(x.is_finite() && y.is_finite())) =>
            {
                Err("the points must be finite and rise in both numbers".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let above = points.partition_point(|(at, _)| *at <= x);
    match (above.checked_sub(1).and_then(|n| points.get(n)), points.get(above)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => *y,
        (None, None) => x,
    }
}
