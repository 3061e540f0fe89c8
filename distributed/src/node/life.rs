//! The number of a life: greater than those before.

use std::fs::{File, rename};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::{Error, Result};

/// Counts a life in a file, and gives its number: 1, and then one more each time, whatever happens to the
/// process or the machine. One file for each node, and one process that calls this at a time.
///
/// # Errors
///
/// [`Error::BadLife`] if the file has something else in it, or cannot be read or written. What was there stays.
pub fn next_life(path: &Path) -> Result<u32> {
    let bad = |source| Error::BadLife { path: path.display().to_string(), source };
    let invalid = |why| std::io::Error::new(ErrorKind::InvalidData, why);
    let last = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        text => {
            let text = text.map_err(bad)?;
            text.trim().parse::<u32>().map_err(|_| bad(invalid("that is no number")))?
        }
    };
    let life = last.checked_add(1).ok_or_else(|| bad(invalid("there are no more numbers")))?;
    replace(path, &format!("{life}\n")).map_err(bad)?;
    Ok(life)
}

/// The old or the new is there at each moment, and the new from then on.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    rename(&new, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::next_life;

    #[test]
    fn each_life_is_one_more_and_bad_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("life");
        for life in 1..4 {
            assert_eq!(next_life(&path).unwrap(), life);
        }
        for bad in ["", "-1", "4294967295", "one"] {
            std::fs::write(&path, bad).unwrap();
            assert!(next_life(&path).is_err(), "{bad}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
        }
    }
}
