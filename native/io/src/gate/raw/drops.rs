//! Why frames go no further, and how often.

use std::sync::atomic::{AtomicU64, Ordering};

use golem_vpn_proto::packet::ethernet::FrameError;

/// Why a frame was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameDrop {
    /// A message of text is no frame.
    TextMessage,
    TooShort,
    TooLong,
    Malformed,
    OtherProtocol,
    /// A question for a neighbour outside of the network, or for the client's own address.
    NoNeighbour,
    ForeignSource,
    ForeignDestination,
    /// The client does not take what is for it.
    SlowClient,
    /// The gate has ended.
    Ended,
}

/// How often something was dropped.
#[derive(Debug, Default)]
pub(super) struct Drops([AtomicU64; FrameDrop::ALL.len()]);

impl FrameDrop {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 10] = [
        Self::TextMessage,
        Self::TooShort,
        Self::TooLong,
        Self::Malformed,
        Self::OtherProtocol,
        Self::NoNeighbour,
        Self::ForeignSource,
        Self::ForeignDestination,
        Self::SlowClient,
        Self::Ended,
    ];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TextMessage => "text_message",
            Self::TooShort => "frame_too_short",
            Self::TooLong => "frame_too_long",
            Self::Malformed => "malformed_frame",
            Self::OtherProtocol => "other_protocol",
            Self::NoNeighbour => "no_neighbour",
            Self::ForeignSource => "foreign_source",
            Self::ForeignDestination => "foreign_destination",
            Self::SlowClient => "slow_client",
            Self::Ended => "gate_ended",
        }
    }
}

impl From<FrameError> for FrameDrop {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooShort => Self::TooShort,
            FrameError::TooLong => Self::TooLong,
            FrameError::OtherProtocol => Self::OtherProtocol,
            FrameError::Malformed => Self::Malformed,
        }
    }
}

impl Drops {
    pub fn count(&self, reason: FrameDrop) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn of(&self, reason: FrameDrop) -> u64 {
        self.0[reason as usize].load(Ordering::Relaxed)
    }
}
