//! The control socket: one message a packet, descriptors beside it.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::failure::checked;

const MAX_MESSAGE: usize = 512 * 1024;
const MAX_DESCRIPTORS: usize = 4;
/// Room for a control message of `MAX_DESCRIPTORS`, in units that give it the alignment of its header.
const ANCILLARY_WORDS: usize = 8;

#[derive(Debug)]
pub struct Channel(OwnedFd);

/// One received message.
pub struct Packet {
    pub bytes: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

impl Channel {
    pub fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Makes both ends of a channel.
    pub fn pair() -> io::Result<(Self, Self)> {
        let mut ends = [0; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        // SAFETY: the array has room for the two descriptors, which are new and nobody else's.
        unsafe {
            checked(libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()))?;
            Ok((Self(OwnedFd::from_raw_fd(ends[0])), Self(OwnedFd::from_raw_fd(ends[1]))))
        }
    }

    /// Waits for a message; gives none once the other end is closed.
    pub fn receive(&self) -> io::Result<Option<Packet>> {
        let mut bytes = vec![0; MAX_MESSAGE];
        let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let mut ancillary = [0_u64; ANCILLARY_WORDS];
        let mut header = message_header(&mut part, &mut ancillary, mem::size_of::<[u64; ANCILLARY_WORDS]>());
        // SAFETY: the header points at live buffers of the lengths it names.
        let length = checked(unsafe { libc::recvmsg(self.0.as_raw_fd(), &mut header, libc::MSG_CMSG_CLOEXEC) })?;
        let descriptors = received_descriptors(&header);
        if header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        if length == 0 {
            return Ok(None);
        }
        bytes.truncate(length.unsigned_abs());
        Ok(Some(Packet { bytes, descriptors }))
    }

    /// Sends a message, and at most `MAX_DESCRIPTORS` descriptors.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        if descriptors.len() > MAX_DESCRIPTORS {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut ancillary = [0_u64; ANCILLARY_WORDS];
        let size = mem::size_of_val(descriptors) as u32;
        // SAFETY: CMSG_SPACE only computes.
        let space = unsafe { libc::CMSG_SPACE(size) } as usize;
        let mut header = message_header(&mut part, &mut ancillary, if descriptors.is_empty() { 0 } else { space });
        if !descriptors.is_empty() {
            // SAFETY: the ancillary buffer has room for one header and that many descriptors, which have no more than
            // their number in them, so the first header is inside it.
            unsafe {
                let control = libc::CMSG_FIRSTHDR(&header);
                (*control).cmsg_level = libc::SOL_SOCKET;
                (*control).cmsg_type = libc::SCM_RIGHTS;
                (*control).cmsg_len = libc::CMSG_LEN(size) as _;
                let first = libc::CMSG_DATA(control).cast::<RawFd>();
                for (index, descriptor) in descriptors.iter().enumerate() {
                    ptr::write_unaligned(first.add(index), descriptor.as_raw_fd());
                }
            }
        }
        header.msg_flags = 0;
        // SAFETY: the header points at live buffers of the lengths it names; sendmsg only reads them.
        checked(unsafe { libc::sendmsg(self.0.as_raw_fd(), &header, libc::MSG_NOSIGNAL) })?;
        Ok(())
    }
}

impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn message_header(part: &mut libc::iovec, ancillary: &mut [u64], length: usize) -> libc::msghdr {
    // SAFETY: msghdr is a plain C structure, for which all zeros is "nothing".
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = part;
    header.msg_iovlen = 1;
    header.msg_control = if length == 0 { ptr::null_mut() } else { ancillary.as_mut_ptr().cast() };
    header.msg_controllen = length as _;
    header
}

fn received_descriptors(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::with_capacity(MAX_DESCRIPTORS);
    // SAFETY: the kernel filled the ancillary buffer and its length; the macros stay within it, and each
    // descriptor in it is new in this process and nobody else's.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_SOCKET && (*control).cmsg_type == libc::SCM_RIGHTS {
                let length = (*control).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let first = libc::CMSG_DATA(control).cast::<RawFd>();
                for index in 0..length / mem::size_of::<RawFd>() {
                    descriptors.push(OwnedFd::from_raw_fd(ptr::read_unaligned(first.add(index))));
                }
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    descriptors
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};

    #[test]
    fn carries_a_message_and_descriptors() {
        let (near, far) = Channel::pair().expect("a pair");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        near.send(b"hello", &[reader.as_fd(), writer.as_fd()]).expect("sent");
        assert!(near.send(b"hello", &[writer.as_fd(); MAX_DESCRIPTORS + 1]).is_err());
        drop(writer);
        let packet = far.receive().expect("received").expect("a message");
        assert_eq!(packet.bytes, b"hello");
        let [_, descriptor] = <[OwnedFd; 2]>::try_from(packet.descriptors).expect("two descriptors");
        File::from(descriptor).write_all(b"x").expect("written");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "x");
    }

    #[test]
    fn tells_the_end_from_a_message() {
        let (near, far) = Channel::pair().expect("a pair");
        drop(near);
        assert!(far.receive().expect("no error").is_none());
    }
}
