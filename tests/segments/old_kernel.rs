//! Systems that know no files without a name.

use std::io;

/// Has the kernel refuse this thread, and the processes that it starts, files without a name, as file
/// systems do that have none. `false`: that is not permitted here.
pub fn refuse_unnamed_files() -> bool {
    // What `openat` is told is the third argument, of which the lower half comes first.
    #[cfg(target_endian = "big")]
    const FLAGS: u32 = 16 + 2 * 8 + 4;
    #[cfg(target_endian = "little")]
    const FLAGS: u32 = 16 + 2 * 8;
    const NUMBER: u32 = 0;

    let step = |code: u32, k: u32, (jt, jf): (u8, u8)| libc::sock_filter {
        code: code.try_into().expect("a small number"),
        jt,
        jf,
        k,
    };
    let load = |at| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, (0, 0));
    let end = |how| step(libc::BPF_RET | libc::BPF_K, how, (0, 0));
    let openat = u32::try_from(libc::SYS_openat).expect("a small number");
    // Not the bit for directories, which is part of `O_TMPFILE`.
    let unnamed = (libc::O_TMPFILE & !libc::O_DIRECTORY).cast_unsigned();
    let mut steps = [
        load(NUMBER),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, openat, (0, 3)),
        load(FLAGS),
        step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, unnamed, (0, 1)),
        end(libc::SECCOMP_RET_ERRNO | libc::EOPNOTSUPP.cast_unsigned()),
        end(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog {
        len: steps.len().try_into().expect("a few"),
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: the filter and its steps live until the calls return.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) == 0
    };
    if !refused {
        println!("SKIPPED, as it is not permitted here: {}", io::Error::last_os_error());
    }
    refused
}
