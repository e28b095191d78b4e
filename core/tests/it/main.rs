//! Integration tests of the core, one binary so that they link once.
