//! Control messages beside datagrams: the size of a train's segments, and what their headers say of congestion.

use std::ptr;

use golem_vpn_proto::Ecn;

/// Room for three messages that carry an `int` each, aligned as the kernel wants it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Control {
    _align: libc::cmsghdr,
    bytes: [u8; CONTROL_LENGTH],
}

// SAFETY: CMSG_SPACE only computes.
const CONTROL_LENGTH: usize = 3 * unsafe { libc::CMSG_SPACE(size_of::<libc::c_int>() as u32) } as usize;

/// What is asked for beside a train that is sent.
#[derive(Clone, Copy)]
pub(super) struct Wishes {
    pub segment_size: Option<u16>,
    pub ecn: Ecn,
    /// Whether the headers are of IPv6.
    pub ipv6: bool,
}

/// What the kernel tells beside a train that was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Size of the datagrams; `None` when there is only one.
    pub segment_size: Option<usize>,
    pub ecn: Ecn,
    /// How many trains the socket has dropped so far because it was full; `None` while it has dropped none.
    pub overflows: Option<u32>,
}

impl Control {
    pub(super) fn new() -> Self {
        Self { bytes: [0; CONTROL_LENGTH] }
    }

    /// Makes `message` point here, for the kernel to write to.
    pub(super) fn lend(&mut self, message: &mut libc::msghdr) {
        message.msg_control = (&raw mut *self).cast();
        message.msg_controllen = CONTROL_LENGTH as _;
    }

    /// Makes `message` point here where it finds the wishes, unless there are none.
    pub(super) fn ask(&mut self, wishes: Wishes, message: &mut libc::msghdr) {
        let segments = wishes.segment_size.map(|size| (libc::SOL_UDP, libc::UDP_SEGMENT, Value::Short(size)));
        let (level, kind) =
            if wishes.ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) } else { (libc::IPPROTO_IP, libc::IP_TOS) };
        let mark = (wishes.ecn != Ecn::NotCapable).then_some((level, kind, Value::Int(wishes.ecn as libc::c_int)));
        self.lend(message);
        let mut used = 0;
        // SAFETY: `message` describes `self`, which has room for more messages of an int, the longest value.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(message);
            for (level, kind, value) in segments.into_iter().chain(mark) {
                (*header).cmsg_level = level;
                (*header).cmsg_type = kind;
                (*header).cmsg_len = libc::CMSG_LEN(value.length()) as _;
                match value {
                    Value::Short(value) => ptr::write_unaligned(libc::CMSG_DATA(header).cast(), value),
                    Value::Int(value) => ptr::write_unaligned(libc::CMSG_DATA(header).cast(), value),
                }
                used += libc::CMSG_SPACE(value.length()) as usize;
                header = libc::CMSG_NXTHDR(message, header);
            }
        }
        message.msg_controllen = used as _;
        if used == 0 {
            message.msg_control = ptr::null_mut();
        }
    }
}

#[derive(Clone, Copy)]
enum Value {
    Short(u16),
    Int(libc::c_int),
}

impl Value {
    fn length(self) -> u32 {
        match self {
            Self::Short(_) => size_of::<u16>() as u32,
            Self::Int(_) => size_of::<libc::c_int>() as u32,
        }
    }
}

impl Facts {
    /// Reads what the kernel wrote beside a message.
    pub(super) fn read(message: &libc::msghdr) -> Self {
        let mut facts = Self::default();
        // SAFETY: the kernel has filled the room that `message` points to, and has set its length; the macros stay
        // inside of it. The size of segments and the class of IPv6 are ints, the count of overflows is a u32, the
        // type of service of IPv4 is a byte.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(message);
            while !header.is_null() {
                let data = libc::CMSG_DATA(header);
                match ((*header).cmsg_level, (*header).cmsg_type) {
                    (libc::SOL_UDP, libc::UDP_GRO) => {
                        let size = ptr::read_unaligned(data.cast::<libc::c_int>());
                        facts.segment_size = usize::try_from(size).ok().filter(|size| *size > 0);
                    }
                    (libc::IPPROTO_IP, libc::IP_TOS) => facts.ecn = Ecn::from_traffic_class(*data),
                    (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                        let class = ptr::read_unaligned(data.cast::<libc::c_int>());
                        facts.ecn = Ecn::from_traffic_class(class as u8);
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                        facts.overflows = Some(ptr::read_unaligned(data.cast::<u32>()));
                    }
                    _ => {}
                }
                header = libc::CMSG_NXTHDR(message, header);
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    #[test]
    fn a_message_without_wishes_has_no_control() {
        let mut control = Control::new();
        // SAFETY: all-zero bytes are a valid value of this C struct.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        control.ask(Wishes { segment_size: None, ecn: Ecn::NotCapable, ipv6: false }, &mut message);
        assert!(message.msg_control.is_null() && message.msg_controllen == 0);
        assert_eq!(Facts::read(&message), Facts::default());
    }
}
