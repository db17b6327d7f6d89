//! `Namespaces`, `Stack` and `Stream`: TCP connections into networks without an interface of the machine's.

use std::ffi::CString;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use golem_vpn_io::data_plane::{GateStream, StackDevice};
use golem_vpn_io::descriptor;
use golem_vpn_io::gate::{self, Limits};
use golem_vpn_io::kernel_stack;
use golem_vpn_io::stack::Pair;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::asynchronous::awaitable;
use crate::convert::{self, Addressed};
use crate::errors::{self, Failure};
use crate::raw::RawGate;

/// Network namespaces for stacks of the kernel's, kept by a helper process until this and its stacks are gone.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Namespaces {
    shared: Arc<kernel_stack::Namespaces>,
}

#[pymethods]
impl Namespaces {
    /// Takes over the control socket of a helper process, by a duplicate, and waits until that has found out whether
    /// it can do its work; `device_node` is the TUN's. Raises what the system refused.
    #[staticmethod]
    #[pyo3(signature = (control, device_node) -> "Future[Namespaces]")]
    fn start<'py>(py: Python<'py>, control: i32, device_node: &str) -> PyResult<Bound<'py, PyAny>> {
        let control = descriptor::duplicate(control).map_err(errors::native)?;
        let device_node = CString::new(device_node)?;
        awaitable(py, async move {
            let shared = kernel_stack::Namespaces::start(control, device_node).await.map_err(errors::native)?;
            Ok(Self { shared })
        })
    }
}

impl Namespaces {
    pub fn shared(&self) -> &Arc<kernel_stack::Namespaces> {
        &self.shared
    }
}

/// A TCP/IP stack on the switch.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Stack {
    device: Mutex<Option<Arc<StackDevice>>>,
}

/// One connection of a stack, as the Net API shows it.
#[derive(IntoPyObject)]
#[pyo3(rename_all = "camelCase")]
pub struct ConnectionInfo {
    protocol: &'static str,
    local_ip: String,
    local_port: u16,
    remote_ip: String,
    remote_port: u16,
}

#[pymethods]
impl Stack {
    /// Replaces the addresses. Connections from addresses that stay go on.
    fn set_addresses(&self, py: Python<'_>, attachments: Vec<Addressed>, addresses: Vec<String>) -> PyResult<()> {
        let attachments = convert::attachments(&attachments)?;
        let addresses = convert::interface_addresses(&addresses)?;
        let device = self.device()?;
        Ok(py.detach(|| device.set_addresses(attachments, addresses)).map_err(errors::device)?)
    }

    /// Opens a TCP connection; `ConnectError` says why there is none.
    #[pyo3(signature = (ip, port, timeout) -> "Future[Stream]")]
    fn connect<'py>(&self, py: Python<'py>, ip: &str, port: u16, timeout: f64) -> PyResult<Bound<'py, PyAny>> {
        let to = SocketAddr::new(convert::ip(ip)?, port);
        let timeout = convert::timeout(timeout)?;
        let device = self.device()?;
        awaitable(py, async move {
            let stream = device.connect(to, timeout).await.map_err(Failure::Connect)?;
            Ok(Stream { stream: Mutex::new(Some(stream)) })
        })
    }

    /// Opens a way for Ethernet frames between an address of the stack and another, in place of an earlier one.
    ///
    /// `ConnectError` says why there is none.
    fn open_raw(&self, py: Python<'_>, local: &str, remote: &str) -> PyResult<RawGate> {
        let pair = Pair { local: convert::ip(local)?, remote: convert::ip(remote)? };
        let device = self.device()?;
        let diversion = py.detach(|| device.divert(pair)).map_err(Failure::Connect)?;
        Ok(RawGate::new(gate::RawGate::new(diversion)))
    }

    /// Lists the open connections: protocol, localIp, localPort, remoteIp, remotePort.
    #[pyo3(signature = () -> "list[ConnectionInfo]")]
    fn connections(&self) -> PyResult<Vec<ConnectionInfo>> {
        let open = self.device()?.connections();
        let text = |address: IpAddr| address.to_string();
        let info = open.into_iter().map(|one| ConnectionInfo {
            protocol: "tcp",
            local_ip: text(one.local.ip()),
            local_port: one.local.port(),
            remote_ip: text(one.remote.ip()),
            remote_port: one.remote.port(),
        });
        Ok(info.collect())
    }

    /// Ends the stack and its connections. A second call does nothing.
    fn close(&self, py: Python<'_>) {
        let device = self.device.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(device));
    }
}

impl Stack {
    pub fn new(device: StackDevice) -> Self {
        Self { device: Mutex::new(Some(Arc::new(device))) }
    }

    fn device(&self) -> Result<Arc<StackDevice>, Failure> {
        let device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        device.clone().ok_or_else(|| errors::native("the stack is closed"))
    }
}

/// A TCP connection into a network.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Stream {
    stream: Mutex<Option<GateStream>>,
}

#[pymethods]
impl Stream {
    /// Writes the response head to a duplicate of the client's socket, then carries websocket messages both ways.
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
        let stream = self.take().ok_or_else(|| errors::native("the stream is closed, or in use"))?;
        let (already_read, response_head) = (already_read.to_vec(), response_head.to_vec());
        awaitable(py, async move {
            let end = gate::pump(socket, already_read, response_head, stream, Limits::default()).await;
            Ok(end.reason.name())
        })
    }

    /// Ends the connection, unless it is being pumped.
    fn close(&self) {
        drop(self.take());
    }
}

impl Stream {
    fn take(&self) -> Option<GateStream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
