//! Where statistics go.

/// What each family does: its statistics of `matrix`, frame after frame, go to `out`.
pub(super) trait Family {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink);
}

/// Where the statistics go, one after the other.
pub(in crate::features) struct Sink<'a>(&'a mut [f32]);

impl<'a> Sink<'a> {
    pub(in crate::features) fn new(out: &'a mut [f32]) -> Self {
        Self(out)
    }

    /// All that were promised must have come.
    pub(in crate::features) fn finish(self) {
        debug_assert!(self.0.is_empty(), "{} values were promised and not made", self.0.len());
    }

    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = f32>) {
        for value in values {
            let Some((place, rest)) = std::mem::take(&mut self.0).split_first_mut() else {
                debug_assert!(false, "more values were made than promised");
                return;
            };
            *place = value;
            self.0 = rest;
        }
    }
}
