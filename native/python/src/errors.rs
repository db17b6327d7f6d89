//! Native errors as Python exceptions.

use golem_vpn_io::control::ControlError as ControlFailure;
use golem_vpn_io::data_plane::DeviceFailure;
use golem_vpn_io::stack::ConnectError as ConnectFailure;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(golem_vpn._native, NativeError, PyException, "The native core could not do what was asked.");
create_exception!(
    golem_vpn._native,
    ConnectError,
    NativeError,
    "A stream through a network could not be opened; `reason` is refused, timed-out, no-route, too-many or lost."
);
create_exception!(
    golem_vpn._native,
    ControlError,
    NativeError,
    "A peer has not answered; `reason` is unreachable, interrupted, timed-out, refused, malformed, too-long or closed."
);

/// What becomes an exception once the interpreter may be entered.
#[derive(Debug)]
pub enum Failure {
    Native(String),
    /// An error of the operating system, which Python has classes for.
    System(std::io::Error),
    Connect(ConnectFailure),
    Control(ControlFailure),
}

pub fn native(error: impl std::fmt::Display) -> Failure {
    Failure::Native(error.to_string())
}

pub fn device(failure: DeviceFailure) -> Failure {
    match failure {
        DeviceFailure::System(error) => Failure::System(error),
        DeviceFailure::Refused(_) | DeviceFailure::Stopped(_) | DeviceFailure::Namespace(_) => native(failure),
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Native(message) => NativeError::new_err(message),
            Failure::System(error) => error.into(),
            Failure::Connect(failure) => {
                with_reason(ConnectError::new_err(failure.to_string()), connect_reason(failure))
            }
            Failure::Control(failure) => {
                let reason = control_reason(&failure);
                with_reason(ControlError::new_err(failure.to_string()), reason)
            }
        }
    }
}

fn connect_reason(failure: ConnectFailure) -> &'static str {
    match failure {
        ConnectFailure::Refused => "refused",
        ConnectFailure::TimedOut => "timed-out",
        ConnectFailure::NoRoute => "no-route",
        ConnectFailure::TooMany => "too-many",
        ConnectFailure::Lost => "lost",
    }
}

fn control_reason(failure: &ControlFailure) -> &'static str {
    match failure {
        ControlFailure::Unreachable(_) => "unreachable",
        ControlFailure::Interrupted(_) => "interrupted",
        ControlFailure::TimedOut => "timed-out",
        ControlFailure::Refused(_) => "refused",
        ControlFailure::Malformed => "malformed",
        ControlFailure::TooLong(_) => "too-long",
        ControlFailure::Closed => "closed",
    }
}

/// To be called by a thread that is in the interpreter already.
fn with_reason(error: PyErr, reason: &str) -> PyErr {
    Python::attach(|py| match error.value(py).setattr("reason", reason) {
        Ok(()) => error,
        Err(other) => other,
    })
}
