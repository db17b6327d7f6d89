//! `probe`: what this machine takes off the data plane's hands.

use golem_vpn_io::offloads;
use pyo3::prelude::*;

use crate::errors;

/// What was found out by trying; sizes are in bytes.
#[derive(IntoPyObject)]
pub struct Offloads {
    aes_instructions: bool,
    udp_segmentation: bool,
    udp_receive: bool,
    send_buffer: usize,
    receive_buffer: usize,
}

/// Tries what the machine can do without any privilege.
#[pyfunction]
#[pyo3(signature = () -> "Offloads")]
pub fn probe(py: Python<'_>) -> PyResult<Offloads> {
    let found = py.detach(offloads::probe).map_err(errors::native)?;
    Ok(Offloads {
        aes_instructions: found.aes_instructions,
        udp_segmentation: found.socket.segmentation,
        udp_receive: found.socket.receive_offload,
        send_buffer: found.socket.send_buffer,
        receive_buffer: found.socket.receive_buffer,
    })
}
