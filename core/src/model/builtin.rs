//! The models inside the library.

use std::borrow::Cow;
use std::sync::Arc;

use veravox_models::Packed;

use super::check;
use super::loaded::Model;
use super::manifest::Manifest;
use crate::error::Result;

/// A model inside the library, as its folder in `models/` holds it.
pub(crate) struct Builtin(&'static Packed);

/// The models inside the library: telephone speech at 8 kHz, and 16 kHz.
pub(crate) static BUILTIN: [Builtin; 2] = {
    let [phone, wide] = &veravox_models::ALL;
    [Builtin(phone), Builtin(wide)]
};

impl Builtin {
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn manifest(&self) -> Result<Manifest> {
        Manifest::parse_fields(self.0.manifest)
    }

    /// Loads it, with its manifest as [`manifest`](Self::manifest) gave it.
    pub fn load(&self, manifest: Manifest) -> Result<Arc<Model>> {
        check::load_checked(manifest, Cow::Borrowed(self.0.onnx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::Rule;

    /// What holds here need not be checked again at each start.
    #[test]
    fn each_keeps_every_rule() {
        for builtin in &BUILTIN {
            let Packed { name, manifest, onnx } = *builtin.0;
            let mut passed = Vec::new();
            let model = check::load(manifest, &mut |_| Ok(Cow::Borrowed(onnx)), &mut |rule| passed.push(rule)).unwrap();
            assert_eq!(passed, Rule::ALL, "{name}");
            assert_eq!(model.manifest().name, name);
        }
    }
}
