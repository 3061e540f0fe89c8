//! Every option, once. A verb lists those that it takes.

use crate::arguments::Opt;

/// What an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    All,
    Close,
    Collapse,
    Command,
    ConflictExitCode,
    Detach,
    Dir,
    DryRun,
    Engine,
    Exclusive,
    Fcntl,
    Fd,
    Grace,
    Help,
    Jobs,
    Json,
    KeepFor,
    KeepPlace,
    KillAfter,
    Kind,
    Length,
    MaxTime,
    Nested,
    NoFork,
    Nonblock,
    OnOwnerDied,
    Pid,
    Quiet,
    Report,
    Shared,
    Skip,
    Slots,
    Start,
    Token,
    Ttl,
    Unlock,
    Until,
    Unused,
    Verbose,
    Version,
    Wait,
    Watch,
    Why,
}

/// An option without a value.
const fn flag(
    id: Id,
    letters: &'static str,
    names: &'static [&'static str],
    help: &'static str,
) -> Opt {
    Opt { id, letters, names, value: None, help }
}

/// An option with one.
const fn valued(
    id: Id,
    letters: &'static str,
    names: &'static [&'static str],
    value: &'static str,
    help: &'static str,
) -> Opt {
    Opt { id, letters, names, value: Some(value), help }
}

pub static ALL: Opt = flag(
    Id::All,
    "a",
    &["all"],
    "also the locks of this user's groups and of everybody, and files that are no locks",
);
pub static CLOSE: Opt = flag(
    Id::Close,
    "o",
    &["close"],
    "do not let the command inherit the lock's descriptor; a killed bakery then lets go while the command runs",
);
pub static COLLAPSE: Opt = flag(
    Id::Collapse,
    "",
    &["collapse"],
    "if one waits already, leave with 0: one is running and one waits at the most",
);
pub static COMMAND: Opt =
    valued(Id::Command, "c", &["command"], "STRING", "run STRING by $SHELL -c");
pub static CONFLICT_EXIT_CODE: Opt = valued(
    Id::ConflictExitCode,
    "E",
    &["conflict-exit-code"],
    "N",
    "the exit status for -n and -w when the lock is not to be had (0 to 255)",
);
pub static DETACH: Opt = flag(
    Id::Detach,
    "",
    &["detach"],
    "leave a process behind that holds, until bakery release NAME --token T",
);
pub static DIR: Opt = valued(
    Id::Dir,
    "",
    &["dir"],
    "DIR",
    "where names are kept: an absolute path; as BAKERY_LOCK_DIR does",
);
pub static DRY_RUN: Opt =
    flag(Id::DryRun, "", &["dry-run"], "say what would happen, and take nothing");
pub static ENGINE: Opt = valued(
    Id::Engine,
    "",
    &["engine"],
    "URL",
    "a lock between machines, on etcd://, zookeeper://, consul://, postgres:// or dynamodb://; as BAKERY_ENGINE does, despite which `local` is this machine's",
);
pub static EXCLUSIVE: Opt = flag(Id::Exclusive, "xe", &["exclusive"], "alone: the default");
pub static FCNTL: Opt = flag(
    Id::Fcntl,
    "",
    &["fcntl"],
    "lock bytes by fcntl(F_OFD_SETLK), as passwd(1) and others do, and not by flock(2)",
);
pub static FD: Opt = valued(
    Id::Fd,
    "",
    &["fd"],
    "FD",
    "lock the open descriptor FD; a command may follow, and the lock stays when that has ended",
);
pub static GRACE: Opt = valued(
    Id::Grace,
    "",
    &["grace"],
    "TIME",
    "with --engine: how long before the lock is lost the command gets TERM, ahead of the KILL; a third of --ttl unless set, and half at the most",
);
pub static HELP: Opt = flag(Id::Help, "h", &["help"], "say this");
pub static JOBS: Opt = valued(
    Id::Jobs,
    "j",
    &["jobs"],
    "N",
    "N at a time, in order (1 to 4096); all who use the name say the same N",
);
pub static JSON: Opt = flag(Id::Json, "", &["json"], "as JSON, an object a line");
pub static KEEP_FOR: Opt = valued(
    Id::KeepFor,
    "",
    &["keep-for"],
    "TIME",
    "how long --keep-place keeps the place for the next try; 2m unless set",
);
pub static KEEP_PLACE: Opt = valued(
    Id::KeepPlace,
    "",
    &["keep-place"],
    "[=KEY]",
    "when -w is over, leave a place-holder in line, from where the next try with this KEY goes on (the same command, unless set); at the head it stays for 10s",
);
pub static KILL_AFTER: Opt = valued(
    Id::KillAfter,
    "",
    &["kill-after"],
    "TIME",
    "how long after --max-time's TERM the KILL comes; 10s unless set",
);
pub static KIND: Opt = valued(
    Id::Kind,
    "",
    &["kind"],
    "KIND",
    "the lock's algorithm, when it is made: bakery, black-white, ticket, ...",
);
pub static LENGTH: Opt = valued(
    Id::Length,
    "",
    &["length"],
    "BYTES",
    "how many bytes to lock (4096, 4K); 0, to the file's end, unless set; implies --fcntl",
);
pub static MAX_TIME: Opt = valued(
    Id::MaxTime,
    "",
    &["max-time"],
    "TIME",
    "end the command after so long: TERM, then KILL, and status 124",
);
pub static NESTED: Opt = valued(
    Id::Nested,
    "",
    &["nested"],
    "refuse|join",
    "within a command that has this lock: status 77 (the default), or run without locking again",
);
pub static NO_FORK: Opt = flag(
    Id::NoFork,
    "F",
    &["no-fork"],
    "become the command; the lock is let go when nobody has its descriptor any more",
);
pub static NONBLOCK: Opt = flag(
    Id::Nonblock,
    "n",
    &["nonblock", "nb", "nonblocking"],
    "do not wait, and do not pass those who do",
);
pub static ON_OWNER_DIED: Opt = valued(
    Id::OnOwnerDied,
    "",
    &["on-owner-died"],
    "run|fail|CMD",
    "if the last one died inside: run all the same (the default), leave with 76, or run CMD by $SHELL -c first",
);
pub static PID: Opt =
    valued(Id::Pid, "", &["pid"], "PID", "until the process PID ends, and not standard input");
pub static QUIET: Opt = flag(
    Id::Quiet,
    "q",
    &["quiet"],
    "say nothing while it waits, when its time is over, or of what outlives the command",
);
pub static REPORT: Opt = valued(
    Id::Report,
    "",
    &["report"],
    "FILE|FD:n",
    "at the end write one JSON object there: outcome, status, waited_s, ran_s, token, after_death",
);
pub static SHARED: Opt = flag(
    Id::Shared,
    "s",
    &["shared"],
    "together with others that say -s; in line like everybody else",
);
pub static SKIP: Opt =
    flag(Id::Skip, "", &["skip"], "-n, and status 0 if somebody has it: for crontabs");
pub static SLOTS: Opt = valued(
    Id::Slots,
    "",
    &["slots"],
    "N",
    "for how many participants there is room, when the lock is made",
);
pub static START: Opt = valued(
    Id::Start,
    "",
    &["start"],
    "BYTE",
    "the first byte to lock; 0 unless set; implies --fcntl",
);
pub static TOKEN: Opt = valued(Id::Token, "", &["token"], "T", "the token that the hold has said");
pub static TTL: Opt = valued(
    Id::Ttl,
    "",
    &["ttl"],
    "TIME",
    "with --engine: after how long without an answer of its servers the lock is lost (1s to 1h); 10s unless set",
);
pub static UNLOCK: Opt = flag(Id::Unlock, "u", &["unlock"], "let go of the lock on a descriptor");
pub static UNTIL: Opt = valued(
    Id::Until,
    "",
    &["until"],
    "exit|closed",
    "let go when the command has ended (the default), or when nobody has the lock's descriptor any more",
);
pub static UNUSED: Opt = flag(Id::Unused, "", &["unused"], "all that nobody uses");
pub static VERBOSE: Opt = flag(
    Id::Verbose,
    "v",
    &["verbose"],
    "say when it waits and for whom, and when it is in, on standard error",
);
pub static VERSION: Opt = flag(Id::Version, "V", &["version"], "say the version");
pub static WAIT: Opt = valued(
    Id::Wait,
    "w",
    &["wait", "timeout"],
    "TIME",
    "wait so long at the most (1.5, 90s, 10m, 2h; 0 is -n)",
);
pub static WATCH: Opt =
    flag(Id::Watch, "", &["watch"], "again each second, until it is interrupted");
pub static WHY: Opt =
    valued(Id::Why, "", &["why"], "TEXT", "what it is for; `bakery status` shows it");
