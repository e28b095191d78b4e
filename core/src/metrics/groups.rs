//! The systems, sources or pages that clips belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::checks::invalid;
use crate::error::Result;

/// The groups of the clips of one class, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    /// None where each clip stands for itself: the first clip is the first group.
    pub(super) names: Vec<String>,
    /// The number of each clip's group; none where each clip stands for itself.
    pub(super) of: Option<Vec<u32>>,
    n: usize,
}

impl Groups {
    pub(super) fn new(groups: &[impl AsRef<str>], n_scores: usize, class: &str) -> Result<Self> {
        if groups.len() != n_scores {
            return Err(invalid(format!(
                "expected a group for each of {n_scores} {class} scores, got {}",
                groups.len()
            )));
        }
        let distinct: BTreeSet<&str> = groups.iter().map(AsRef::as_ref).collect();
        let number: BTreeMap<&str, u32> = distinct.iter().zip(0..).map(|(name, n)| (*name, n)).collect();
        let of = groups.iter().filter_map(|name| number.get(name.as_ref()).copied()).collect();
        Ok(Self { n: distinct.len(), names: distinct.into_iter().map(str::to_owned).collect(), of: Some(of) })
    }

    /// Each of `n` clips is a group of its own.
    pub(super) fn each(n: usize) -> Self {
        Self { names: Vec::new(), of: None, n }
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// The number of each clip's group.
    pub(super) fn members(&self) -> impl Iterator<Item = usize> + '_ {
        let n_clips = self.of.as_ref().map_or(self.n, Vec::len);
        (0..n_clips).map(|clip| self.of.as_ref().map_or(clip, |of| of.get(clip).copied().unwrap_or_default() as usize))
    }

    /// How much the clips of a range count where the groups were drawn so many times.
    pub(super) fn count(&self, clips: Range<usize>, times: &[u32]) -> u64 {
        match &self.of {
            None => times.get(clips).unwrap_or_default().iter().map(|times| u64::from(*times)).sum(),
            Some(of) => {
                let drawn = |group: &u32| times.get(*group as usize).copied().map_or(0, u64::from);
                of.get(clips).unwrap_or_default().iter().map(drawn).sum()
            }
        }
    }
}
