//! `probe`: what this machine takes off the data plane's hands.

use golem_vpn_io::{descriptor, offloads};
use pyo3::prelude::*;

use crate::errors;

/// What was found out by trying; sizes are in bytes.
#[derive(IntoPyObject)]
pub struct Offloads {
    aes_instructions: bool,
    real_time: bool,
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
        real_time: found.real_time,
        udp_segmentation: found.socket.segmentation,
        udp_receive: found.socket.receive_offload,
        send_buffer: found.socket.send_buffer,
        receive_buffer: found.socket.receive_buffer,
    })
}

/// What the kernel does for a TUN.
#[derive(IntoPyObject)]
pub struct TunOffloads {
    checksum: bool,
    tcp: bool,
    udp: bool,
}

/// Turns on what the kernel does for a TUN that nobody reads yet, and tells it.
#[pyfunction]
#[pyo3(signature = (fd) -> "TunOffloads")]
pub fn probe_tun(fd: i32) -> PyResult<TunOffloads> {
    let device = descriptor::duplicate(fd).map_err(errors::native)?;
    let found = offloads::probe_tun(device).map_err(errors::native)?;
    Ok(TunOffloads { checksum: found.checksum, tcp: found.tcp, udp: found.udp })
}
