//! The native core as Python sees it: classes without rules of their own, one file each.
//!
//! Whatever waits is a future of one tokio runtime (`asynchronous`); the interpreter lock is never held meanwhile.

mod asynchronous;
mod codecs;
mod convert;
mod data_plane;
mod endpoint;
mod errors;
mod probe;
mod raw;
mod relay;
mod snapshot;
mod stack;

use pyo3::prelude::*;

/// The native core of golem-vpn.
#[pymodule(name = "_native", gil_used = false)]
mod native {
    use super::{PyResult, pyfunction};

    #[pymodule_export]
    use super::codecs::decompress;
    #[pymodule_export]
    use super::data_plane::DataPlane;
    #[pymodule_export]
    use super::endpoint::{Endpoint, Request};
    #[pymodule_export]
    use super::errors::{ConnectError, ControlError, NativeError};
    #[pymodule_export]
    use super::probe::{probe, probe_tun};
    #[pymodule_export]
    use super::raw::RawGate;
    #[pymodule_export]
    use super::relay::Relay;
    #[pymodule_export]
    use super::stack::{Namespaces, Stack, Stream};

    /// Runs the process that makes and holds an activity's namespaces; arguments as of `golem_vpn_io::sandbox::main`.
    #[pyfunction]
    fn sandbox_main(arguments: Vec<String>) -> i32 {
        golem_vpn_io::sandbox::main(&arguments)
    }

    /// Runs the process that holds the network namespaces of stacks; arguments as of `golem_vpn_io::kernel_stack::main`.
    #[pyfunction]
    fn stack_helper_main(arguments: Vec<String>) -> i32 {
        golem_vpn_io::kernel_stack::main(&arguments)
    }

    #[pymodule_init]
    fn prepare_exit(module: &super::Bound<'_, super::PyModule>) -> PyResult<()> {
        super::asynchronous::stop_at_exit(module.py())
    }
}
