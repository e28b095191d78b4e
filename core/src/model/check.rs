//! Loading a model is checking it, rule by rule, in a fixed order; the first broken rule is the error.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::graph::{Files, Graph, Port};
use super::kind::read_manifest;
use super::loaded::Model;
use super::manifest::Manifest;
use super::reading::read;
use super::runtime::Runtime;
use crate::error::{Error, ErrorKind, Result};
use crate::hex::hex;

/// What a model must keep, in the order in which it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// `manifest.json` can be read and is JSON of a schema version that this library knows.
    SchemaVersion,
    /// It has all the fields, of the right types, and no other.
    Fields,
    /// It names an ONNX file in its own folder, which can be read.
    OnnxFile,
    /// The file's SHA-256 is the one in the manifest.
    Hash,
    /// Every number is in its range.
    Ranges,
    /// The runtime loads the graph.
    Graph,
    /// The graph has the one input that the manifest names, of 32-bit floats.
    InputName,
    /// The input's shape is the batch and the shape of the features.
    InputShape,
    /// The graph has the output that the manifest names, of 32-bit floats.
    OutputName,
    /// The output's shape is the batch and the labels.
    OutputShape,
    /// A window of silence gives two finite logits.
    Trial,
}

impl Rule {
    /// Every rule, in order.
    pub const ALL: [Self; 11] = [
        Self::SchemaVersion,
        Self::Fields,
        Self::OnnxFile,
        Self::Hash,
        Self::Ranges,
        Self::Graph,
        Self::InputName,
        Self::InputShape,
        Self::OutputName,
        Self::OutputShape,
        Self::Trial,
    ];

    /// The rule in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::SchemaVersion => "manifest.json has a schema version that veravox knows",
            Self::Fields => "manifest.json has all its fields and no other",
            Self::OnnxFile => "the ONNX file lies beside it",
            Self::Hash => "the ONNX file is the one that was hashed",
            Self::Ranges => "every number is in its range",
            Self::Graph => "the runtime loads the graph",
            Self::InputName => "the graph has the input that the manifest names",
            Self::InputShape => "the input has the shape of the features",
            Self::OutputName => "the graph has the outputs that the manifest names",
            Self::OutputShape => "the outputs have a logit for each label, and one novelty",
            Self::Trial => "a window of silence gives finite logits",
        }
    }
}

/// Loads the model in a folder, of one graph alone.
pub(super) fn load_plain(folder: &Path) -> Result<Arc<Model>> {
    load_text(folder, &read_manifest(folder)?, &mut |_| {})
}

/// Checks the model in a folder; tells `passed` of each rule that holds and stops at the first that does not.
///
/// # Errors
/// Those of [`Model::load`].
pub fn check(folder: &Path, passed: &mut dyn FnMut(Rule)) -> Result<Manifest> {
    load_text(folder, &read_manifest(folder)?, passed).map(|model| model.manifest().clone())
}

pub(super) fn load_text(folder: &Path, manifest: &str, passed: &mut dyn FnMut(Rule)) -> Result<Arc<Model>> {
    let mut left = Runtime::get()?.options().max_model_bytes;
    let mut read_file = |name: &str| {
        let bytes = read(&folder.join(name), name, left)?;
        left = left.saturating_sub(bytes.len() as u64);
        Ok(Cow::Owned(bytes))
    };
    load(manifest, &mut read_file, passed)
}

pub(super) fn load(
    manifest: &str,
    read_file: &mut dyn FnMut(&str) -> Result<Cow<'static, [u8]>>,
    passed: &mut dyn FnMut(Rule),
) -> Result<Arc<Model>> {
    Manifest::check_schema_version(manifest)?;
    passed(Rule::SchemaVersion);
    let manifest = Manifest::parse_fields(manifest)?;
    passed(Rule::Fields);
    manifest.onnx.check()?;
    let onnx = read_file(&manifest.onnx.file)?;
    let data = match &manifest.onnx.data {
        Some(data) => Some((data.file.clone(), read_file(&data.file)?)),
        None => None,
    };
    passed(Rule::OnnxFile);
    check_hash(&manifest.onnx.file, &manifest.onnx.sha256, &onnx)?;
    if let (Some(named), Some((_, weights))) = (&manifest.onnx.data, &data) {
        check_hash(&named.file, &named.sha256, weights)?;
    }
    passed(Rule::Hash);
    manifest.check_ranges()?;
    passed(Rule::Ranges);
    let runtime = Runtime::get()?;
    let graph = Graph::load(runtime, Files { onnx, data })?;
    passed(Rule::Graph);
    check_graph(&manifest, &graph, passed)?;
    let window = vec![0.0; manifest.input.window_samples];
    let model = Model::of(manifest, graph, runtime);
    model.score(&window).map_err(|e| Error::new(ErrorKind::InvalidModel, format!("on silence {e}")).with_source(e))?;
    passed(Rule::Trial);
    Ok(Arc::new(model))
}

/// Loads a model of which it is known that it keeps the rules. Its ports are looked at all the same: that costs nothing, and
/// a runtime that reads the graph otherwise than the one of the tests is found out.
pub(super) fn load_checked(manifest: Manifest, onnx: Cow<'static, [u8]>) -> Result<Arc<Model>> {
    let runtime = Runtime::get()?;
    let graph = Graph::load(runtime, Files { onnx, data: None })?;
    check_graph(&manifest, &graph, &mut |_| {})?;
    Ok(Arc::new(Model::of(manifest, graph, runtime)))
}

fn check_hash(file: &str, expected: &str, bytes: &[u8]) -> Result<()> {
    let found = hex(&Sha256::digest(bytes));
    if found == expected {
        return Ok(());
    }
    let message = format!("{file}: expected SHA-256 {expected}, the file has {found}; it is damaged or another model");
    Err(Error::new(ErrorKind::HashMismatch, message))
}

fn check_graph(manifest: &Manifest, graph: &Graph, passed: &mut dyn FnMut(Rule)) -> Result<()> {
    let names = |ports: &[Port]| ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join(", ");
    let Graph { inputs, outputs, .. } = graph;
    let wanted = &manifest.input.tensor;
    let input = match inputs.as_slice() {
        [input] if input.name == *wanted => input,
        _ => {
            let message = format!("expected one graph input named {wanted}, found {}", names(inputs));
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
    };
    let dimensions = dimensions_of_floats(input, "input")?;
    passed(Rule::InputName);
    check_shape(dimensions, &manifest.input.tensor_shape(), "input", wanted)?;
    passed(Rule::InputShape);

    let output = &manifest.output;
    let wanted: Vec<(&str, usize)> = std::iter::once((output.tensor.as_str(), output.labels.len()))
        .chain(output.novelty.as_ref().map(|novelty| (novelty.tensor.as_str(), 1)))
        .collect();
    let mut shapes = Vec::new();
    for (name, width) in wanted {
        let found = outputs.iter().find(|o| o.name == name).ok_or_else(|| {
            let message = format!("expected a graph output named {name}, found {}", names(outputs));
            Error::new(ErrorKind::InvalidModel, message)
        })?;
        shapes.push((dimensions_of_floats(found, "output")?, width, name));
    }
    passed(Rule::OutputName);
    for (dimensions, width, name) in shapes {
        check_shape(dimensions, &[width], "output", name)?;
    }
    passed(Rule::OutputShape);
    Ok(())
}

fn dimensions_of_floats<'a>(port: &'a Port, side: &str) -> Result<&'a [i64]> {
    port.floats.as_deref().map_err(|other| {
        let message = format!("expected graph {side} {} to be a tensor of 32-bit floats, it is {other}", port.name);
        Error::new(ErrorKind::InvalidModel, message)
    })
}

/// `[batch, wanted...]`; a negative dimension is one that the graph leaves open, and a batch may be fixed to 1.
fn check_shape(found: &[i64], wanted: &[usize], side: &str, name: &str) -> Result<()> {
    let fits = |found: i64, wanted: usize| found < 0 || usize::try_from(found) == Ok(wanted);
    let rest_fits = |rest: &[i64]| rest.len() == wanted.len() && rest.iter().zip(wanted).all(|(f, w)| fits(*f, *w));
    if matches!(found, [batch, rest @ ..] if fits(*batch, 1) && rest_fits(rest)) {
        return Ok(());
    }
    let wanted = wanted.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let found =
        found.iter().map(|d| if *d < 0 { "?".to_owned() } else { d.to_string() }).collect::<Vec<_>>().join(", ");
    let message = format!("expected graph {side} {name} to have the shape [batch, {wanted}], it has [{found}]");
    Err(Error::new(ErrorKind::InvalidModel, message))
}
