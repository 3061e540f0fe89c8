//! Programs that see other mounts than this one does.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The command, in a mount namespace of its own, behind a shell script that mounts there what it needs
/// and runs its last arguments. `None`, and it is said, where that is not allowed.
pub fn unshared(script: &str, arguments: &[&str], part: &Command) -> Option<Command> {
    static WAY: OnceLock<Option<&str>> = OnceLock::new();
    // The superuser needs no user namespace, in which some mounts are not allowed.
    let is_permitted = |way: &&&str| {
        let mut command = Command::new("unshare");
        command.args([**way, "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let way = WAY.get_or_init(|| ["-m", "-Urm"].iter().find(is_permitted).copied());
    let Some(way) = *way else {
        println!("SKIPPED: no mount namespaces here, or no unshare(1)");
        return None;
    };
    let mut command = Command::new("unshare");
    command.args([way, "--", "sh", "-e", "-c", script, "sh"]).args(arguments);
    command.arg(part.get_program()).args(part.get_args());
    command.envs(part.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(command)
}
