//! A rehearsal in tract, where a panic can be caught.
//!
//! tract panics over some broken graphs: an output that no node makes, an axis that is not there. `ort` calls it through
//! functions of the C ABI, and a panic there ends the process. So a graph from outside first takes the same steps here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::{DatumType, Framework, InferenceModelExt, IntoRunnable, TValue, Tensor, TractResult};

use crate::error::{Error, ErrorKind, Result};

/// Loads the graph and runs it on zeros of `shape`. Tells what would end in a panic; all else is for the checks that
/// follow, which have better words for it.
pub(super) fn rehearse(onnx: &[u8], shape: &[usize]) -> Result<()> {
    let refused = |message: &str| Err(Error::new(ErrorKind::InvalidModel, message));
    match catch_unwind(AssertUnwindSafe(|| run(onnx, shape))) {
        Err(_) => refused("tract cannot load the ONNX graph: it panics over it"),
        Ok(Ok(Some(output))) => refused(&format!(
            "expected graph output {output} to be a tensor of 32-bit floats, it is one of 64-bit integers"
        )),
        Ok(_) => Ok(()),
    }
}

/// The first output, if any, that tract takes for dimensions of a tensor; `ort` knows no such type and panics.
fn run(mut onnx: &[u8], shape: &[usize]) -> TractResult<Option<String>> {
    let framework = tract_onnx::onnx();
    let graph = framework.proto_model_for_read(&mut onnx)?;
    let model = framework.parse(&graph, None)?.model.into_optimized()?;
    let names = graph.graph.into_iter().flat_map(|graph| graph.output).map(|output| output.name);
    for (outlet, name) in model.output_outlets()?.iter().zip(names) {
        if model.outlet_fact(*outlet)?.datum_type == DatumType::TDim {
            return Ok(Some(name));
        }
    }
    let zeros = Tensor::zero_dt(DatumType::F32, shape)?;
    model.into_runnable()?.run([TValue::from(zeros)].into_iter().collect())?;
    Ok(None)
}
