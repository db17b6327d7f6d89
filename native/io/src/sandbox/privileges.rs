//! Gives up power: first of the service, which keeps what it needs to change addresses, then of each payload.

use std::ffi::CString;
use std::fs;
use std::io;
use std::mem;
use std::ptr;

use super::failure::{Doing, Failure, Part, checked};
use super::messages::{Limits, Standing, Users};
use super::namespaces::PAYLOAD_ID;

const NETWORK_ADMINISTRATION: u32 = 12;
/// What root may do to files, processes and users that are inside: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID,
/// SETUID, SETPCAP, NET_BIND_SERVICE and SYS_CHROOT. Nothing that changes namespaces, mounts, devices or the network.
const OF_ROOT: [u32; 10] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18];
const HIGHEST_CAPABILITY: libc::c_ulong = 63;
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Gives the namespaces a name of their own.
pub fn name_host(hostname: &str) -> Result<(), Failure> {
    let name = CString::new(hostname).map_err(io::Error::from);
    // SAFETY: the string is live and of the length it says; the call only reads it.
    name.and_then(|name| checked(unsafe { libc::sethostname(name.as_ptr(), hostname.len()) }))
        .doing(Part::Privileges, format!("set the host name {hostname:?}"))?;
    Ok(())
}

pub fn forbid_user_namespaces() -> Result<(), Failure> {
    fs::write("/proc/sys/user/max_user_namespaces", "0").doing(Part::Privileges, "forbid further user namespaces")
}

/// Makes this process root inside. It may have been somebody who has no number there.
pub fn become_root(forget_groups: bool) -> Result<(), Failure> {
    become_user(0, forget_groups).doing(Part::Privileges, "become root inside")
}

/// Leaves the service what it needs, over these namespaces only: to change addresses, and to give payloads what is theirs.
///
/// What it can't have any more, its children can't either.
pub fn keep_what_is_needed(users: &Users, limits: Limits) -> Result<(), Failure> {
    // Not 0, with which a crash would still start the host's own handler of core dumps, as root.
    limit(libc::RLIMIT_CORE, 1).doing(Part::Privileges, "forbid core files")?;
    limit(libc::RLIMIT_NOFILE, limits.open_files.into()).doing(Part::Privileges, "limit open files")?;
    limit(libc::RLIMIT_NPROC, limits.processes.into()).doing(Part::Privileges, "limit processes")?;
    limit(libc::RLIMIT_FSIZE, limits.file_size).doing(Part::Privileges, "limit the size of files")?;
    if users.standing == Standing::Guest {
        become_user(PAYLOAD_ID, users.may_drop_groups).doing(Part::Privileges, "become the payload's user")?;
    }
    let of_payloads = capabilities_of(users.standing);
    bound_capabilities(of_payloads).doing(Part::Privileges, "reduce the bounding set")?;
    set_capabilities(of_payloads | 1 << NETWORK_ADMINISTRATION).doing(Part::Privileges, "drop capabilities")?;
    option(libc::PR_SET_NO_NEW_PRIVS, 1).doing(Part::Privileges, "forbid new privileges")?;
    // Payloads may be the same user, and must not look into the service's memory.
    option(libc::PR_SET_DUMPABLE, 0).doing(Part::Privileges, "protect the service's memory")
}

/// Drops what is the service's alone.
pub fn keep_what_is_the_payloads(standing: Standing) -> io::Result<()> {
    set_capabilities(capabilities_of(standing))
}

fn capabilities_of(standing: Standing) -> u64 {
    match standing {
        Standing::Guest => 0,
        Standing::Root | Standing::OnlyRoot => OF_ROOT.iter().fold(0, |set, capability| set | 1 << capability),
    }
}

/// Changes the user and the group; `forget_groups` only where the user map allows it.
fn become_user(id: u32, forget_groups: bool) -> io::Result<()> {
    option(libc::PR_SET_KEEPCAPS, 1)?;
    // SAFETY: the calls take numbers, and an empty list.
    unsafe {
        if forget_groups {
            checked(libc::setgroups(0, ptr::null()))?;
        }
        checked(libc::setresgid(id, id, id))?;
        checked(libc::setresuid(id, id, id))?;
    }
    Ok(())
}

/// Drops all others, one after the other until the kernel knows no more.
fn bound_capabilities(kept: u64) -> io::Result<()> {
    // Becoming another user took the capabilities out of effect, but they are still there to be had.
    set_capabilities(u64::MAX)?;
    for capability in (0..=HIGHEST_CAPABILITY).filter(|capability| kept & 1 << capability == 0) {
        match option(libc::PR_CAPBSET_DROP, capability) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            result => result?,
        }
    }
    option(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong)
}

/// Sets the permitted and effective sets, as far as they are permitted now, and empties the inheritable one.
fn set_capabilities(wanted: u64) -> io::Result<()> {
    let header = [CAPABILITY_VERSION, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: the arrays are live and have the layout of the kernel's version 3: effective, permitted, inheritable for
    // the lower 32 capabilities, then for the upper ones.
    unsafe {
        checked(libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()))?;
        let permitted = [sets[1] & wanted as u32, sets[4] & (wanted >> 32) as u32];
        sets = [permitted[0], permitted[0], 0, permitted[1], permitted[1], 0];
        checked(libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()))?;
    }
    Ok(())
}

/// Sets a limit, or keeps the present one if that is lower and can't be raised.
fn limit(resource: libc::__rlimit_resource_t, wanted: libc::rlim_t) -> io::Result<()> {
    // SAFETY: the structure is live; the calls write and read it.
    unsafe {
        let mut present: libc::rlimit = mem::zeroed();
        checked(libc::getrlimit(resource, &mut present))?;
        let value = wanted.min(present.rlim_max);
        checked(libc::setrlimit(resource, &libc::rlimit { rlim_cur: value, rlim_max: value }))?;
    }
    Ok(())
}

fn option(option: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: none of the options used here takes a pointer.
    checked(unsafe { libc::prctl(option, value, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong) })?;
    Ok(())
}
