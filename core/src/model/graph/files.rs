//! The bytes of a model: its graph, and its weights where they lie in a file of their own.

use std::borrow::Cow;

use super::external;
use crate::error::Result;

/// What was read, and whose hashes are right.
pub(in crate::model) struct Files {
    pub onnx: Cow<'static, [u8]>,
    /// The file with the weights that the manifest names.
    pub data: Option<(String, Cow<'static, [u8]>)>,
}

impl Files {
    /// A graph says itself where its weights lie: anywhere, if it is hostile. It gets the file that the manifest names and no other.
    pub fn check(&self) -> Result<()> {
        external::check(&self.onnx, self.data.as_ref().map(|(name, _)| name.as_str()))
    }
}
