//! What the kernel says of its clock, as a test wants it: whether the clock of this machine is synchronised is not the test's
//! to say.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, EPERM, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP,
    SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SYS_adjtimex, SYS_clock_adjtime, sock_filter,
    sock_fprog,
};

/// The process that this prepares finds the clock synchronised, or not. A filter answers in the kernel's place: with success,
/// which leaves the flags of the answer at zero, or with an error.
pub(crate) fn synchronised(yes: bool) -> impl FnOnce(&mut Command) {
    let answer = SECCOMP_RET_ERRNO | if yes { 0 } else { EPERM.cast_unsigned() };
    let step = |code, k, jt| sock_filter { code, jt, jf: 0, k };
    let is = |call: libc::c_long, skip| step((BPF_JMP | BPF_JEQ | BPF_K) as u16, call as u32, skip);
    let filter = [
        // The number of the system call is the first word of what a filter sees.
        step((BPF_LD | BPF_W | BPF_ABS) as u16, 0, 0),
        is(SYS_adjtimex, 2),
        is(SYS_clock_adjtime, 1),
        step((BPF_RET | BPF_K) as u16, SECCOMP_RET_ALLOW, 0),
        step((BPF_RET | BPF_K) as u16, answer, 0),
    ];
    move |command| {
        // SAFETY: between fork and exec it makes two system calls, and allocates nothing.
        unsafe { command.pre_exec(move || install(filter)) };
    }
}

fn install(mut filter: [sock_filter; 5]) -> io::Result<()> {
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel copies the filter, which is valid during the calls.
    let done = unsafe {
        libc::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}
