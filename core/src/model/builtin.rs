//! The models inside the library.

use std::borrow::Cow;
use std::sync::Arc;

use super::check;
use super::loaded::Model;
use super::manifest::Manifest;
use crate::error::Result;

/// A model inside the library, as its folder in `models/` holds it.
pub(crate) struct Builtin {
    pub name: &'static str,
    manifest: &'static str,
    onnx: &'static [u8],
}

macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            name: $name,
            manifest: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/", $name, "/manifest.json")),
            onnx: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/", $name, "/model.onnx")),
        }
    };
}

/// The models inside the library: telephone speech at 8 kHz, and 16 kHz.
pub(crate) static BUILTIN: [Builtin; 2] = [builtin!("phone"), builtin!("wide")];

impl Builtin {
    pub fn manifest(&self) -> Result<Manifest> {
        Manifest::parse_fields(self.manifest)
    }

    pub fn load(&'static self) -> Result<Arc<Model>> {
        check::load(self.manifest, &mut |_| Ok(Cow::Borrowed(self.onnx)), &mut |_| {})
    }
}
