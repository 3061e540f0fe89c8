//! The text of the sources, to show what stands at a site and to find sites that no model passes.

use crate::mutation::Site;

macro_rules! sources {
    ($($file:literal)*) => {
        /// The sources that the models include and that have sites, as they were when this was
        /// built.
        const SOURCES: &[(&str, &str)] =
            &[$((concat!("src/", $file), include_str!(concat!("../../../src/", $file)))),*];
    };
}

sources! {
    "algorithm/bakery.rs"
    "algorithm/black_white.rs"
    "algorithm/bypass.rs"
    "algorithm/bypass_queue.rs"
    "algorithm/fast.rs"
    "algorithm/filter.rs"
    "algorithm/gate.rs"
    "algorithm/mark.rs"
    "algorithm/peterson.rs"
    "algorithm/ticket.rs"
    "algorithm/ticket_queue.rs"
    "algorithm/tournament.rs"
    "attempt.rs"
    "local/drop_in/lease.rs"
    "local/drop_in/slotted.rs"
    "local/drop_in/ticket.rs"
    "local/rows.rs"
    "local/taken.rs"
    "shared/life/identity.rs"
    "shared/segment/journal.rs"
    "shared/segment/record.rs"
    "shared/segment/room.rs"
    "wait/channel.rs"
    "wait/mod.rs"
    "wait/notice.rs"
}

/// The lines of code of a file, each with its number, without comments and imports.
fn code(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut importing = false;
    (1..).zip(text.lines()).filter_map(move |(number, line)| {
        let line = line.split("//").next().unwrap_or_default().trim();
        importing |= line.starts_with("use ") || line.starts_with("pub(crate) use ");
        let keep = !importing && !line.is_empty();
        importing &= !line.ends_with(';');
        keep.then_some((number, line))
    })
}

/// A site's line of code and the one before it, which tells fences apart.
pub(super) fn around(site: &Site) -> [String; 2] {
    let (_, text) =
        SOURCES.iter().find(|(file, _)| *file == site.file).expect("it is listed above");
    let lines: Vec<_> = code(text).take_while(|(number, _)| *number <= site.line).collect();
    let line = |back: usize| {
        let index = lines.len().checked_sub(back)?;
        lines.get(index).map(|(_, line)| (*line).to_owned())
    };
    [line(2).unwrap_or_default(), line(1).unwrap_or_default()]
}

/// A line of code that no model passes, and the one before it.
pub(super) struct Unreached {
    pub(super) file: &'static str,
    pub(super) number: u32,
    pub(super) after: &'static str,
    pub(super) line: &'static str,
}

/// What shows that a line has an ordering that could be weaker, or wakes.
const SIGNS: [&str; 11] = [
    "Acquire)",
    "Acquire,",
    "Release)",
    "Release,",
    "AcqRel)",
    "AcqRel,",
    "SeqCst)",
    "SeqCst,",
    "fence_after_rmw()",
    "wake.fence()",
    "wake.wake(",
];

/// The lines with an ordering that could be weaker, or that wakes, that no model has passed.
pub(super) fn unreached(sites: &[&Site], wanted: impl Fn(&str) -> bool) -> Vec<Unreached> {
    let mut found = Vec::new();
    for &(file, text) in SOURCES.iter().filter(|(file, _)| wanted(file)) {
        let mut after = "";
        for (number, line) in code(text) {
            let passed = sites.iter().any(|site| site.file == file && site.line == number);
            if SIGNS.iter().any(|sign| line.contains(sign)) && !passed {
                found.push(Unreached { file, number, after, line });
            }
            after = line;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{SIGNS, SOURCES, code};

    /// Sources with orderings that no model includes.
    const APART: [&str; 6] = [
        // The seam itself.
        "src/atomic.rs",
        // Its other half.
        "src/threads.rs",
        // Between its fences it asks for locks of the kernel's: `room` in tests/processes.
        "src/shared/waiting/room.rs",
        // Of forks, which no model has: `forks` in tests/processes.
        "src/shared/life/fork.rs",
        // Of the kernel's list, which no model trusts: `bells` in tests/processes.
        "src/shared/life/bell.rs",
        // Its fence is between a word for those behind and going: `bells` in tests/processes.
        "src/shared/waiting/watch.rs",
    ];

    fn look_through(folder: &Path, root: &Path) {
        for entry in fs::read_dir(folder).expect("it is in the tree") {
            let path = entry.expect("it is in the tree").path();
            if path.is_dir() {
                look_through(&path, root);
                continue;
            }
            let text = fs::read_to_string(&path).expect("it is text");
            let name = path.strip_prefix(root).expect("it is in it").to_str().expect("plain names");
            let orders = code(&text).any(|(_, line)| SIGNS.iter().any(|sign| line.contains(sign)));
            let listed = SOURCES.iter().any(|(file, _)| *file == name) || APART.contains(&name);
            assert!(listed || !orders, "{name} has orderings, and is not listed above");
        }
    }

    #[test]
    fn every_source_with_orderings_is_in_the_ledger() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        look_through(&root.join("src"), &root);
    }
}
