//! The TUNs of a data plane.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{MutexGuard, PoisonError};

use golem_vpn_proto::{Attachment, DeviceConfig, DeviceId};

use super::{DataPlane, DeviceFailure, device_config, settle};
use crate::engine::AttachError;
use crate::tun::{self, Interface, Tun};

/// What stays the same about a TUN, whatever it is attached to.
#[derive(Clone)]
pub(super) struct TunTraits {
    mtu: u16,
    own_ports: Vec<u16>,
}

impl TunTraits {
    fn place(&self, attachments: Vec<Attachment>) -> DeviceConfig {
        DeviceConfig { own_ports: self.own_ports.clone(), ..device_config(attachments, self.mtu) }
    }
}

impl DataPlane {
    /// Attaches a TUN that somebody made, perhaps in another network namespace.
    pub fn add_tun(
        &self,
        descriptor: OwnedFd,
        name: String,
        attachments: Vec<Attachment>,
        mtu: u16,
    ) -> Result<DeviceId, DeviceFailure> {
        self.attach_tun(
            Tun::from_fd(descriptor, self.features)?,
            name,
            attachments,
            TunTraits { mtu, own_ports: Vec::new() },
        )
    }

    /// Makes a TUN in the network namespace of the calling thread and attaches it. What this daemon's own sockets send
    /// there is dropped: iroh offers every interface of the machine to peers, and probes each one of theirs.
    pub fn create_tun(&self, interface: &Interface, attachments: Vec<Attachment>) -> Result<DeviceId, DeviceFailure> {
        let tun = tun::create(interface, self.features)?;
        let name = tun.name().to_owned();
        self.attach_tun(tun, name, attachments, TunTraits { mtu: interface.mtu, own_ports: self.own_ports() })
    }

    /// Changes which addresses of which networks a TUN has.
    pub fn set_attachments(&self, id: DeviceId, attachments: Vec<Attachment>) -> Result<(), DeviceFailure> {
        let traits = self.tuns().get(&id).cloned().ok_or(AttachError::Unknown(id))?;
        settle(self.engine.set_device(id, traits.place(attachments)))
    }

    fn attach_tun(
        &self,
        tun: Tun,
        name: String,
        attachments: Vec<Attachment>,
        traits: TunTraits,
    ) -> Result<DeviceId, DeviceFailure> {
        let id = self.next_device();
        settle(self.engine.add_tun(id, tun, name, traits.place(attachments)))?;
        self.tuns().insert(id, traits);
        Ok(id)
    }

    fn own_ports(&self) -> Vec<u16> {
        let mut ports = self.endpoint.bound_ports();
        ports.push(self.engine.local_address().port());
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    pub(super) fn tuns(&self) -> MutexGuard<'_, HashMap<DeviceId, TunTraits>> {
        self.tuns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
