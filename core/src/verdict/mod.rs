//! From scores to a verdict, and the words of it.

pub mod decide;
pub mod policy;
pub mod report;
