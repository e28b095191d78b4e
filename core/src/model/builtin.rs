//! The models inside the library.

use std::borrow::Cow;
use std::sync::Arc;

use veravox_models::{ALL, Packed};

use super::check;
use super::loaded::Model;
use super::manifest::Manifest;
use crate::error::Result;

/// A model inside the library, as its folder in `models/` holds it.
#[derive(Clone, Copy)]
pub(crate) struct Builtin(&'static Packed);

impl Builtin {
    /// The model for the lowest sample rate, and those for higher ones in their order.
    pub fn all() -> (Self, impl Iterator<Item = Self>) {
        let [narrowest, wider @ ..] = &ALL;
        (Self(narrowest), wider.iter().map(Self))
    }

    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|packed| packed.name == name).map(Self)
    }

    /// The names of all, for people.
    pub fn names() -> String {
        ALL.each_ref().map(|packed| packed.name).join(", ")
    }

    pub fn manifest(self) -> Result<Manifest> {
        Manifest::parse_fields(self.0.manifest)
    }

    /// Loads it, with its manifest as [`manifest`](Self::manifest) gave it.
    pub fn load(self, manifest: Manifest) -> Result<Arc<Model>> {
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
        for &Packed { name, manifest, onnx } in &ALL {
            let mut passed = Vec::new();
            let model = check::load(manifest, &mut |_| Ok(Cow::Borrowed(onnx)), &mut |rule| passed.push(rule)).unwrap();
            assert_eq!(passed, Rule::ALL, "{name}");
            assert_eq!(model.manifest().name, name);
        }
    }
}
