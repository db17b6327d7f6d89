//! What the launching side and the service tell each other, one message a packet.

pub(crate) mod decode;

use std::ffi::CString;
use std::net::IpAddr;

use super::failure::Failure;
use super::wire::Writer;

/// The first message: everything that stays for the life of the namespaces.
#[derive(Debug, PartialEq, Eq)]
pub struct Setup {
    pub users: Users,
    pub hostname: String,
    pub device: Option<Device>,
    /// A directory of the host's that nothing else uses; the new root is mounted over it.
    pub mount_point: CString,
    pub root: Root,
    /// How the rest of the payload's file system is put together, in this order.
    pub steps: Vec<Step>,
    pub limits: Limits,
}

/// Which of the host's users and groups are which inside, in the form of `/proc/PID/uid_map`.
#[derive(Debug, PartialEq, Eq)]
pub struct Users {
    pub user_map: String,
    pub group_map: String,
    /// Whether `setgroups` stays allowed; an ordinary user has to give it up before mapping groups.
    pub may_drop_groups: bool,
    pub standing: Standing,
}

/// Who payloads are inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A user without any capability.
    Guest,
    /// Root of these namespaces, beside other users that it may become.
    Root,
    /// Root of these namespaces, where there is no other user.
    OnlyRoot,
}

/// The network interface to make.
#[derive(Debug, PartialEq, Eq)]
pub struct Device {
    /// Where the host's TUN device node is.
    pub node: CString,
    pub name: String,
    pub mtu: u16,
    pub addresses: Vec<InterfaceAddress>,
}

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    pub address: IpAddr,
    pub prefix: u8,
}

/// What the payload's root directory is.
#[derive(Debug, PartialEq, Eq)]
pub enum Root {
    /// Nothing but what the steps make.
    Empty { options: CString },
    /// The `lower` directories on top of each other, the first uppermost; changes go to `upper`.
    ///
    /// With `translated`, owners of what is in `lower` have the numbers that they have inside.
    Layers { lower: Vec<CString>, upper: CString, scratch: CString, translated: bool },
    /// A directory of this activity alone.
    Directory { source: CString },
}

impl Root {
    /// The directories to be seen with the owners' numbers inside.
    pub fn translated(&self) -> &[CString] {
        match self {
            Root::Layers { lower, translated: true, .. } => lower,
            _ => &[],
        }
    }
}

/// One act of putting a file system together. Targets are paths in the new root, sources are paths in the host's.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Tmpfs {
        target: CString,
        options: CString,
    },
    /// Shows a directory, with all that is mounted in it, or a file: read-only.
    Show {
        source: CString,
        target: CString,
    },
    /// Shows a directory that the payload may change.
    Share {
        source: CString,
        target: CString,
    },
    Link {
        target: CString,
        text: CString,
    },
    /// Covers what is at `target`, where there is anything.
    Hide {
        target: CString,
    },
    Processes,
    System,
    /// The options are those of the file systems for terminals and for shared memory.
    Devices {
        terminals: CString,
        memory: CString,
    },
    /// Forbids changes of the root's own directory.
    Seal,
}

/// What each payload process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub open_files: u32,
    pub processes: u32,
    /// In bytes, of each file.
    pub file_size: u64,
}

/// What the launching side asks of the running service. Each is answered with the same number.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Comes with three descriptors: standard input, output and error.
    Run {
        number: u32,
        command: Command,
    },
    Kill {
        number: u32,
    },
    SetAddresses {
        number: u32,
        addresses: Vec<InterfaceAddress>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    pub program: CString,
    pub arguments: Vec<CString>,
    /// In the form `NAME=value`.
    pub environment: Vec<CString>,
    pub directory: CString,
}

/// What the service tells the launching side.
#[derive(Debug)]
pub enum Reply<'a> {
    /// Comes with the interface's descriptor, where an interface was asked for.
    Ready,
    /// The set-up came to its end here.
    Failed(&'a Failure),
    Exited {
        number: u32,
        code: i32,
    },
    Done {
        number: u32,
    },
    Refused {
        number: u32,
        failure: &'a Failure,
    },
}

impl Reply<'_> {
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Reply::Ready => Writer::default().byte(0),
            Reply::Failed(failure) => describe(Writer::default().byte(1), failure),
            Reply::Exited { number, code } => Writer::default().byte(2).number(*number).number(code.cast_unsigned()),
            Reply::Done { number } => Writer::default().byte(3).number(*number),
            Reply::Refused { number, failure } => describe(Writer::default().byte(4).number(*number), failure),
        }
        .finish()
    }
}

fn describe(writer: Writer, failure: &Failure) -> Writer {
    let code = failure.cause.raw_os_error().unwrap_or_default();
    writer.text(failure.part.name()).text(&failure.to_string()).number(code.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::failure::Part;
    use crate::sandbox::wire::Reader;
    use std::io;

    #[test]
    fn tells_what_failed_and_with_which_code() {
        let cause = io::Error::from_raw_os_error(libc::EACCES);
        let failure = Failure { part: Part::Device, action: "open /dev/net/tun".to_owned(), cause };
        let bytes = Reply::Refused { number: 5, failure: &failure }.encode();
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.byte(), reader.number()), (Ok(4), Ok(5)));
        assert_eq!(reader.text().as_deref(), Ok("device"));
        assert!(reader.text().expect("a text").starts_with("open /dev/net/tun: Permission denied"));
        assert_eq!(reader.number(), Ok(libc::EACCES.cast_unsigned()));
    }
}
