//! Where it was measured.

use std::fs;

pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let number = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {number} processors", model.map_or("An unknown processor", |(_, name)| name))
}

pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Which version of a package of the registry has been built in.
pub fn version(package: &str) -> String {
    let mut lines = include_str!("../../../Cargo.lock").lines();
    let is_it = |line: &str| line == format!("name = \"{package}\"");
    let version = lines.find(|line| is_it(line)).and_then(|_| lines.next());
    let version = version.and_then(|line| line.split('"').nth(1)).unwrap_or("of some version");
    format!("{package} {version}")
}
