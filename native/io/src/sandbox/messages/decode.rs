//! Reads what the launching side sends.

use std::net::IpAddr;

use super::{Command, Device, InterfaceAddress, Limits, Request, Root, Setup, Standing, Step, Users};
use crate::sandbox::wire::{Malformed, Reader};

impl Setup {
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let setup = Self {
            users: users(&mut reader)?,
            hostname: reader.text()?,
            device: reader.list(device)?.pop(),
            mount_point: reader.path()?,
            root: root(&mut reader)?,
            steps: reader.list(step)?,
            limits: Limits { open_files: reader.number()?, processes: reader.number()?, file_size: reader.long()? },
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

fn users(reader: &mut Reader<'_>) -> Result<Users, Malformed> {
    Ok(Users {
        user_map: reader.text()?,
        group_map: reader.text()?,
        may_drop_groups: reader.byte()? != 0,
        standing: match reader.byte()? {
            0 => Standing::Guest,
            1 => Standing::Root,
            2 => Standing::OnlyRoot,
            _ => return Err(Malformed("no such standing")),
        },
    })
}

fn device(reader: &mut Reader<'_>) -> Result<Device, Malformed> {
    Ok(Device {
        node: reader.path()?,
        name: reader.text()?,
        mtu: reader.short()?,
        addresses: reader.list(interface_address)?,
    })
}

pub(crate) fn interface_address(reader: &mut Reader<'_>) -> Result<InterfaceAddress, Malformed> {
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
        1 => Root::Layers {
            lower: reader.list(Reader::path)?,
            upper: reader.path()?,
            scratch: reader.path()?,
            translated: reader.byte()? != 0,
        },
        2 => Root::Directory { source: reader.path()? },
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
        7 => Step::Devices { terminals: reader.path()?, memory: reader.path()? },
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
    use crate::sandbox::wire::Writer;

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
}
