//! An ONNX graph in the runtime of this process, behind one face: what goes in and out, and how it is run.
//!
//! ONNX Runtime is spoken to through `ort`. tract is called directly: through `ort` it would cost a second optimisation for
//! every session, and a panic over a broken graph would end the process at the border of the C ABI.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{OutputSelector, RunOptions, Session as OrtSession};
use ort::value::{Outlet, Tensor as OrtTensor, TensorElementType, TensorRef, ValueType};
use tract_onnx::pb::ValueInfoProto;
use tract_onnx::prelude::{
    DatumType, Framework, InferenceModel, InferenceModelExt, IntoRunnable, TDim, TValue, Tensor, TractError,
    TractResult, TypedFact, TypedRunnableModel,
};
use tract_onnx::tract_hir::infer::Factoid;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Backend, Runtime};

/// One input or output of a graph.
pub(super) struct Port {
    pub name: String,
    /// Dimensions, negative where the graph leaves them open; or what it is instead of a tensor of 32-bit floats.
    pub floats: std::result::Result<Vec<i64>, String>,
}

/// A loaded graph, from which sessions are made.
pub(super) struct Graph {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    kind: Kind,
}

enum Kind {
    /// The bytes, since each session reads them anew; and the first session, which told what goes in and out.
    OnnxRuntime(&'static Runtime, Cow<'static, [u8]>, Mutex<Option<Box<OrtSession>>>),
    /// Optimised once, shared by all sessions.
    Tract(Arc<TypedRunnableModel>),
}

/// What runs a graph, one thread at a time.
pub(super) enum Session {
    OnnxRuntime(Box<OrtSession>),
    Tract(Arc<TypedRunnableModel>, Vec<String>),
}

impl Graph {
    /// Loads a graph.
    ///
    /// # Errors
    /// [`InvalidModel`](ErrorKind::InvalidModel) when the runtime cannot.
    pub fn load(runtime: &'static Runtime, onnx: Cow<'static, [u8]>) -> Result<Self> {
        match runtime.backend() {
            Backend::OnnxRuntime(_) => {
                let session = open(runtime, &onnx)?;
                let ports = |outlets: &[Outlet]| outlets.iter().map(port_of_outlet).collect();
                let (inputs, outputs) = (ports(session.inputs()), ports(session.outputs()));
                let first = Mutex::new(Some(Box::new(session)));
                Ok(Self { inputs, outputs, kind: Kind::OnnxRuntime(runtime, onnx, first) })
            }
            Backend::Tract => match catch_unwind(AssertUnwindSafe(|| load_in_tract(&onnx))) {
                Ok(Ok(graph)) => Ok(graph),
                Ok(Err(e)) => Err(refused(runtime, &e).with_source(e.into_boxed_dyn_error())),
                Err(_) => Err(refused(runtime, &"it panics over it")),
            },
        }
    }

    pub fn session(&self) -> Result<Session> {
        match &self.kind {
            Kind::OnnxRuntime(runtime, onnx, first) => {
                let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                Ok(Session::OnnxRuntime(first.map_or_else(|| open(runtime, onnx).map(Box::new), Ok)?))
            }
            Kind::Tract(plan) => {
                Ok(Session::Tract(Arc::clone(plan), self.outputs.iter().map(|output| output.name.clone()).collect()))
            }
        }
    }
}

impl Session {
    /// Runs the graph on `values` of `shape`; gives the values of each of `wanted`, names of outputs with their shapes.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the graph fails, or an output has another shape.
    pub fn run(
        &mut self,
        input: &str,
        shape: Vec<usize>,
        values: &[f32],
        wanted: &[(&str, [usize; 2])],
    ) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::OnnxRuntime(session) => run_in_onnx_runtime(session, input, shape, values, wanted)
                .map_err(|e| Error::new(ErrorKind::Runtime, format!("the model failed: {e}")).with_source(e)),
            Self::Tract(plan, names) => {
                let ran = catch_unwind(AssertUnwindSafe(|| run_in_tract(plan, names, &shape, values, wanted)));
                let failed = |words: String| Error::new(ErrorKind::Runtime, format!("the model failed: {words}"));
                ran.unwrap_or_else(|_| Err(failed("tract panics over it".to_owned())))
            }
        }
    }
}

fn refused(runtime: &Runtime, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidModel, format!("{runtime} cannot load the ONNX graph: {why}"))
}

fn open(runtime: &Runtime, onnx: &[u8]) -> Result<OrtSession> {
    let Backend::OnnxRuntime(environment) = runtime.backend() else {
        return Err(refused(runtime, &"another runtime is in use"));
    };
    let failed = |e: ort::Error| refused(runtime, &e).with_source(e);
    // One thread for each session: legs are scored side by side, not one leg faster.
    let mut builder = OrtSession::builder(environment)
        .map_err(failed)?
        .with_optimization_level(GraphOptimizationLevel::Level3)
        .map_err(|e| failed(e.into()))?
        .with_intra_threads(1)
        .map_err(|e| failed(e.into()))?
        // A plan of its memory for each size of batch that comes along is more than many legs take.
        .with_memory_pattern(false)
        .map_err(|e| failed(e.into()))?;
    builder.commit_from_memory(onnx).map_err(failed)
}

/// The outputs are made here and handed over to be filled: for each that it makes itself, `ort` 2.0.0-rc.14 forgets to give
/// back a description of its type, some hundred bytes a run.
fn run_in_onnx_runtime(
    session: &mut OrtSession,
    input: &str,
    shape: Vec<usize>,
    values: &[f32],
    wanted: &[(&str, [usize; 2])],
) -> ort::Result<Vec<Vec<f32>>> {
    let mut selector = OutputSelector::no_default();
    for (name, [rows, columns]) in wanted {
        let room = OrtTensor::from_array(([*rows, *columns], vec![0.0_f32; rows * columns]))?;
        selector = selector.with(*name).preallocate(*name, room);
    }
    let options = RunOptions::new()?.with_outputs(selector);
    let tensor = TensorRef::from_array_view((shape, values))?;
    let outputs = session.run_with_options(ort::inputs![input => tensor], &options)?;
    wanted
        .iter()
        .map(|(name, _)| {
            let output =
                outputs.get(*name).ok_or_else(|| ort::Error::new(format!("it gave no output named {name}")))?;
            output.try_extract_tensor::<f32>().map(|(_, values)| values.to_vec())
        })
        .collect()
}

fn port_of_outlet(outlet: &Outlet) -> Port {
    let floats = match outlet.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Ok(shape.to_vec()),
        other => Err(other.to_string()),
    };
    Port { name: outlet.name().to_owned(), floats }
}

fn load_in_tract(mut onnx: &[u8]) -> TractResult<Graph> {
    let framework = tract_onnx::onnx();
    let proto = framework.proto_model_for_read(&mut onnx)?;
    let parsed = framework.parse(&proto, None)?;
    if !parsed.unresolved_inputs.is_empty() {
        return Err(TractError::msg("some inputs of its nodes come from nowhere"));
    }
    let model = one_window_at_a_time(parsed.model)?.into_optimized()?;
    let graph = proto.graph.unwrap_or_default();
    let ports = |infos: Vec<ValueInfoProto>, facts: Vec<&TypedFact>| {
        infos.into_iter().zip(facts).map(|(info, fact)| port_of_fact(info.name, fact)).collect()
    };
    let input_facts = model.input_outlets()?.iter().map(|o| model.outlet_fact(*o)).collect::<TractResult<_>>()?;
    let output_facts = model.output_outlets()?.iter().map(|o| model.outlet_fact(*o)).collect::<TractResult<_>>()?;
    let (inputs, outputs) = (ports(graph.input, input_facts), ports(graph.output, output_facts));
    Ok(Graph { inputs, outputs, kind: Kind::Tract(model.into_runnable()?) })
}

/// The graph with an open batch closed to one window: what it computes from shapes is then known beforehand, which makes it
/// a quarter faster; and tract gains nothing by several windows at once.
fn one_window_at_a_time(mut model: InferenceModel) -> TractResult<InferenceModel> {
    let mut fact = model.input_fact(0)?.clone();
    let is_open = fact.shape.dims().next().is_some_and(|batch| batch.concretize().is_none_or(|n| n.to_i64().is_err()));
    if is_open && fact.shape.set_dim(0, 1.into()) {
        model.set_input_fact(0, fact)?;
    }
    Ok(model)
}

fn port_of_fact(name: String, fact: &TypedFact) -> Port {
    let dimensions = || fact.shape.iter().map(|dim| if let TDim::Val(n) = dim { *n } else { -1 }).collect();
    let floats = match fact.datum_type {
        DatumType::F32 => Ok(dimensions()),
        // Dimensions of a tensor, which ONNX has as integers.
        DatumType::TDim => Err("a tensor of 64-bit integers".to_owned()),
        other => Err(format!("a tensor of {other:?}")),
    };
    Port { name, floats }
}

fn run_in_tract(
    plan: &Arc<TypedRunnableModel>,
    names: &[String],
    shape: &[usize],
    values: &[f32],
    wanted: &[(&str, [usize; 2])],
) -> Result<Vec<Vec<f32>>> {
    let failed = |words: String| Error::new(ErrorKind::Runtime, format!("the model failed: {words}"));
    let run = || plan.run([TValue::from(Tensor::from_shape(shape, values)?)].into_iter().collect());
    let outputs = run().map_err(|e| failed(e.to_string()))?;
    let value_of = |(name, expected): &(&str, [usize; 2])| {
        let output = names.iter().position(|known| known == name).and_then(|index| outputs.get(index));
        let output = output.ok_or_else(|| failed(format!("it gave no output named {name}")))?;
        if output.shape() != expected {
            return Err(failed(format!("expected {name} to have the shape {expected:?}, it has {:?}", output.shape())));
        }
        let values = output.to_plain_array_view::<f32>().map_err(|e| failed(e.to_string()))?;
        Ok(values.iter().copied().collect())
    };
    wanted.iter().map(value_of).collect()
}
