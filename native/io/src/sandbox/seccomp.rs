//! The system calls that no payload may make: parts of the kernel that no ordinary program needs and that widen what an
//! attacker can try. What needs a capability is refused by the kernel anyway.

use std::collections::BTreeMap;
use std::io;

use super::messages::Standing;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

const FORBIDDEN: &[i64] = &[
    // mounts
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // other namespaces
    libc::SYS_setns,
    // keys of the host's kernel
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // programs and tables inside the kernel
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    // the choice of processors, which may be what the agreement pays for
    libc::SYS_sched_setaffinity,
    // the machine as a whole
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// What root does where it is the only user there is, without an effect; told that it succeeded, most programs go on.
const CHANGES_OF_USER: &[i64] = &[
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
];
const SUCCESS: libc::c_int = 0;

const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// Asking for interfaces and routes, and for sockets: what `ip` and `ss` need.
const NETLINK_PROTOCOLS: [libc::c_int; 2] = [libc::NETLINK_ROUTE, libc::NETLINK_SOCK_DIAG];

/// x86-64 answers to every number a second time with this bit, for programs of the x32 kind.
#[cfg(target_arch = "x86_64")]
const NUMBERINGS: [i64; 2] = [0, 0x4000_0000];
#[cfg(not(target_arch = "x86_64"))]
const NUMBERINGS: [i64; 1] = [0];

/// The filter, compiled; it takes effect with `apply`, for the calling thread and its children, for good.
///
/// Programs for another architecture than the daemon's, such as 32-bit ones, are killed.
pub struct Filter(Vec<BpfProgram>);

impl Filter {
    pub fn compile(standing: Standing) -> io::Result<Self> {
        // The flags of clone3 are in memory, where a filter can't look. Told that there is none, C libraries use clone.
        let missing = Rules::from([(libc::SYS_clone3, Vec::new())]);
        let mut answers =
            vec![(refused(standing)?, libc::EPERM), (missing, libc::ENOSYS), (sockets()?, libc::EAFNOSUPPORT)];
        if standing == Standing::OnlyRoot {
            answers.push((whatever_the_arguments(CHANGES_OF_USER), SUCCESS));
        }
        Ok(Self(answers.into_iter().map(|(rules, error)| program(&rules, error)).collect::<io::Result<_>>()?))
    }

    pub fn apply(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|program| apply_filter(program).map_err(io::Error::other))
    }
}

fn whatever_the_arguments(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn refused(standing: Standing) -> io::Result<Rules> {
    let mut rules = whatever_the_arguments(FORBIDDEN);
    if standing == Standing::Guest {
        rules.insert(libc::SYS_chroot, Vec::new());
    }
    let new_user = rule([masked(0, libc::CLONE_NEWUSER)])?;
    rules.insert(libc::SYS_unshare, vec![new_user.clone()]);
    rules.insert(libc::SYS_clone, vec![new_user]);
    // Putting words into the mouth of whoever sits at a terminal.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| rule([equal(1, request as libc::c_int)]));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<io::Result<_>>()?);
    Ok(rules)
}

fn sockets() -> io::Result<Rules> {
    let foreign = rule(FAMILIES.map(|family| unequal(0, family)))?;
    let mut curious = vec![equal(0, libc::AF_NETLINK)];
    curious.extend(NETLINK_PROTOCOLS.map(|protocol| unequal(2, protocol)));
    Ok(Rules::from([(libc::SYS_socket, vec![foreign.clone(), rule(curious)?]), (libc::SYS_socketpair, vec![foreign])]))
}

fn program(rules: &Rules, error: libc::c_int) -> io::Result<BpfProgram> {
    let all = NUMBERINGS.iter().flat_map(|bit| rules.iter().map(move |(call, rules)| (call | bit, rules.clone())));
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let refusal = SeccompAction::Errno(error.cast_unsigned());
    SeccompFilter::new(all.collect(), SeccompAction::Allow, refusal, architecture)
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)
}

/// A rule that holds where all conditions do.
fn rule(conditions: impl IntoIterator<Item = io::Result<SeccompCondition>>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions.into_iter().collect::<io::Result<_>>()?).map_err(io::Error::other)
}

fn equal(argument: u8, value: libc::c_int) -> io::Result<SeccompCondition> {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn unequal(argument: u8, value: libc::c_int) -> io::Result<SeccompCondition> {
    condition(argument, SeccompCmpOp::Ne, value)
}

fn masked(argument: u8, bits: libc::c_int) -> io::Result<SeccompCondition> {
    condition(argument, SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned())), bits)
}

fn condition(argument: u8, comparison: SeccompCmpOp, value: libc::c_int) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, u64::from(value.cast_unsigned()))
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::failure::checked;
    use std::thread;

    #[test]
    fn refuses_in_the_thread_that_applied_it() {
        let refusals = thread::spawn(|| {
            Filter::compile(Standing::Guest).expect("compiled").apply().expect("applied");
            [
                refusal(libc::SYS_unshare, libc::CLONE_NEWUSER, 0, 0),
                refusal(libc::SYS_mount, 0, 0, 0),
                refusal(libc::SYS_clone3, 0, 0, 0),
                refusal(libc::SYS_socket, libc::AF_PACKET, libc::SOCK_RAW, 0),
                refusal(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_GENERIC),
                refusal(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
                refusal(libc::SYS_socket, libc::AF_INET6, libc::SOCK_STREAM, 0),
            ]
        });
        let [unshare, mount, clone3, packet, generic, route, inet] = refusals.join().expect("the thread ended well");
        assert_eq!((unshare, mount, clone3), (Some(libc::EPERM), Some(libc::EPERM), Some(libc::ENOSYS)));
        assert_eq!((packet, generic), (Some(libc::EAFNOSUPPORT), Some(libc::EAFNOSUPPORT)));
        assert_eq!((route, inet), (None, None));
    }

    fn refusal(call: i64, first: i32, second: i32, third: i32) -> Option<i32> {
        // SAFETY: the filter refuses the calls that take pointers; the others take numbers.
        let result = unsafe { libc::syscall(call, first, second, third, 0, 0) };
        checked(result).err().and_then(|error| error.raw_os_error())
    }
}
