//! The models that come with [veravox](https://docs.rs/veravox), as bytes in the program.
//!
//! A crate of its own because a package holds only what lies in its folder. To add a model, put its folder here and name it in
//! [`ALL`].

/// A model: its manifest and its graph with weights.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    /// Its name, which is that of its folder.
    pub name: &'static str,
    /// The text of its `manifest.json`.
    pub manifest: &'static str,
    /// The bytes of its `model.onnx`.
    pub onnx: &'static [u8],
}

macro_rules! packed {
    ($name:literal) => {
        Packed {
            name: $name,
            manifest: include_str!(concat!($name, "/manifest.json")),
            onnx: include_bytes!(concat!($name, "/model.onnx")),
        }
    };
}

/// Every model, from the lowest sample rate to the highest: telephone speech at 8 kHz, and 16 kHz.
#[cfg(feature = "wide")]
pub static ALL: [Packed; 2] = [packed!("phone"), packed!("wide")];

/// The model for telephone speech alone.
#[cfg(not(feature = "wide"))]
pub static ALL: [Packed; 1] = [packed!("phone")];

#[cfg(all(test, feature = "wide"))]
mod tests {
    use super::ALL;

    #[test]
    fn every_folder_with_a_manifest_is_packed() {
        let folders = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut names: Vec<_> = folders
            .map(|folder| folder.unwrap())
            .filter(|folder| folder.path().join("manifest.json").exists())
            .map(|folder| folder.file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ALL.map(|model| model.name));
    }
}
