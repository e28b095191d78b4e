//! Columns in groups side by side.

use std::ops::Range;

/// Columns in groups side by side, as equally wide as can be.
pub(super) struct Groups {
    groups: Vec<Range<usize>>,
    shares: Vec<f32>,
}

impl Groups {
    pub(super) fn new(n_columns: usize, n_groups: usize) -> Self {
        let group_of = |column: usize| (2 * column + 1) * n_groups / (2 * n_columns);
        let mut groups = vec![0..0; n_groups];
        for column in 0..n_columns {
            let group = &mut groups[group_of(column)];
            *group = if group.end == 0 { column } else { group.start }..column + 1;
        }
        let shares = groups.iter().map(|group| 1.0 / group.len().max(1) as f32).collect();
        Self { groups, shares }
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The mean of each group. Where a column is missing at the end the others weigh no more.
    pub(super) fn means<'a>(&'a self, columns: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.groups.iter().zip(&self.shares).map(|(group, share)| {
            let group = columns.get(group.start.min(columns.len())..group.end.min(columns.len()));
            group.unwrap_or_default().iter().sum::<f32>() * share
        })
    }
}
