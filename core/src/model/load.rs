//! Loading what a folder holds as one model: a graph, or a fusion of several.

use std::path::Path;
use std::sync::Arc;

use super::check::load_text;
use super::fusion;
use super::kind::{Kind, read_manifest};
use super::loaded::Model;
use crate::error::{Error, ErrorKind, Result};

impl Model {
    /// Loads the model in a folder with `manifest.json` and the ONNX file that it names, or a fusion of models.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) and its kin when a file cannot be read,
    /// [`InvalidManifest`](ErrorKind::InvalidManifest), [`HashMismatch`](ErrorKind::HashMismatch) or
    /// [`InvalidModel`](ErrorKind::InvalidModel) for the first [`Rule`](crate::model::Rule) that is broken, in their order.
    pub fn load(folder: &Path) -> Result<Arc<Self>> {
        let text = read_manifest(folder)?;
        match Kind::of(&text)? {
            Kind::Model => load_text(folder, &text, &mut |_| {}),
            Kind::Fusion => fusion::load(folder, &text),
            Kind::Cascade => {
                let message = "expected a model or a fusion, it is a cascade, which has models and is none";
                Err(Error::new(ErrorKind::InvalidManifest, message))
            }
        }
    }
}
