//! The helper process: it has a user namespace of its own, in which it makes network namespaces, and sockets in them.
//!
//! It is needed because a socket belongs to the network namespace of the process that makes it, and no thread of the
//! daemon can enter one without privileges. It holds nothing that outlives it but descriptors that the daemon has, and
//! ends when the daemon's end of the control socket closes.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::messages::{BIRTH, Reply, Request, UNANSWERED};
use crate::sandbox::channel::Channel;
use crate::sandbox::failure::{Doing, Failure, Part, checked};
use crate::sandbox::interface::{self, Controls, LOOPBACK_MTU};
use crate::sandbox::messages::{Device, InterfaceAddress};

const INTERFACE: &str = "vpn0";
/// Hides losses of the path, where the kernel has it; the kernel's default takes each loss for congestion.
const CONGESTION_CONTROL: &[u8] = b"bbr";
const TRIAL_MTU: u16 = 1420;

/// Runs the helper; the arguments are the number of the control socket's descriptor and the TUN device node.
///
/// To be called in a process of one thread, which ends with the result as its exit code.
pub fn main(arguments: &[String]) -> i32 {
    let [descriptor, node] = arguments else { return 2 };
    let (Ok(descriptor), Ok(node)) = (descriptor.parse(), CString::new(node.as_str())) else { return 2 };
    // SAFETY: the launching side passes this descriptor for our use alone.
    let channel = Channel::new(unsafe { OwnedFd::from_raw_fd(descriptor) });
    i32::from(live(&channel, &node).is_err())
}

fn live(channel: &Channel, node: &CStr) -> Result<(), Failure> {
    let helper = Helper::new().and_then(|mut helper| {
        helper.open(u32::MAX, node, TRIAL_MTU, &[])?;
        helper.close(u32::MAX)?;
        Ok(helper)
    });
    let birth = Reply::new(BIRTH, helper.as_ref().err());
    channel.send(&birth.encode(), &[]).doing(Part::Control, "report the birth")?;
    let mut helper = helper?;
    while let Some(packet) = channel.receive().doing(Part::Control, "receive a request")? {
        let (number, request) =
            Request::decode(&packet.bytes).map_err(io::Error::other).doing(Part::Control, "read a request")?;
        let outcome = helper.carry_out(request);
        if number == UNANSWERED {
            continue;
        }
        let (reply, descriptor) = match &outcome {
            Ok(descriptor) => (Reply::new(number, None), descriptor.as_ref()),
            Err(failure) => (Reply::new(number, Some(failure)), None),
        };
        let descriptors: Vec<BorrowedFd<'_>> = descriptor.map(AsFd::as_fd).into_iter().collect();
        channel.send(&reply.encode(), &descriptors).doing(Part::Control, "answer a request")?;
    }
    Ok(())
}

struct Helper {
    /// An empty network namespace, to be in while another one ends.
    home: File,
    spaces: HashMap<u32, Space>,
}

struct Space {
    namespace: File,
    addresses: Vec<InterfaceAddress>,
}

impl Helper {
    /// Moves this process into a user namespace, in which it has every capability.
    fn new() -> Result<Self, Failure> {
        // SAFETY: these only ask.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET, "make namespaces")?;
        let write = |file: &str, text: &str| {
            let path = format!("/proc/self/{file}");
            fs::write(&path, text).doing(Part::Namespaces, format!("write {text:?} to {path}"))
        };
        write("setgroups", "deny")?;
        write("uid_map", &format!("0 {user} 1"))?;
        write("gid_map", &format!("0 {group} 1"))?;
        Ok(Self { home: present_namespace()?, spaces: HashMap::new() })
    }

    /// Gives the descriptor that was asked for, if one was.
    fn carry_out(&mut self, request: Request) -> Result<Option<OwnedFd>, Failure> {
        match request {
            Request::Open { space, node, mtu, addresses } => self.open(space, &node, mtu, &addresses).map(Some),
            Request::SetAddresses { space, addresses } => self.set_addresses(space, addresses).map(|()| None),
            Request::Socket { space, is_ipv6 } => self.socket(space, is_ipv6).map(Some),
            Request::Close { space } => self.close(space).map(|()| None),
        }
    }

    fn open(&mut self, space: u32, node: &CStr, mtu: u16, addresses: &[InterfaceAddress]) -> Result<OwnedFd, Failure> {
        unshare(libc::CLONE_NEWNET, "make a network namespace")?;
        let namespace = present_namespace()?;
        let device = Device { node: node.to_owned(), name: INTERFACE.to_owned(), mtu, addresses: addresses.to_vec() };
        let tun = interface::create(&device)?;
        let controls = Controls::open()?;
        interface::raise("lo", LOOPBACK_MTU)?;
        interface::raise_with_addresses(&device, &controls)?;
        self.spaces.insert(space, Space { namespace, addresses: device.addresses });
        Ok(tun)
    }

    fn set_addresses(&mut self, number: u32, addresses: Vec<InterfaceAddress>) -> Result<(), Failure> {
        let space = self.enter(number)?;
        interface::replace_addresses(INTERFACE, &space.addresses, &addresses, &Controls::open()?)?;
        space.addresses = addresses;
        Ok(())
    }

    fn socket(&mut self, space: u32, is_ipv6: bool) -> Result<OwnedFd, Failure> {
        self.enter(space)?;
        let family = if is_ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: socket takes no pointers, and the result is checked before it is owned.
        let descriptor = checked(unsafe { libc::socket(family, kind, 0) }).doing(Part::Device, "make a socket")?;
        // SAFETY: the descriptor was just made and nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let length = CONGESTION_CONTROL.len() as libc::socklen_t;
        // A kernel without it leaves the socket with its default.
        // SAFETY: the pointer and the length describe the name, which the kernel only reads.
        unsafe {
            let name = CONGESTION_CONTROL.as_ptr().cast();
            libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_CONGESTION, name, length);
        }
        Ok(socket)
    }

    /// Lets go of a network namespace, which then lives as long as what the daemon has of it.
    fn close(&mut self, space: u32) -> Result<(), Failure> {
        self.spaces.remove(&space);
        enter(&self.home)
    }

    fn enter(&mut self, number: u32) -> Result<&mut Space, Failure> {
        let space = self.spaces.get_mut(&number);
        let space = space
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
            .doing(Part::Control, format!("find network namespace {number}"))?;
        enter(&space.namespace)?;
        Ok(space)
    }
}

fn unshare(what: libc::c_int, doing: &str) -> Result<(), Failure> {
    // SAFETY: unshare takes no pointers.
    checked(unsafe { libc::unshare(what) }).doing(Part::Namespaces, doing)?;
    Ok(())
}

fn enter(namespace: &File) -> Result<(), Failure> {
    // SAFETY: setns takes numbers, one of which is a descriptor that is open.
    checked(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
        .doing(Part::Namespaces, "enter a network namespace")?;
    Ok(())
}

fn present_namespace() -> Result<File, Failure> {
    File::open("/proc/self/ns/net").doing(Part::Namespaces, "open the network namespace")
}
