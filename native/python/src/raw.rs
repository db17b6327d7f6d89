//! `RawGate`: Ethernet frames into networks.

use std::collections::HashMap;
use std::sync::Arc;

use golem_vpn_io::descriptor;
use golem_vpn_io::gate::{self, Limits};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::asynchronous::awaitable;
use crate::errors;

/// A way for Ethernet frames between an address of a stack and one of another member.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct RawGate {
    gate: Arc<gate::RawGate>,
}

#[pymethods]
impl RawGate {
    /// Writes the response head to a duplicate of the client's socket, then carries frames both ways, each a message.
    ///
    /// Gives the reason why it ended. `already_read` is what came behind the head of the client's request.
    #[pyo3(signature = (fd, already_read, response_head) -> "Future[str]")]
    fn pump_websocket<'py>(
        &self,
        py: Python<'py>,
        fd: i32,
        already_read: PyBackedBytes,
        response_head: PyBackedBytes,
    ) -> PyResult<Bound<'py, PyAny>> {
        let socket = descriptor::duplicate(fd).map_err(errors::native)?.into();
        let gate = self.gate.clone();
        if !gate.claim() {
            return Err(errors::native("the raw gate has a websocket already").into());
        }
        let (already_read, response_head) = (already_read.to_vec(), response_head.to_vec());
        awaitable(py, async move {
            let end = gate.pump(socket, already_read, response_head, Limits::default()).await;
            Ok(end.reason.name())
        })
    }

    /// Counts the frames that went no further, by reason.
    fn drops(&self) -> HashMap<&'static str, u64> {
        self.gate.drops().into_iter().collect()
    }

    /// Ends the gate, and its websocket. A second call does nothing.
    fn close(&self) {
        self.gate.close();
    }
}

impl RawGate {
    pub fn new(gate: gate::RawGate) -> Self {
        Self { gate: Arc::new(gate) }
    }
}
