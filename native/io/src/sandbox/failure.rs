use std::fmt;
use std::io;

/// What a step of the set-up belongs to; the launching side keeps a cure for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Control,
    Namespaces,
    Device,
    FileSystem,
    /// Part of the file system for which there is another way.
    Layers,
    Privileges,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Part::Control => "control",
            Part::Namespaces => "namespaces",
            Part::Device => "device",
            Part::FileSystem => "file-system",
            Part::Layers => "layers",
            Part::Privileges => "privileges",
        }
    }
}

/// A step that the system refused.
#[derive(Debug)]
pub struct Failure {
    pub part: Part,
    pub action: String,
    pub cause: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.action, self.cause)
    }
}

impl std::error::Error for Failure {}

/// Says what was being done when a system call failed.
pub trait Doing<T> {
    fn doing(self, part: Part, action: impl Into<String>) -> Result<T, Failure>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, part: Part, action: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|cause| Failure { part, action: action.into(), cause })
    }
}

/// Turns the C library's -1 into the error it stands for.
pub fn checked<N: PartialEq + From<i8>>(result: N) -> io::Result<N> {
    if result == N::from(-1) { Err(io::Error::last_os_error()) } else { Ok(result) }
}
