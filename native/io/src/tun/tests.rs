//! Devices in network namespaces of their own; skipped, visibly, where the machine allows neither.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use golem_vpn_proto::READ_LENGTH;

use super::*;
use crate::features::Features;
use crate::namespace::Namespace;
use crate::poll::{Interest, Poller};

/// Runs `test` in a new network namespace.
fn in_new_namespace(test: impl FnOnce() + Send + 'static) {
    if let Some(namespace) = Namespace::new() {
        namespace.run(test);
    }
}

fn interface(name: &str) -> Interface {
    let addresses = vec![("10.77.0.1".parse().unwrap(), 24), ("fd77::1".parse().unwrap(), 64)];
    Interface { name: name.to_owned(), addresses, mtu: 1420 }
}

/// Reads packets until one is for `port`.
fn packet_to(tun: &Tun, port: u16, buffer: &mut [u8]) -> (Offload, Vec<u8>) {
    let mut poller = Poller::new().unwrap();
    poller.add(tun.as_fd(), 0, Interest::READ).unwrap();
    loop {
        assert_ne!(poller.wait(Some(Duration::from_secs(5))).unwrap().count(), 0, "no packet came");
        while let Ok((offload, packet)) = tun.read(buffer) {
            let transport = if packet[0] >> 4 == 4 { 20 } else { 40 };
            if packet.get(transport + 2..transport + 4) == Some(&port.to_be_bytes()) {
                return (offload, packet.to_vec());
            }
        }
    }
}

#[test]
fn packets_of_both_families_come_out_and_go_in() {
    in_new_namespace(|| {
        let tun = create(&interface("vpn7"), Features::default()).unwrap();
        assert_eq!(tun.name(), "vpn7");
        for (local, remote) in [("10.77.0.1", "10.77.0.2"), ("fd77::1", "fd77::2")] {
            let (local, remote) = (SocketAddr::new(local.parse().unwrap(), 0), remote.parse().unwrap());
            // The kernel sets up the route to its own IPv6 address a little after the address.
            assert!((0..50).any(|_| echoes(&tun, local, SocketAddr::new(remote, 7777))));
        }
    });
}

/// Sends a datagram and brings it back as if `remote` had answered; whether the answer arrives.
fn echoes(tun: &Tun, local: SocketAddr, remote: SocketAddr) -> bool {
    let socket = UdpSocket::bind(local).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    socket.send_to(b"there", remote).unwrap();
    let (offload, mut packet) = packet_to(tun, remote.port(), &mut vec![0; READ_LENGTH]);
    assert!(packet.ends_with(b"there"));
    turn_around(&mut packet);
    tun.write(&offload, &packet).unwrap();
    socket.recv_from(&mut [0; 64]).is_ok_and(|received| received == (5, remote))
}

#[test]
fn a_big_write_comes_out_as_one_super_packet() {
    in_new_namespace(|| {
        let tun = create(&interface("vpn8"), Features::default()).unwrap();
        if !tun.offloads().udp {
            eprintln!("SKIPPED: the kernel has no UDP segmentation for TUN devices: {:?}", tun.offloads());
            return;
        }
        let socket = UdpSocket::bind("10.77.0.1:0").unwrap();
        set_segment(&socket, 1000);
        socket.send_to(&[7; 8000], "10.77.0.2:7777").unwrap();
        let (offload, packet) = packet_to(&tun, 7777, &mut vec![0; READ_LENGTH]);
        assert_eq!((offload.kind, offload.segment_size), (golem_vpn_proto::OffloadKind::Udp, 1000));
        assert_eq!(packet.len(), 8028);
    });
}

#[test]
fn offloads_that_are_left_out_are_off() {
    in_new_namespace(|| {
        let offloads = |without: &[&str]| {
            let tun = create(&interface("vpn6"), Features::without(without).unwrap()).unwrap();
            tun.offloads()
        };
        let all = offloads(&[]);
        assert_eq!(offloads(&["tun-udp-offload"]), TunOffloads { udp: false, ..all });
        assert_eq!(offloads(&["tun-offload"]), TunOffloads { header: true, ..TunOffloads::default() });
    });
}

#[test]
fn the_queue_of_an_interface_is_made_for_trains() {
    in_new_namespace(|| {
        let _tun = create(&interface("vpn5"), Features::default()).unwrap();
        let Ok(shown) = std::process::Command::new("ip").args(["-details", "link", "show", "vpn5"]).output() else {
            eprintln!("SKIPPED: no program `ip` to look at the interface");
            return;
        };
        let shown = String::from_utf8(shown.stdout).unwrap();
        // 45 segments of 1368 bytes, each in a datagram of 1452 bytes, make a train of 65,340 bytes.
        for expected in ["qlen 1000", "gso_max_size 62072"] {
            assert!(shown.contains(expected), "{expected} is not in: {shown}");
        }
    });
}

#[test]
fn a_deleted_interface_is_told() {
    in_new_namespace(|| {
        let tun = create(&interface("vpn9"), Features::default()).unwrap();
        let deleted = std::process::Command::new("ip").args(["link", "delete", "vpn9"]).status();
        if !deleted.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no program `ip` to delete the interface");
            return;
        }
        let error = tun.read(&mut vec![0; READ_LENGTH]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADFD));
        let mut poller = Poller::new().unwrap();
        poller.add(tun.as_fd(), 0, Interest::READ).unwrap();
        assert!(poller.wait(None).unwrap().all(|readiness| readiness.failed));
    });
}

#[test]
fn bad_names_and_descriptors_are_refused() {
    for name in ["", "a name", "sixteen-letters-"] {
        let error = create(&interface(name), Features::default()).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ),
            "{error}"
        );
    }
    let no_tun = std::fs::File::open("/dev/null").unwrap();
    assert!(Tun::from_fd(no_tun.into(), Features::default()).is_err());
}

/// Makes the answer to a UDP packet: source and destination change places, which leaves the checksums as they are.
fn turn_around(packet: &mut [u8]) {
    let (addresses, length) = if packet[0] >> 4 == 4 { (12, 4) } else { (8, 16) };
    packet[addresses..addresses + 2 * length].rotate_left(length);
    let ports = addresses + 2 * length;
    packet[ports..ports + 4].rotate_left(2);
}

fn set_segment(socket: &UdpSocket, size: libc::c_int) {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `size`, which the kernel only reads.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, (&raw const size).cast(), length)
    };
    assert_eq!(result, 0);
}
