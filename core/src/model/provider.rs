//! Where ONNX Runtime computes: its execution providers.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// An execution provider of ONNX Runtime. Whether one is there hangs on the library that was loaded and on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// NVIDIA GPUs.
    Cuda,
    /// NVIDIA GPUs, by its `TensorRT`.
    TensorRt,
    /// Apple's neural engine and GPUs.
    CoreMl,
    /// GPUs on Windows.
    DirectMl,
    /// Faster kernels for CPUs, of ARM above all.
    Xnnpack,
}

impl Provider {
    /// All that can be asked for.
    pub const ALL: [Self; 5] = [Self::Cuda, Self::TensorRt, Self::CoreMl, Self::DirectMl, Self::Xnnpack];

    /// The name as options and reports have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::CoreMl => "coreml",
            Self::DirectMl => "directml",
            Self::Xnnpack => "xnnpack",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = Error;

    /// ```
    /// use veravox::runtime::Provider;
    ///
    /// assert_eq!("cuda".parse::<Provider>()?, Provider::Cuda);
    /// assert!("gpu".parse::<Provider>().is_err());
    /// # Ok::<(), veravox::Error>(())
    /// ```
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::new(
                ErrorKind::InvalidArgument,
                format!("there is no execution provider {name:?}; there are {known}"),
            )
        })
    }
}
