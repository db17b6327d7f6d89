//! Futures of the core as futures of asyncio.
//!
//! Only one thread of the core, the *messenger*, ever enters the interpreter, so no other thread waits for the
//! interpreter lock, and when Python exits there is one thread to stop: a thread that enters an interpreter while that
//! is being taken down brings the process down.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use tokio::runtime::Runtime;

use crate::errors::Failure;

const WORKERS: usize = 2;
/// Errands done before others get the interpreter lock.
const BATCH: usize = 64;

type Errand = Box<dyn FnOnce(Python<'_>) + Send>;

/// Who waits in Python, and where.
struct Waiter {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
}

enum Messenger {
    /// Nothing has been awaited yet. The process that becomes a sandbox must have no second thread.
    Idle,
    Running {
        errands: Sender<Errand>,
        thread: JoinHandle<()>,
    },
    Stopped,
}

static MESSENGER: Mutex<Messenger> = Mutex::new(Messenger::Idle);

/// The runtime of everything that waits, started by its first use.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name("golem-vpn-io").enable_all();
        builder.build().expect("the system gives threads and an epoll descriptor")
    })
}

/// Starts work of the running event loop's; cancelled with the future that is returned.
pub fn awaitable<T, F>(py: Python<'_>, work: F) -> PyResult<Bound<'_, PyAny>>
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let future = event_loop.call_method0("create_future")?;
    let waiter = Waiter { event_loop: event_loop.unbind(), future: future.clone().unbind() };
    let work = runtime().spawn(work);
    let handle = work.abort_handle();
    runtime().spawn(async move {
        let outcome = match work.await {
            Ok(outcome) => outcome,
            Err(error) if error.is_cancelled() => return,
            Err(_) => Err(Failure::Native("the native core has a fault; its message is on stderr".to_owned())),
        };
        send(Box::new(move |py| waiter.settle(py, outcome)));
    });
    let abort = move |_: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| handle.abort();
    future.call_method1("add_done_callback", (PyCFunction::new_closure(py, None, None, abort)?,))?;
    Ok(future)
}

/// Has the messenger stopped before the interpreter is.
pub fn stop_at_exit(py: Python<'_>) -> PyResult<()> {
    let stop = |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| arguments.py().detach(stop);
    py.import("atexit")?.call_method1("register", (PyCFunction::new_closure(py, None, None, stop)?,))?;
    Ok(())
}

impl Waiter {
    /// Hands the outcome to the event loop. One that is closed has nobody waiting.
    fn settle<T: for<'py> IntoPyObject<'py>>(self, py: Python<'_>, outcome: Result<T, Failure>) {
        let (setter, value) = match outcome.map_err(PyErr::from).and_then(|value| value.into_py_any(py)) {
            Ok(value) => ("set_result", value),
            Err(error) => ("set_exception", error.into_value(py).into_any()),
        };
        let future = self.future;
        let set = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            let future = future.bind(arguments.py());
            if !future.call_method0("done")?.is_truthy()? {
                future.call_method1(setter, (&value,))?;
            }
            PyResult::Ok(())
        };
        let set = PyCFunction::new_closure(py, None, None, set);
        let _nobody_waits = set.and_then(|set| self.event_loop.call_method1(py, "call_soon_threadsafe", (set,)));
    }
}

fn send(errand: Errand) {
    let mut messenger = messenger();
    if let Messenger::Idle = *messenger {
        let (errands, received) = mpsc::channel();
        let thread = thread::Builder::new().name("golem-vpn-python".to_owned()).spawn(|| deliver(received));
        let thread = thread.expect("the system gives a thread");
        *messenger = Messenger::Running { errands, thread };
    }
    if let Messenger::Running { errands, .. } = &*messenger {
        // Fails only where the messenger has died, which was told on stderr.
        let _ = errands.send(errand);
    }
}

fn deliver(errands: Receiver<Errand>) {
    while let Ok(first) = errands.recv() {
        Python::attach(|py| {
            first(py);
            errands.try_iter().take(BATCH).for_each(|errand| errand(py));
        });
    }
}

fn stop() {
    let stopped = std::mem::replace(&mut *messenger(), Messenger::Stopped);
    if let Messenger::Running { errands, thread } = stopped {
        drop(errands);
        let _died_before = thread.join();
    }
}

fn messenger() -> MutexGuard<'static, Messenger> {
    MESSENGER.lock().unwrap_or_else(PoisonError::into_inner)
}
