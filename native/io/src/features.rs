//! What makes packets fast: what can be left out, to measure what it is worth, and what is done only where it is wanted.

/// Techniques that are used where the machine has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Super-packets and partial checksums between the kernel and a TUN.
    pub tun_offload: bool,
    /// UDP super-packets among them.
    pub tun_udp_offload: bool,
    /// One system call that sends a train of datagrams (`UDP_SEGMENT`).
    pub udp_segmentation: bool,
    /// Received datagrams as trains (`UDP_GRO`).
    pub udp_receive_offload: bool,
    /// One system call that receives several trains (`recvmmsg`).
    pub receive_batch: bool,
    /// Letting packets gather for a moment under a heavy load.
    pub gathering: bool,
    /// Real-time priority under a heavy load, where the system permits it.
    pub priority: bool,
    /// Stay awake for a moment after each packet, and with that priority too while others want the processors. Off by
    /// itself.
    pub low_latency: bool,
    /// Threads that seal and open long trains beside the packet thread; `None` leaves it to the machine's processors.
    pub workers: Option<usize>,
}

/// A feature that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no feature {0:?} that could be left out, only {list}", list = Features::NAMES.join(", "))]
pub struct UnknownFeature(pub String);

impl Features {
    pub const NAMES: [&str; 7] =
        ["tun-offload", "tun-udp-offload", "udp-gso", "udp-gro", "receive-batch", "gathering", "priority"];

    /// All but those that are named.
    pub fn without<Name: AsRef<str>>(names: &[Name]) -> Result<Self, UnknownFeature> {
        let mut features = Self::default();
        for name in names {
            let feature = match name.as_ref() {
                "tun-offload" => &mut features.tun_offload,
                "tun-udp-offload" => &mut features.tun_udp_offload,
                "udp-gso" => &mut features.udp_segmentation,
                "udp-gro" => &mut features.udp_receive_offload,
                "receive-batch" => &mut features.receive_batch,
                "gathering" => &mut features.gathering,
                "priority" => &mut features.priority,
                unknown => return Err(UnknownFeature(unknown.to_owned())),
            };
            *feature = false;
        }
        Ok(features)
    }
}

impl Default for Features {
    fn default() -> Self {
        Self {
            tun_offload: true,
            tun_udp_offload: true,
            udp_segmentation: true,
            udp_receive_offload: true,
            receive_batch: true,
            gathering: true,
            priority: true,
            low_latency: false,
            workers: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leaves_out_one_feature() {
        let count = |features: Features| {
            let Features {
                tun_offload,
                tun_udp_offload,
                udp_segmentation,
                udp_receive_offload,
                receive_batch,
                gathering,
                priority,
                low_latency,
                workers,
            } = features;
            assert!(!low_latency && workers.is_none());
            let of_packets = [tun_offload, tun_udp_offload, udp_segmentation, udp_receive_offload, receive_batch];
            of_packets.into_iter().chain([gathering, priority]).filter(|on| *on).count()
        };
        assert_eq!(Features::without::<&str>(&[]), Ok(Features::default()));
        for number in 0..Features::NAMES.len() {
            assert_eq!(
                count(Features::without(&Features::NAMES[..=number]).unwrap()),
                Features::NAMES.len() - 1 - number
            );
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        let refused = Features::without(&["udp-gso", "magic"]).unwrap_err();
        assert_eq!(refused, UnknownFeature("magic".to_owned()));
        assert!(Features::NAMES.iter().all(|name| refused.to_string().contains(name)));
    }
}
