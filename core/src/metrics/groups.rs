//! The systems, sources or pages that clips belong to.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::invalid;
use crate::error::Result;

/// The groups of the clips of one class, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    /// None where each clip stands for itself.
    pub(super) names: Vec<String>,
    pub(super) group_of: Vec<usize>,
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
        let number: BTreeMap<&str, usize> = distinct.iter().enumerate().map(|(n, name)| (*name, n)).collect();
        let group_of = groups.iter().filter_map(|name| number.get(name.as_ref()).copied()).collect();
        Ok(Self { n: distinct.len(), names: distinct.into_iter().map(str::to_owned).collect(), group_of })
    }

    /// Each of `n` clips is a group of its own.
    pub(super) fn each(n: usize) -> Self {
        Self { names: Vec::new(), group_of: (0..n).collect(), n }
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// The number of each clip's group.
    pub(super) fn members(&self) -> impl Iterator<Item = usize> + '_ {
        self.group_of.iter().copied()
    }
}
