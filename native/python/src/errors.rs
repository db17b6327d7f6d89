//! Native errors as Python exceptions.

use golem_vpn_io::{control, stack};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(golem_vpn._native, NativeError, PyException, "The native core could not do what was asked.");
create_exception!(
    golem_vpn._native,
    ConnectError,
    NativeError,
    "A stream through a network could not be opened; `reason` is refused, timed-out, no-route or too-many."
);
create_exception!(
    golem_vpn._native,
    ControlError,
    NativeError,
    "A peer has not answered; `reason` is unreachable, interrupted, timed-out, refused, malformed, too-long or closed."
);

pub fn native(error: impl std::fmt::Display) -> PyErr {
    NativeError::new_err(error.to_string())
}

pub fn connect(error: stack::ConnectError) -> PyErr {
    let reason = match error {
        stack::ConnectError::Refused => "refused",
        stack::ConnectError::TimedOut => "timed-out",
        stack::ConnectError::NoRoute => "no-route",
        stack::ConnectError::TooMany => "too-many",
    };
    with_reason(ConnectError::new_err(error.to_string()), reason)
}

pub fn control(error: control::ControlError) -> PyErr {
    let reason = match error {
        control::ControlError::Unreachable(_) => "unreachable",
        control::ControlError::Interrupted(_) => "interrupted",
        control::ControlError::TimedOut => "timed-out",
        control::ControlError::Refused(_) => "refused",
        control::ControlError::Malformed => "malformed",
        control::ControlError::TooLong(_) => "too-long",
        control::ControlError::Closed => "closed",
    };
    with_reason(ControlError::new_err(error.to_string()), reason)
}

fn with_reason(error: PyErr, reason: &str) -> PyErr {
    Python::attach(|py| match error.value(py).setattr("reason", reason) {
        Ok(()) => error,
        Err(other) => other,
    })
}
