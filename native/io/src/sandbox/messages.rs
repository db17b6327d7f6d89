//! What the launching side and the service tell each other, one message a packet.

use std::ffi::CString;
use std::net::IpAddr;

use super::failure::Failure;
use super::wire::{Malformed, Reader, Writer};

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
    Layers { lower: Vec<CString>, upper: CString, scratch: CString },
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
    Devices,
    /// Forbids changes of the root's own directory.
    Seal,
}

/// What each payload process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub open_files: u32,
    pub processes: u32,
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

impl Setup {
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let setup = Self {
            users: Users { user_map: reader.text()?, group_map: reader.text()?, may_drop_groups: reader.byte()? != 0 },
            hostname: reader.text()?,
            device: reader.list(device)?.pop(),
            mount_point: reader.path()?,
            root: root(&mut reader)?,
            steps: reader.list(step)?,
            limits: Limits { open_files: reader.number()?, processes: reader.number()? },
        };
        reader.end()?;
        Ok(setup)
    }
}

impl Request {
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = reader.byte()?;
        let number = reader.number()?;
        let request = match kind {
            0 => Request::Run { number, command: command(&mut reader)? },
            1 => Request::Kill { number },
            2 => Request::SetAddresses { number, addresses: reader.list(interface_address)? },
            _ => return Err(Malformed("no such request")),
        };
        reader.end()?;
        Ok(request)
    }
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

fn device(reader: &mut Reader<'_>) -> Result<Device, Malformed> {
    Ok(Device {
        node: reader.path()?,
        name: reader.text()?,
        mtu: reader.short()?,
        addresses: reader.list(interface_address)?,
    })
}

fn interface_address(reader: &mut Reader<'_>) -> Result<InterfaceAddress, Malformed> {
    let text = reader.text()?;
    let (address, prefix) = text.split_once('/').ok_or(Malformed("an address has no prefix length"))?;
    let address: IpAddr = address.parse().map_err(|_| Malformed("an address can't be read"))?;
    let prefix = prefix.parse().map_err(|_| Malformed("a prefix length can't be read"))?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if prefix > longest {
        return Err(Malformed("a prefix is longer than its address"));
    }
    Ok(InterfaceAddress { address, prefix })
}

fn root(reader: &mut Reader<'_>) -> Result<Root, Malformed> {
    Ok(match reader.byte()? {
        0 => Root::Empty { options: reader.path()? },
        1 => Root::Layers { lower: reader.list(Reader::path)?, upper: reader.path()?, scratch: reader.path()? },
        _ => return Err(Malformed("no such root")),
    })
}

fn step(reader: &mut Reader<'_>) -> Result<Step, Malformed> {
    Ok(match reader.byte()? {
        0 => Step::Tmpfs { target: reader.path()?, options: reader.path()? },
        1 => Step::Show { source: reader.path()?, target: reader.path()? },
        2 => Step::Share { source: reader.path()?, target: reader.path()? },
        3 => Step::Link { target: reader.path()?, text: reader.path()? },
        4 => Step::Hide { target: reader.path()? },
        5 => Step::Processes,
        6 => Step::System,
        7 => Step::Devices,
        8 => Step::Seal,
        _ => return Err(Malformed("no such step")),
    })
}

fn command(reader: &mut Reader<'_>) -> Result<Command, Malformed> {
    Ok(Command {
        program: reader.path()?,
        arguments: reader.list(Reader::path)?,
        environment: reader.list(Reader::path)?,
        directory: reader.path()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::failure::Part;
    use std::io;

    #[test]
    fn reads_a_command() {
        let list = |writer: Writer, items: &[&str]| {
            items.iter().fold(writer.number(items.len() as u32), |writer, item| writer.text(item))
        };
        let writer = Writer::default().byte(0).number(3).text("echo");
        let bytes = list(list(writer, &["a", "b"]), &["PATH=/bin"]).text("/golem/work").finish();
        let command = Command {
            program: c"echo".to_owned(),
            arguments: vec![c"a".to_owned(), c"b".to_owned()],
            environment: vec![c"PATH=/bin".to_owned()],
            directory: c"/golem/work".to_owned(),
        };
        assert_eq!(Request::decode(&bytes), Ok(Request::Run { number: 3, command }));
    }

    #[test]
    fn reads_addresses_of_both_families() {
        let message = |text| Writer::default().byte(2).number(1).number(1).text(text).finish();
        let addresses = |text| match Request::decode(&message(text)) {
            Ok(Request::SetAddresses { addresses, .. }) => Ok(addresses),
            Ok(_) => panic!("another request"),
            Err(malformed) => Err(malformed),
        };
        let four = InterfaceAddress { address: "10.0.0.1".parse().expect("an address"), prefix: 24 };
        assert_eq!(addresses("10.0.0.1/24"), Ok(vec![four]));
        assert_eq!(addresses("fd00::1/64").expect("an address")[0].prefix, 64);
        assert!(addresses("10.0.0.1/33").is_err());
        assert!(addresses("10.0.0.1").is_err());
        assert!(addresses("ten/8").is_err());
    }

    #[test]
    fn refuses_unknown_and_truncated_messages() {
        assert_eq!(Request::decode(&[9, 0, 0, 0, 0]), Err(Malformed("no such request")));
        assert!(Request::decode(&[]).is_err());
        assert!(Setup::decode(&[0; 12]).is_err());
    }

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
