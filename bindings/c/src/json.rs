//! What has a form in JSON crosses as text.

use std::ffi::CString;

use crate::status::{Fault, vvx_status};

/// Anything that has a form in JSON, as text.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<CString, Fault> {
    let unwritable = |_| Fault::new(vvx_status::Other, "the report cannot be written as JSON");
    let text = serde_json::to_string(value).map_err(unwritable)?;
    // A zero is written as an escape in JSON.
    CString::new(text).map_err(|_| Fault::new(vvx_status::Other, "the report holds a zero byte"))
}
