//! The built-in runtime: [rten](https://docs.rs/rten), in pure Rust.

use std::borrow::Cow;
use std::sync::Arc;

use rten::{Dimension, Model, ModelOptions, NodeId, RunOptions, ValueView};
use rten_onnx::onnx::{DataType, ModelProto, ValueInfoProto};

use super::port::{Port, Wanted};
use crate::model::threads::Threads;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub(in crate::model) struct Graph {
    model: Model,
    /// Names of inputs and outputs that are stated to be something else than tensors of 32-bit floats, and what.
    others: Vec<(String, &'static str)>,
}

impl Graph {
    pub fn load(onnx: Cow<'static, [u8]>) -> Result<Self> {
        let others = others(&onnx)?;
        let options = options();
        let model = match onnx {
            Cow::Borrowed(onnx) => options.load_static_slice(onnx)?,
            Cow::Owned(onnx) => options.load(onnx)?,
        };
        Ok(Self { model, others })
    }

    pub fn inputs(&self) -> Vec<Port> {
        self.ports(self.model.input_ids())
    }

    pub fn outputs(&self) -> Vec<Port> {
        self.ports(self.model.output_ids())
    }

    fn ports(&self, ids: &[NodeId]) -> Vec<Port> {
        let port = |id: &NodeId| {
            let info = self.model.node_info(*id)?;
            let name = info.name().unwrap_or_default().to_owned();
            let dimension = |dimension: &Dimension| match dimension {
                Dimension::Fixed(n) => i64::try_from(*n).unwrap_or(i64::MAX),
                Dimension::Symbolic(_) => -1,
            };
            let floats = match (self.others.iter().find(|(other, _)| *other == name), info.shape()) {
                (Some((_, what)), _) => Err((*what).to_owned()),
                (None, Some(shape)) => Ok(shape.iter().map(dimension).collect()),
                (None, None) => Err("of no stated shape".to_owned()),
            };
            Some(Port { name, floats })
        };
        ids.iter().filter_map(port).collect()
    }
}

#[cfg(feature = "all-operators")]
fn options() -> ModelOptions {
    ModelOptions::with_all_ops()
}

#[cfg(not(feature = "all-operators"))]
fn options() -> ModelOptions {
    ModelOptions::with_ops(operators_of_built_in_models())
}

/// What the models that come with the library are made of; the linker leaves out the rest.
#[cfg(any(test, not(feature = "all-operators")))]
fn operators_of_built_in_models() -> rten::OpRegistry {
    rten::op_registry!(Add, Cast, Clip, Gemm, Log, MatMul, Mul, Relu, Softmax)
}

/// What the graph states of its inputs and outputs: rten takes 64-bit floats for 32-bit ones, and says nothing.
fn others(onnx: &[u8]) -> Result<Vec<(String, &'static str)>> {
    let graph = ModelProto::parse_buf(onnx)?.graph.unwrap_or_default();
    let other = |info: ValueInfoProto| {
        let kind = info.r#type.unwrap_or_default();
        let what = match kind.tensor_type.and_then(|tensor| tensor.elem_type) {
            None if kind.sequence.is_some() => "a sequence",
            None | Some(DataType::FLOAT) => return None,
            Some(DataType::DOUBLE) => "a tensor of 64-bit floats",
            Some(DataType::FLOAT16 | DataType::BFLOAT16) => "a tensor of 16-bit floats",
            Some(DataType::INT64) => "a tensor of 64-bit integers",
            Some(_) => "a tensor of another type",
        };
        Some((info.name.unwrap_or_default(), what))
    };
    Ok(graph.input.into_iter().chain(graph.output).filter_map(other).collect())
}

/// A graph and the thread that runs it.
pub(in crate::model) struct Session {
    graph: Arc<Graph>,
    options: RunOptions,
}

impl Session {
    pub fn new(graph: Arc<Graph>, threads: &Threads) -> Self {
        Self { graph, options: RunOptions::default().with_thread_pool(threads.pool()) }
    }

    pub fn run(
        &mut self,
        input: &str,
        shape: &[usize],
        values: &[f32],
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Vec<f32>>> {
        let model = &self.graph.model;
        let outputs = wanted.iter().map(|(name, _)| model.node_id(name)).collect::<std::result::Result<Vec<_>, _>>()?;
        let inputs = vec![(model.node_id(input)?, ValueView::from_shape(shape, values)?.into())];
        let ran = model.run(inputs, &outputs, Some(self.options.clone()))?;
        let values = ran.into_iter().zip(wanted).map(|(value, (name, expected))| {
            let (found, values) =
                value.into_shape_vec::<f32, 2>().map_err(|e| format!("{name} is not as expected: {e}"))?;
            if found == *expected {
                Ok(values)
            } else {
                Err(format!("expected {name} to have the shape {expected:?}, it has {found:?}").into())
            }
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_models_need_no_other_operators() {
        for packed in &veravox_models::ALL {
            let loaded = ModelOptions::with_ops(operators_of_built_in_models()).load_static_slice(packed.onnx);
            assert!(loaded.is_ok(), "{}: {:?}", packed.name, loaded.err());
        }
    }
}
